"""Figures: Axes in, Axes out, labelled, and nothing shown or left behind."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import xarray
from matplotlib.figure import Figure

from neurosim.plots.alignment import alignment
from neurosim.plots.comparison import comparison_figure
from neurosim.plots.curve import curve
from neurosim.plots.figures import save_run_figures
from neurosim.plots.learning_curve import learning_curve
from neurosim.training.history import EpochReport, history_of


def _history(epochs: int = 3, *, classified: bool = True):
    def report(epoch: int) -> EpochReport:
        right = 50.0 + epoch if classified else np.nan
        layers = {
            "hidden1": {"signal_angle_deg": 90.0 - epoch, "weight_angle_deg": 80.0},
            "output": {"signal_angle_deg": np.nan, "weight_angle_deg": np.nan},
        }
        return EpochReport(epoch, epochs, 1.0 / (epoch + 1), right, 1.0 / (epoch + 1), right, 100.0, layers)

    return history_of([report(epoch) for epoch in range(epochs + 1)])


@pytest.fixture
def ax():
    return Figure().subplots()


def test_learning_curves_have_both_splits_and_units(ax):
    assert learning_curve(_history(), ax, quantity="accuracy") is ax
    assert ax.get_ylabel() == "accuracy (%)"
    assert ax.get_xlabel() == "epoch"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [50, 51, 52, 53])


def test_runs_can_share_axes(ax):
    for name in ("a", "b"):
        learning_curve(_history(), ax, splits=("validation",), name=name)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]


def test_alignment_shows_measured_layers_and_chance(ax):
    assert alignment(_history(), ax) is ax
    assert ax.get_ylabel() == "signal angle (degrees)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["hidden1"]
    assert ax.lines[0].get_ydata()[0] == 90
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [90, 89, 88, 87])
    assert ax.get_ylim()[0] == 0 and ax.get_ylim()[1] >= 100


def test_alignment_says_where_nothing_is_fed_back(ax):
    alignment(_history().where(False), ax)
    assert ax.get_legend() is None and "nothing is fed back" in [text.get_text() for text in ax.texts]


def test_the_figures_of_a_run_are_written_without_pyplot(tmp_path):
    sys.modules.pop("matplotlib.pyplot", None)
    paths = save_run_figures(_history(), tmp_path / "figures", title="A run")
    assert [path.name for path in paths] == ["learning_curve.png", "alignment.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["alignment.png", "learning_curve.png"]
    assert "matplotlib.pyplot" not in sys.modules


def test_a_regression_without_measurements_has_one_figure(tmp_path):
    history = history_of([EpochReport(epoch, 2, 1.0, np.nan, 1.0) for epoch in range(3)])
    assert [path.name for path in save_run_figures(history, tmp_path)] == ["learning_curve.png"]


def test_a_curve_over_decades_has_logarithmic_axes(ax):
    samples = ("samples", [10, 100, 1000], {"units": "1"})
    error = xarray.DataArray(
        [1.0, 0.1, 0.01], dims="samples", coords={"samples": samples}, attrs={"long_name": "error"}, name="e"
    )
    assert curve(error, ax) is ax
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("samples", "error")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1, 0.1, 0.01])
    plain = curve(error - 0.5, Figure().subplots())
    assert (plain.get_xscale(), plain.get_yscale()) == ("log", "linear")


def test_a_comparison_has_bands_and_angles_by_layer():
    curves = xarray.Dataset(
        {
            "validation_accuracy": (("model", "presentations"), [[10.0, 50, np.nan], [20, np.nan, 70]], {"units": "%"}),
            "half_width": (("model", "presentations"), [[1.0, 2, np.nan], [np.nan, np.nan, np.nan]]),
        },
        coords={"model": ["a", "b"], "presentations": [0, 100, 150]},
    )
    angles = xarray.Dataset(
        {
            "signal_angle_deg": (("model", "layer"), [[30.0, np.nan], [60, np.nan]], {"units": "deg"}),
            "half_width": (("model", "layer"), [[3.0, np.nan], [np.nan, np.nan]]),
        },
        coords={"model": ["a", "b"], "layer": ["hidden1", "output"]},
    )
    figure = comparison_figure(curves, angles, quantity="validation_accuracy", angle="signal_angle_deg")
    left, right = figure.axes
    # Presentations that another model was evaluated at leave no hole.
    assert [list(np.asarray(line.get_xdata())) for line in left.lines] == [[0, 100], [0, 150]]
    assert left.get_ylabel() == "validation_accuracy (%)" and left.get_xlabel() == "presentations"
    assert [text.get_text() for text in right.get_xticklabels()] == ["hidden1"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    assert len(comparison_figure(curves, None, quantity="validation_accuracy", angle="signal_angle_deg").axes) == 1


def test_many_models_of_a_comparison_look_different():
    names = [f"model{number}" for number in range(18)]
    shape = (len(names), 2)
    curves = xarray.Dataset(
        {name: (("model", "presentations"), np.ones(shape)) for name in ("validation_loss", "half_width")},
        coords={"model": names, "presentations": [0, 20]},
    )
    angles = xarray.Dataset(
        {name: (("model", "layer"), np.ones(shape)) for name in ("signal_angle_deg", "half_width")},
        coords={"model": names, "layer": ["hidden1", "output"]},
    )
    figure = comparison_figure(curves, angles, quantity="validation_loss", angle="signal_angle_deg")
    left, right = figure.axes
    assert len({(line.get_color(), line.get_linestyle()) for line in left.lines}) == len(names)
    points = {(line.get_color(), line.get_marker()) for line in right.lines if line.get_marker() in ("o", "s", "^")}
    assert len(points) == len(names)
    # One legend with a line each, beside the axes.
    handles = figure.legends[0].get_lines()
    assert [(h.get_color(), h.get_linestyle()) for h in handles] == [
        (line.get_color(), line.get_linestyle()) for line in left.lines
    ]
    assert left.get_xscale() == "linear"
    longer = curves.isel(presentations=[0, 1, 1]).assign_coords(presentations=[0, 20, 300])
    axes = comparison_figure(longer, angles, quantity="validation_loss", angle="signal_angle_deg").axes
    assert [ax.get_xscale() for ax in axes] == ["symlog", "linear"]
    assert left.get_legend() is None and right.get_legend() is None
    figure.canvas.draw()
    legend = figure.legends[0].get_window_extent()
    assert legend.x0 > right.get_window_extent().x1 and legend.y0 > 0
