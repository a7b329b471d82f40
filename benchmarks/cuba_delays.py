"""Processor time of a recurrent spiking network with a delay of each synapse, beside Brian2's C++ standalone.

The benchmark of Vogels and Abbott with current-based synapses (CUBA), see `benchmarks.recurrent_spiking`, float32, on
the batched engine: one trial, and 50 trials that begin differently. Exit code 1 above what is asked.

    python -m benchmarks.cuba_delays
"""

from __future__ import annotations

import sys

from benchmarks._command import Options, alone
from benchmarks._events import Batch, cuba
from benchmarks._results import Result

TITLE = "Recurrent spiking network with a delay of each synapse, batched"
BATCHES = (Batch(1, 0.5), Batch(50, 0.35))


def measure(options: Options) -> Result:
    """Measure, and compare."""
    return cuba("cuba_delays", TITLE, options, BATCHES, "each", "with a delay of each synapse")


if __name__ == "__main__":
    sys.exit(alone(measure))
