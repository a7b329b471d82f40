"""Seconds of one epoch of MNIST in which a spiking network learns with learned feedback.

784-100-10, 60,000 images, 60 steps of 1 ms in each of two phases: the shipped model, without images held out for
validation. The epoch that compiles is left out. Exit code 1 if it takes longer than asked. Looks for MNIST where models
do.

    python -m benchmarks.mnist_epoch
"""

from __future__ import annotations

import sys
import tempfile

import neurosim
from benchmarks._command import Options, alone
from benchmarks._measuring import quartiles
from benchmarks._results import Asked, Result, Row, Table

TITLE = "One epoch of MNIST in spikes"
MODEL, IMAGES, ROUNDS = "lansdell2020/spiking_mnist", 60_000, 3
#: Seconds, at most.
ASKED = 60.0


def epochs(rounds: int) -> tuple[float, ...]:
    """Seconds of each epoch of training but the first, which compiles."""
    overrides = ["task.validation=0", f"training.epochs={rounds + 1}", "training.measure_every=0"]
    overrides += [f"training.evaluate_every={rounds + 1}"]
    with tempfile.TemporaryDirectory() as folder:
        run = neurosim.train(MODEL, overrides=overrides, seed=0, out=f"{folder}/run")
        speeds = run.history.samples_per_second.values[2:]
    return tuple((IMAGES / speeds).tolist())


def measure(options: Options) -> Result:
    """Train, and read how long each epoch took."""
    seconds = epochs(options.rounds or ROUNDS)
    return Result(
        title=TITLE,
        about="The shipped model of learned feedback in a spiking 784-100-10 network: 60,000 images, batches of 16, a "
        "clean and a perturbed phase of 60 steps of 1 ms each, all forward and feedback weights learn after every "
        "batch. Seconds of learning in an epoch, after one that compiles.",
        tables=(Table("Time", "seconds an epoch", (Row("neurosim", seconds, "float32"),)),),
        asked=(Asked("seconds an epoch", ASKED, quartiles(seconds)[1], False),),
    )


if __name__ == "__main__":
    sys.exit(alone(measure))
