"""Samples a second of dynamic inversion while it learns MNIST: 784-1000-10, batches of 100, float32.

The published 999 steps in every loop, loops that settle until a percent of their target is left, and their exact fixed
point. How soon loops settle depends on the weights, so speeds are those of whole epochs of training, after one that
compiles; the figure of a run is their median. Exit code 1 below what is asked. Looks for MNIST where models do.

    python -m benchmarks.inversion
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import neurosim
from benchmarks._command import Options, alone
from benchmarks._measuring import quartiles
from benchmarks._results import Asked, Result, Row, Table

TITLE = "Dynamic inversion"
MODEL, EPOCHS = "podlaski2020/mnist", 5
#: Variant, what it is, samples a second that are asked for, batches an epoch.
RUNS = (
    ("settled", "999 steps", 1_000, 100),
    ("", "until a percent is left", 10_000, 600),
    ("ndi_batches", "fixed point", 20_000, 600),
)


def speeds(variant: str, steps: int, epochs: int, folder: Path) -> np.ndarray:
    """Samples a second in each epoch but the first."""
    overrides = [f"training.epochs={epochs + 1}", f"training.steps_per_epoch={steps}", "training.measure_every=0"]
    run = neurosim.train(f"{MODEL}+{variant}" if variant else MODEL, overrides=overrides, seed=0, out=folder)
    found = run.history.samples_per_second.values
    # Epoch 0 is before training, epoch 1 the one that compiles.
    return found[2:]


def measure(options: Options) -> Result:
    """Measure each variant by itself."""
    rows, asked = [], []
    with tempfile.TemporaryDirectory() as folder:
        for variant, what, limit, steps in RUNS:
            found = speeds(variant, steps, options.rounds or EPOCHS, Path(folder) / (variant or "tolerance"))
            rows.append(Row(what, tuple(found.tolist()), f"epochs of {steps} batches"))
            asked.append(Asked(f"samples a second, {what}", limit, quartiles(rows[-1].values)[1], True))
    return Result(
        title=TITLE,
        about="Dynamic inversion while it learns MNIST, 784-1000-10, batches of 100, float32: with the published 999 "
        "steps in every loop, with loops that settle until a percent of their target is left, and by their exact fixed "
        "point. How soon loops settle depends on the weights, so these are whole epochs of training, one after the "
        "other, after one that compiles.",
        tables=(Table("Speed", "samples a second", tuple(rows), faster="higher"),),
        asked=tuple(asked),
    )


if __name__ == "__main__":
    sys.exit(alone(measure))
