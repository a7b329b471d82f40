"""Figures of credit through time: which curves they have, and where the beginning is."""

from __future__ import annotations

import numpy as np
import pytest
import xarray
from matplotlib.figure import Figure

from neurosim.plots.credit_in_time import credit_in_time, update_angles


@pytest.fixture
def curves() -> xarray.Dataset:
    steps, marks = 5, 3
    by_mark, by_time = ("presentations", "layer"), ("layer", "time")
    return xarray.Dataset(
        {
            "update_angle_deg": (by_mark, np.linspace(80, 5, marks)[:, None]),
            "immediate_update_angle_deg": (by_mark, np.full((marks, 1), 20.0)),
            "total_norm": (by_time, np.linspace(2, 1, steps)[None]),
            "immediate_norm": (by_time, np.ones((1, steps))),
            "signal_norm": (by_time, np.full((1, steps), np.nan)),
            "signal_total_cosine": (by_time, np.full((1, steps), 0.9)),
            "signal_immediate_cosine": (by_time, np.full((1, steps), 0.8)),
        },
        {"presentations": [0, 100, 1000], "layer": ["hidden1"], "time": np.arange(steps) * 1e-3},
    )


def test_lengths_by_time_without_a_signal_where_none_is_delivered(curves):
    ax = credit_in_time(curves, Figure().subplots())
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["total", "immediate"]
    assert ax.lines[0].get_xdata() == pytest.approx([0, 1, 2, 3, 4])  # ms


def test_cosines_by_time(curves):
    ax = credit_in_time(curves, Figure().subplots(), show="cosine", layer="hidden1")
    assert [np.asarray(line.get_ydata())[0] for line in ax.lines] == [0.9, 0.8]


def test_the_beginning_is_left_of_the_first_mark(curves):
    ax = update_angles(curves, Figure().subplots())
    first, second, third = np.asarray(ax.lines[0].get_xdata())
    assert 0 < first < second == 100 < third == 1000
    assert ax.lines[1].get_ydata() == pytest.approx([20, 20, 20])


def test_one_mark_alone(curves):
    ax = update_angles(curves.isel(presentations=[0]), Figure().subplots())
    assert ax.get_xscale() == "linear"
