"""Figures: Axes in, Axes out, labelled, and nothing shown or left behind."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import xarray
from matplotlib.figure import Figure

from neurosim.plots.alignment import alignment
from neurosim.plots.comparison import comparison_figure, learning_bands
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


def _curves(models: list[str], seeds: int, most: float = 300.0, **attributes: str) -> xarray.Dataset:
    """Curves of models that each have a cost of their own; only the first has rewards."""
    dims, shape = ("model", "seed", "epoch"), (len(models), seeds, 3)
    spent = np.broadcast_to(np.array([0.0, 100, most]), shape).copy()
    rewards = np.where(np.arange(len(models))[:, None, None] == 0, 2 * spent, np.nan)
    accuracy = np.linspace(10, 99.5, 3) + np.linspace(-8, 8, seeds)[:, None] * np.array([1, 1, 0.1])
    return xarray.Dataset(
        {
            "validation_accuracy": (dims, np.broadcast_to(accuracy, shape), {"units": "%", **attributes}),
            "presentations": (dims, spent, {"units": "1"}),
            "reward_samples": (dims, rewards, {"units": "1"}),
            "seconds": (dims, spent / 1000, {"units": "s", "long_name": "time of learning"}),
        },
        coords={"model": models, "seed": np.arange(seeds), "epoch": [0, 1, 2]},
    )


def _angles(models: list[str], seeds: int) -> xarray.Dataset:
    angles = np.full((len(models), 2, seeds), np.nan)
    angles[:, 0] = np.linspace(30, 40, seeds)
    dims = ("model", "layer", "seed")
    coords = {"model": models, "layer": ["hidden1", "output"]}
    return xarray.Dataset({"signal_angle_deg": (dims, angles, {"units": "deg"})}, coords=coords)


NAMES: dict[str, Any] = {"quantity": "validation_accuracy", "angle": "signal_angle_deg"}


def test_a_comparison_has_a_curve_for_each_cost_angles_and_differences():
    differences = xarray.Dataset(
        {
            "difference": (("model", "pair"), [[-1.0, 0.5, 1.0]], {"units": "points"}),
            **{name: ("model", [value]) for name, value in {"mean": 0.2, "low": -0.9, "high": 1.0}.items()},
        },
        coords={"model": ["b"]},
    )
    figure = comparison_figure(
        _curves(["a", "b"], 6), _angles(["a", "b"], 6), **NAMES, differences=differences, chance=10.0
    )
    *costs, angles, pairs, legend = figure.axes
    assert [ax.get_xlabel() for ax in costs] == ["presentations", "reward_samples", "time of learning (s)"]
    # A scheme without rewards has no curve against them.
    means = [[line.get_label() for line in ax.lines if line.get_label() in ("a", "b")] for ax in costs]
    assert means == [["a", "b"], ["a"], ["a", "b"]]
    assert [text.get_text() for text in angles.get_xticklabels()] == ["hidden1"]
    assert all("chance" in [text.get_text() for text in ax.texts] for ax in (*costs, angles))
    key = legend.get_legend()
    assert key is not None and [text.get_text() for text in key.get_texts()] == ["a", "b"]
    # The model of the differences looks as in the other panels.
    looks = {line.get_marker(): line.get_color() for line in pairs.lines}
    assert looks["s"] == next(line.get_color() for line in costs[0].lines if line.get_label() == "b")
    alone = comparison_figure(_curves(["a"], 1), None, **NAMES)
    assert len(alone.axes) == 3 + 1


def test_few_seeds_are_thin_lines_and_many_a_band_within_what_there_is():
    few = Figure().subplots()
    learning_bands(_curves(["a"], 4), few, quantity="validation_accuracy")
    assert len(few.lines) == 4 + 1 and not few.collections
    many = Figure().subplots()
    learning_bands(_curves(["a"], 5), many, quantity="validation_accuracy")
    assert len(many.lines) == 1
    band = np.asarray(many.collections[0].get_paths()[0].vertices)[:, 1]
    assert band.min() >= 0 and band.max() == 100


@pytest.mark.parametrize("most", [1100.0, 4e3, 2e5])
def test_ticks_of_costs_that_differ_by_factors_do_not_collide(most):
    figure = comparison_figure(_curves(["a", "b"], 3, most), None, **NAMES)
    figure.canvas.draw()
    for ax in figure.axes[:3]:
        assert ax.get_xscale() == "symlog" and ax.get_xlim()[0] == 0
        boxes = [tick.get_window_extent() for tick in ax.get_xticklabels() if tick.get_text()]
        assert len(boxes) > 1
        assert all(one.x1 < other.x0 for one, other in pairwise(boxes))
    assert comparison_figure(_curves(["a"], 3), None, **NAMES).axes[0].get_xscale() == "linear"


def test_many_models_of_a_comparison_look_different():
    names = [f"model{number}" for number in range(18)]
    figure = comparison_figure(_curves(names, 1), _angles(names, 1), **NAMES)
    legend = figure.axes[-1].get_legend()
    assert legend is not None
    handles = legend.get_lines()
    assert len({(str(line.get_color()), str(line.get_marker())) for line in handles}) == len(names)
    # Without colours the first ones differ, too.
    assert len({str(line.get_marker()) for line in handles[:6]}) == 6
    figure.canvas.draw()
    box = legend.get_window_extent()
    assert box.x0 > figure.axes[-2].get_window_extent().x1 and box.y0 > 0
