"""Curves of inversion by spiking neurons: the figure shows the measured numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray
from matplotlib.figure import Figure

from neurosim.plots.figures import save_probe_figures
from neurosim.plots.inversion_error import inversion_error


@pytest.fixture
def curves() -> xarray.Dataset:
    error = 10.0 ** -np.arange(12).reshape(2, 3, 2)
    both = {"error": (("draw", "neurons", "settling"), error), "rate_error": (("draw", "settling"), error[:, 2])}
    angles = {
        "angle_deg": (("draw", "neurons", "settling"), error),
        "rate_angle_deg": (("draw", "settling"), error[:, 0]),
    }
    static = {"static_error": (("draw", "neurons"), 0.1 * error[:, :, 1])}
    return xarray.Dataset({**both, **angles, **static}, {"neurons": [10, 20, 40], "settling": [25.0, 100.0]})


def test_a_curve_for_each_time_and_a_dot_for_each_draw(curves: xarray.Dataset) -> None:
    ax = inversion_error(curves, Figure().subplots(), over="neurons")
    labelled = {str(line.get_label()): line for line in ax.lines}
    for place, name in enumerate(("25 ms", "100 ms")):
        mean = curves.error.isel(settling=place).mean("draw")
        np.testing.assert_allclose(np.asarray(labelled[name].get_ydata(), dtype=float), mean)
    static = np.asarray(labelled["rates, settled"].get_ydata(), dtype=float)
    np.testing.assert_allclose(static, curves.static_error.mean("draw"))
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert len(dots) == 4
    levels = {float(np.asarray(line.get_ydata())[0]) for line in ax.lines if len(np.asarray(line.get_xdata())) == 2}
    assert levels >= {float(curves.rate_error.isel(settling=place).mean("draw")) for place in (0, 1)}


def test_over_time_the_loop_without_spikes_is_one_more_curve(curves: xarray.Dataset) -> None:
    ax = inversion_error(curves, Figure().subplots(), over="settling", measure="angle_deg")
    labelled = {str(line.get_label()): line for line in ax.lines}
    assert {"10 neurons", "20 neurons", "40 neurons", "no spikes"} <= set(labelled)
    found = np.asarray(labelled["no spikes"].get_ydata(), dtype=float)
    np.testing.assert_allclose(found, curves.rate_angle_deg.mean("draw"))


def test_a_run_of_the_probe_has_the_figure(curves: xarray.Dataset, tmp_path: Path) -> None:
    assert save_probe_figures(curves, tmp_path)[0].stat().st_size > 1000
