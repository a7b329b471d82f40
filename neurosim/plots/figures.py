"""The standard figures of a run, as files.

(Over 300 lines: one function a figure, most of them a few lines each.)
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from neurosim.atomic import write_file
from neurosim.border.arguments import MAPPING
from neurosim.plots._arguments import drawing
from neurosim.plots._plain import with_plain_texts
from neurosim.plots.alignment import alignment
from neurosim.plots.credit_in_time import CURVES as IN_TIME
from neurosim.plots.credit_in_time import credit_in_time, update_angles
from neurosim.plots.curve import family
from neurosim.plots.inversion_error import CURVES, inversion_error
from neurosim.plots.learning_curve import learning_curve
from neurosim.recording.exchange import spikes_of, synapses_of
from neurosim.untyped import Array

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit

_DPI = 150
# Characters of a title per inch.
_LETTERS = 10.5
# Most trials, neurons and variables in a figure of a recording.
_MOST_STEPS, _MOST_PANELS = 20_000, 8
# Most panels in a row.
_COLUMNS = 4


@drawing()
def save_run_figures(history: xarray.Dataset, folder: Path, *, title: str = "") -> list[Path]:
    """Draw ``learning_curve.png`` and, where it was measured, ``alignment.png``.

    Parameters
    ----------
    history
        History of the run.
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


@drawing()
def save_circuit_figures(circuit: Circuit, state: Mapping[str, Array], folder: Path, *, title: str = "") -> list[Path]:
    """Draw ``circuit.png``, ``kernels.png`` of convolutions, and ``feedback_weights.png`` if they should be a matrix.

    Kernels are those of the first convolution, and all feedback to layers that have the shape of images.

    Parameters
    ----------
    circuit, state
        What was trained, and its weights.
    folder, title
        As for `save_run_figures`.
    """
    from neurosim.engines.state import weights_of
    from neurosim.gradients.feedback import feedback_pathway, wanted_weights
    from neurosim.plots.circuit import circuit_diagram
    from neurosim.plots.weights import weight_scatter

    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(9, 4), layout="constrained")
    ax = circuit_diagram(circuit, figure.subplots())
    # The height of the picture, with room for title and legend.
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    figure.set_figheight(min(9.0, 9 * (high - low) / (right - left) + 0.9))
    titled(figure, title)
    written = [save_figure(figure, folder / "circuit.png")]
    kernels = _kernels_figure(circuit, state, title)
    written += [save_figure(kernels, folder / "kernels.png")] if kernels is not None else []
    pairs = []
    for population in circuit.populations:
        pathway = feedback_pathway(circuit, population.name)
        wanted = wanted_weights(circuit, state, population.name) if pathway is not None else None
        if pathway is not None and wanted is not None:
            pairs.append((pathway.name, wanted, weights_of(circuit, state, pathway.name)))
    if pairs:
        figure, axes = _row(len(pairs), title)
        for (name, wanted, weights), ax in zip(pairs, axes, strict=True):
            # Kernels row by row, one for each map that they feed.
            wanted, weights = (a.reshape(len(a), -1) for a in (wanted, weights))
            weight_scatter(wanted.T, weights, ax, name=name)
        written.append(save_figure(figure, folder / "feedback_weights.png"))
    return written


def _kernels_figure(circuit: Circuit, state: Mapping[str, Array], title: str) -> Figure | None:
    from neurosim.circuit.images import Convolution
    from neurosim.engines.state import weights_of
    from neurosim.gradients.feedback import feedback_pathway
    from neurosim.plots.kernels import kernel_tiles

    first = next((p.name for p in circuit.pathways if isinstance(circuit.connectivity(p.name), Convolution)), None)
    if first is None:
        return None
    shown = {first: weights_of(circuit, state, first)}
    for population in circuit.populations:
        pathway = feedback_pathway(circuit, population.name) if population.shape else None
        # Those that are tied to forward kernels show nothing new.
        if pathway is None or pathway.tie is not None or not circuit.connectivity(pathway.name).weighted:
            continue
        weights = weights_of(circuit, state, pathway.name)
        if weights.ndim == 2 and population.shape:
            # A map of weights from each sender.
            weights = weights.reshape(*population.shape, -1).transpose(2, 3, 0, 1)
        shown[pathway.name] = weights
    figure, axes = _row(len(shown), title)
    for (name, weights), ax in zip(shown.items(), axes, strict=True):
        # Colours are what an input of three maps has.
        coloured = name == first and weights.shape[1] == 3 and circuit.pathway[name].pre == "input"
        kernel_tiles(weights, ax, name=name, coloured=coloured)
    return figure


@drawing(activity=MAPPING)
def save_map_figure(
    circuit: Circuit, activity: Mapping[str, np.ndarray], folder: Path, *, title: str = ""
) -> list[Path]:
    """Draw ``feature_maps.png``: a row for each trial, a column for each layer that has the shape of images.

    Parameters
    ----------
    circuit
        What was shown the images.
    activity
        Activity of these layers, in the order of the columns, shape (trial, n).
    folder, title
        As for `save_run_figures`.
    """
    from neurosim.plots.kernels import map_tiles

    folder.mkdir(parents=True, exist_ok=True)
    trials = len(next(iter(activity.values())))
    figure = Figure(figsize=(2.4 * len(activity), 0.6 + 2.4 * trials), layout="constrained")
    titled(figure, title)
    for row, trial in zip(figure.subplots(trials, len(activity), squeeze=False), range(trials), strict=True):
        for (layer, values), ax in zip(activity.items(), row, strict=True):
            shape = circuit.population[layer].shape
            assert shape is not None, "asked for are layers that have one"
            map_tiles(values[trial], shape, ax, name=layer if trial == 0 else "")
    return [save_figure(figure, folder / "feature_maps.png")]


@drawing()
def save_recording_figures(recording: xarray.Dataset, folder: Path, *, title: str = "") -> list[Path]:
    """Draw ``raster.png`` of spikes, ``traces.png`` with a panel for each other variable, ``weights.png`` of synapses.

    Parameters
    ----------
    recording
        Result of `neurosim.simulate`, whose first trial is drawn, or of a run: its first trial before learning
        and the same after it; of a long one the first seconds.
    folder, title
        As for `save_run_figures`.
    """
    from neurosim.plots.recording import raster
    from neurosim.plots.weights import weight_courses

    folder.mkdir(parents=True, exist_ok=True)
    synapses = synapses_of(recording)
    courses = recording.drop_vars(synapses)
    columns = _columns(courses) if courses.data_vars else {}
    shown = courses.isel(trial=list(columns.values()), time=slice(_MOST_STEPS)) if columns else courses
    spikes = spikes_of(shown)
    others = [str(n) for n, v in shown.data_vars.items() if v.dtype != bool and v.dims[:2] == ("time", "trial")]
    others = [name for name in others if shown[name].ndim == 3][:_MOST_PANELS]
    written, width = [], 7.0 if len(columns) == 1 else 5.0
    if spikes:
        figure, axes = _row(len(columns), title, width=width)
        for trial, (name, ax) in enumerate(zip(columns, axes, strict=True)):
            raster(shown, ax, trial=trial).set_title(name, fontsize="medium")
        written.append(save_figure(figure, folder / "raster.png"))
    if others:
        figure = _traces_figure(shown, others, list(columns), title, width)
        written.append(save_figure(figure, folder / "traces.png"))
    if synapses:
        figure, axes = _row(len(synapses), title)
        for name, ax in zip(synapses, axes, strict=True):
            weight_courses(recording, ax, variable=name)
        written.append(save_figure(figure, folder / "weights.png"))
    return written


def _traces_figure(
    shown: xarray.Dataset, names: Sequence[str], columns: Sequence[str], title: str, width: float
) -> Figure:
    """A row for each variable, a column for each trial."""
    from neurosim.plots.recording import traces

    figure = Figure(figsize=(width * len(columns), 0.6 + 1.9 * len(names)), layout="constrained")
    titled(figure, title)
    rows = figure.subplots(len(names), len(columns), squeeze=False, sharey="row")
    for name, row in zip(names, rows, strict=True):
        for trial, ax in enumerate(row):
            # One legend a row, at its end.
            traces(shown, ax, variable=name, trial=trial, legend=trial == len(columns) - 1)
            ax.set_ylabel(ax.get_ylabel() if trial == 0 else "")
    for name, ax in zip(columns, rows[0], strict=True):
        ax.set_title(name, fontsize="medium")
    return figure


def _columns(recording: xarray.Dataset) -> dict[str, int]:
    """The trials that a figure shows, by their titles."""
    if "epoch" not in recording.coords:
        return {"": 0}
    epochs = recording.epoch.values
    last = int(np.flatnonzero(epochs == epochs[-1])[0])
    return {"before learning": 0, f"after epoch {epochs[-1]}": last}


@drawing()
def save_probe_figures(curves: xarray.Dataset, folder: Path, *, title: str = "") -> list[Path]:
    """Draw ``probe.png``, a panel for each variable, repetitions averaged; nothing where there are none.

    The probe `spiking_inversion` has three panels: error by neurons and by time, and angle by neurons. The probe
    `credit_in_time` has three as well: the angle of updates by presentations, length of credit and cosines by time.

    Parameters
    ----------
    curves, folder, title
        As for `save_run_figures`.
    """
    shown = [name for name in curves if curves[name].ndim and curves[name].dtype.kind in "iufb"][:_MOST_PANELS]
    if not shown:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    if set(curves) >= CURVES:
        return [save_figure(inversion_figure(curves, title=title), folder / "probe.png")]
    if set(curves) >= IN_TIME:
        return [save_figure(credit_figure(curves, title=title), folder / "probe.png")]
    figure, axes = _grid(len(shown), title)
    for name, ax in zip(shown, axes, strict=False):
        family(curves[name], ax)
    return [save_figure(figure, folder / "probe.png")]


@drawing()
def learning_figure(history: xarray.Dataset, *, title: str = "") -> Figure:
    """Loss, and for a classification accuracy, side by side."""
    classified = bool(history.train_accuracy.notnull().any() or history.validation_accuracy.notnull().any())
    figure, axes = _row(2 if classified else 1, title)
    learning_curve(history, axes[0], quantity="loss")
    if classified:
        learning_curve(history, axes[1], quantity="accuracy")
    return figure


@drawing()
def alignment_figure(history: xarray.Dataset, measures: Sequence[str], *, title: str = "") -> Figure:
    """One panel for each angle, and one legend for all: a layer has its colour in each of them."""
    figure, axes = _row(len(measures), title)
    shown = {}
    for measure, ax in zip(measures, axes, strict=True):
        alignment(history, ax, measure=measure)
        if (legend := ax.get_legend()) is not None:
            shown |= {str(line.get_label()): line for line in ax.get_legend_handles_labels()[0]}
            legend.remove()
    layers = [str(layer) for layer in history.layer.values if str(layer) in shown]
    if layers:
        figure.legend([shown[layer] for layer in layers], layers, frameon=False, loc="outside right upper")
    return figure


@drawing()
def inversion_figure(curves: xarray.Dataset, *, title: str = "") -> Figure:
    """Error by neurons and by time, and angle by neurons, side by side."""
    figure, axes = _row(3, title)
    inversion_error(curves, axes[0], over="neurons")
    inversion_error(curves, axes[1], over="settling")
    inversion_error(curves, axes[2], over="neurons", measure="angle_deg")
    return figure


@drawing()
def credit_figure(curves: xarray.Dataset, *, title: str = "") -> Figure:
    """Angles of updates by presentations, length of credit and cosines of what is delivered by time."""
    figure, axes = _row(3, title)
    update_angles(curves, axes[0])
    credit_in_time(curves, axes[1])
    credit_in_time(curves, axes[2], show="cosine")
    return figure


@drawing()
def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, completely or not at all.

    Raises
    ------
    DataError
        It cannot be written.
    """
    buffer = io.BytesIO()
    FigureCanvasAgg(with_plain_texts(figure)).print_figure(buffer, dpi=_DPI, format="png")
    write_file(path, buffer.getvalue())
    return path


def _row(count: int, title: str, *, width: float = 4.2) -> tuple[Figure, list]:
    # No pyplot: its global state breaks notebooks and threads.
    figure = Figure(figsize=(width * count, 3.4), layout="constrained")
    titled(figure, title)
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def _grid(count: int, title: str) -> tuple[Figure, list]:
    """As `_row`, in several rows if the panels do not fit into one."""
    rows = -(-count // _COLUMNS)
    columns = -(-count // rows)
    figure = Figure(figsize=(4.2 * columns, 3.4 * rows), layout="constrained")
    titled(figure, title)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax in axes[count:]:
        ax.set_visible(False)
    return figure, axes


def titled(figure: Figure, title: str) -> None:
    """Put a title above a figure, in as many lines as its width needs."""
    if title:
        figure.suptitle(textwrap.fill(title, int(_LETTERS * figure.get_figwidth())))
