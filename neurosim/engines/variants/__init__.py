"""Engines that models can name, one file each."""
