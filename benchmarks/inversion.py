"""Samples a second of dynamic inversion while it learns MNIST: 784-1000-10, batches of 100, float32.

The published 999 steps in every loop, loops that settle until a percent of their target is left, and their exact fixed
point. How soon loops settle depends on the weights, so speeds are those of whole epochs of training, after one that
compiles; the figure of a run is their median. Exit code 1 below what is asked. Looks for MNIST where models do.

    python benchmarks/inversion.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import neurosim

MODEL, EPOCHS = "podlaski2020/mnist", 5
#: Variant, what it is, samples a second that are asked for, batches an epoch.
RUNS = (
    ("settled", "999 steps", 1_000, 100),
    ("", "until a percent is left", 10_000, 600),
    ("ndi_batches", "fixed point", 20_000, 600),
)


def speeds(variant: str, steps: int, folder: Path) -> np.ndarray:
    """Samples a second in each epoch but the first."""
    overrides = [f"training.epochs={EPOCHS + 1}", f"training.steps_per_epoch={steps}", "training.measure_every=0"]
    run = neurosim.train(f"{MODEL}+{variant}" if variant else MODEL, overrides=overrides, seed=0, out=folder)
    found = run.history.samples_per_second.values
    # Epoch 0 is before training, epoch 1 the one that compiles.
    return found[2:]


def main() -> int:
    """Measure and print."""
    slow = []
    with tempfile.TemporaryDirectory() as folder:
        for variant, what, asked, steps in RUNS:
            found = speeds(variant, steps, Path(folder) / (variant or "tolerance"))
            each = ", ".join(f"{speed:,.0f}" for speed in found)
            print(f"{what:24} {np.median(found):10,.0f} samples/s (asked {asked:,}); epochs: {each}")
            slow += [what] if np.median(found) < asked else []
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
