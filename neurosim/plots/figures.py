"""The standard figures of a run, as files."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import xarray
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from neurosim.plots.alignment import alignment
from neurosim.plots.curve import curve
from neurosim.plots.learning_curve import learning_curve

_DPI = 150


def save_run_figures(history: xarray.Dataset, folder: Path, *, title: str = "") -> list[Path]:
    """Draw ``learning_curve.png`` and, where it was measured, ``alignment.png``.

    Parameters
    ----------
    history
        Of the run.
    folder
        Where to put the files; made if it is not there.
    title
        Above the figures.

    Returns
    -------
    list of pathlib.Path
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = [save_figure(learning_figure(history, title=title), folder / "learning_curve.png")]
    measures = [m for m in ("signal_angle_deg", "update_angle_deg", "weight_angle_deg") if m in history]
    if measures and history.sizes["epoch"] > 1:
        written.append(save_figure(alignment_figure(history, measures, title=title), folder / "alignment.png"))
    return written


def save_probe_figures(curves: xarray.Dataset, folder: Path, *, title: str = "") -> list[Path]:
    """Draw ``probe.png``, one panel for each curve of one dimension; nothing where there are none.

    Parameters
    ----------
    curves, folder, title
        As for `save_run_figures`.
    """
    shown = [name for name in curves if curves[name].ndim == 1]
    if not shown:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = _row(len(shown), title)
    for name, ax in zip(shown, axes, strict=True):
        curve(curves[name], ax)
    return [save_figure(figure, folder / "probe.png")]


def learning_figure(history: xarray.Dataset, *, title: str = "") -> Figure:
    """Loss, and for a classification accuracy, side by side."""
    classified = bool(history.train_accuracy.notnull().any() or history.validation_accuracy.notnull().any())
    figure, axes = _row(2 if classified else 1, title)
    learning_curve(history, axes[0], quantity="loss")
    if classified:
        learning_curve(history, axes[1], quantity="accuracy")
    return figure


def alignment_figure(history: xarray.Dataset, measures: Sequence[str], *, title: str = "") -> Figure:
    """One panel for each angle."""
    figure, axes = _row(len(measures), title)
    for measure, ax in zip(measures, axes, strict=True):
        alignment(history, ax, measure=measure)
    return figure


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, wholly or not at all."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(buffer, dpi=_DPI, format="png")
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as stream:
        stream.write(buffer.getvalue())
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)
    return path


def _row(count: int, title: str) -> tuple[Figure, list]:
    # No pyplot: its global state breaks notebooks and threads.
    figure = Figure(figsize=(4.2 * count, 3.4), layout="constrained")
    if title:
        figure.suptitle(title)
    return figure, list(figure.subplots(1, count, squeeze=False)[0])
