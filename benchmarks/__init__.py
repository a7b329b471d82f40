"""Benchmarks: each file without a leading underscore is a work.

Each file in `peers` is another simulator that does some of the works, too. ``make bench`` runs all works,
``python -m benchmarks.<work>`` one of them. Nothing in the package needs this.
"""
