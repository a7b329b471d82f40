"""Figures of sweeps: which one, where things stand, and what the axes say."""

from __future__ import annotations

import numpy as np
import pytest
import xarray
from matplotlib.figure import Figure

from neurosim.plots.sweep import heat_map, scatter, seed_band, sweep_figure

RATE, TAU, KIND = "scheme.learning_rate", "network.neuron.tau_m", "scheme.kind"


def found(dims: dict[str, list], values=None, **attributes: str) -> xarray.Dataset:
    shape = tuple(map(len, dims.values()))
    array = np.arange(np.prod(shape), dtype=float).reshape(shape) if values is None else values
    metric = (tuple(dims), array, {"long_name": "validation accuracy", "units": "%"})
    data = xarray.Dataset({"metric": metric}, coords=dims, attrs=attributes)
    if TAU in data.coords:
        data[TAU].attrs["units"] = "second"
    return data


def test_one_key_is_a_line_with_the_range_of_the_seeds():
    ax = Figure().subplots()
    data = found({RATE: [1.0, 0.01, 0.1], "seed": [0, 1]})
    seed_band(data.metric, ax, name="learning rate")
    line = ax.lines[0]
    # In the order of the key, not of the file.
    assert list(np.asarray(line.get_xdata())) == [0.01, 0.1, 1.0]
    assert list(np.asarray(line.get_ydata())) == [2.5, 4.5, 0.5]
    assert ax.get_xscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "validation accuracy (%)")
    low, high = ax.collections[0].get_datalim(ax.transData).intervaly
    assert (low, high) == (0, 5)


@pytest.mark.parametrize(("direction", "corner"), [("maximize", (2, 1)), ("minimize", (0, 0))])
def test_a_heat_map_names_both_axes_and_frames_the_best(direction, corner):
    ax = Figure().subplots()
    data = found({RATE: [0.1, 0.2], TAU: [0.005, 0.01, 0.02]})
    heat_map(data.metric, ax, names={RATE: "learning rate", TAU: "tau m"}, direction=direction)
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("learning rate", "tau m (ms)")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["5", "10", "20"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["0.1", "0.2"]
    frame = ax.lines[0]
    assert (min(np.asarray(frame.get_xdata())), min(np.asarray(frame.get_ydata()))) == corner
    assert {text.get_text() for text in ax.texts} == {f"{value:.3f}" for value in range(6)}


def test_what_is_missing_is_left_out_of_a_heat_map():
    ax = Figure().subplots()
    data = found({RATE: [0.1, 0.2], TAU: [0.005, 0.01]}, np.array([[1.0, np.nan], [2.0, np.nan]]))
    heat_map(data.metric, ax, direction="maximize")
    assert sorted(text.get_text() for text in ax.texts) == ["1.000", "2.000"]
    assert np.asarray(ax.collections[0].get_array()).size == 4


def test_scatter_marks_the_best_and_takes_text():
    data = found({"run": [0, 1, 2], "seed": [0, 1]}, np.array([[1.0, 2.0], [np.nan, np.nan], [5.0, 7.0]]))
    data = data.assign_coords({KIND: ("run", ["a", "b", "a"])})
    ax = Figure().subplots()
    scatter(data.metric, KIND, ax, direction="maximize")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b"]
    points, best = ax.lines
    assert list(np.asarray(points.get_xdata())) == [0, 1, 0]
    assert (float(np.asarray(best.get_xdata())[0]), float(np.asarray(best.get_ydata())[0])) == (0, 6)


@pytest.mark.parametrize(
    ("dims", "panels"),
    [
        ({RATE: [0.1, 0.2], "seed": [0, 1]}, 1),
        ({RATE: [0.1, 0.2], TAU: [0.005, 0.01], "seed": [0]}, 2),
        ({RATE: [0.1, 0.2], TAU: [0.005, 0.01], KIND: ["a", "b"], "seed": [0, 1]}, 3),
    ],
)
def test_the_figure_fits_the_number_of_keys(dims, panels):
    figure = sweep_figure(found(dims, direction="maximize", title="Rates"))
    assert figure is not None
    # A heat map has its colour bar.
    assert len(figure.axes) == panels
    assert figure.get_suptitle() == "Rates"


def test_without_any_result_there_is_no_figure():
    assert sweep_figure(found({RATE: [0.1], "seed": [0]}, np.array([[np.nan]]))) is None
