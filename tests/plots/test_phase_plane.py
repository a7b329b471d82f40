"""The phase plane: what it shows is what the flow says."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from neurosim.plots.phase_plane import phase_plane
from neurosim.stability.mirror import ScalarFlow


@pytest.fixture
def ax():
    return Figure().subplots()


def named(ax):
    return {line.get_label(): line for line in ax.lines}


def test_nullclines_fixed_points_and_trajectories(ax):
    flow = ScalarFlow(1.0, 0.5, 1.0)
    assert phase_plane(flow, ax, starts=[(0.2, -0.1), (-1.0, 0.3)], duration=60) is ax
    lines = named(ax)
    forward = lines["forward weight stands still"]
    np.testing.assert_allclose(flow.field(forward.get_xdata(), forward.get_ydata())[0], 0, atol=1e-12)
    feedback = lines["feedback weight stands still"]
    np.testing.assert_allclose(flow.field(feedback.get_xdata(), feedback.get_ydata())[1], 0, atol=1e-12)
    ends = lines["trajectories"].get_xdata()[-1], lines["trajectories"].get_ydata()[-1]
    np.testing.assert_allclose(ends, np.sqrt(0.5), atol=1e-6)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("forward weight", "feedback weight")


def test_fixed_points_are_filled_where_they_are_stable(ax):
    lines = named(phase_plane(ScalarFlow(1.0, 0.5, 1.0), ax))
    assert to_rgba(lines["stable node"].get_markerfacecolor()) == to_rgba("black")
    assert to_rgba(lines["saddle"].get_markerfacecolor()) == to_rgba("white")


@pytest.mark.parametrize(
    ("flow", "kind"),
    [
        (ScalarFlow(1.0, 1.0), "line of neutral points"),
        (ScalarFlow(1.0, 1.0, 1.0), "marginal"),
        (ScalarFlow(1.0, 0.0), "saddle"),
        (ScalarFlow(1.0, 0.0, 1.0), "line of neutral points"),
    ],
)
def test_special_cases_can_be_drawn(ax, flow, kind):
    assert kind in named(phase_plane(flow, ax, starts=[(0.4, 0.3)], duration=5))
