"""The log file of a run."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from neurosim.atomic import append_line
from neurosim.training.history import EpochReport


class Log:
    """A file that lines are appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def line(self, text: str) -> None:
        """Append a line with the time in front."""
        append_line(self.path, f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}")

    def epoch(self, report: EpochReport) -> None:
        """Append an epoch's report."""
        self.line(report_line(report))


def report_line(report: EpochReport) -> str:
    """An epoch in one line of text."""
    parts = [f"epoch {report.epoch}/{report.epochs}"]
    numbers = {
        "loss": report.train_loss,
        "validation loss": report.validation_loss,
        "validation accuracy %": report.validation_accuracy,
        "test accuracy %": report.test_accuracy,
    }
    parts += [f"{name} {value:.4g}" for name, value in numbers.items() if value == value]
    angles = {layer: measured.get("signal_angle_deg", np.nan) for layer, measured in report.layers.items()}
    parts += [f"{layer} {angle:.1f} deg" for layer, angle in angles.items() if angle == angle]
    return ", ".join(parts)
