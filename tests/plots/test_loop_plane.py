"""The plane of a loop's eigenvalues: what it shows is what the criteria say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from neurosim.errors import ConfigError
from neurosim.plots.loop_plane import loop_plane
from neurosim.stability.inversion import growth_rates
from neurosim.stability.inversion_steps import step_radii


@pytest.fixture
def ax():
    return Figure().subplots()


def named(ax):
    return {line.get_label(): line for line in ax.lines}


def test_the_boundary_is_the_parabola_of_the_criterion(ax):
    settings: dict[str, Any] = {"leak": 0.1, "tau_u": 2.0, "tau_x": 0.7}
    assert loop_plane(np.array([-1 + 0.2j, -0.5 - 0.2j]), ax, **settings) is ax
    p, q = ax.lines[0].get_data()
    drawn = np.hypot(p, q) < 3.9 * 1.25
    assert drawn.sum() > 100
    rates = growth_rates((p + 1j * q)[drawn], 0.1, tau_u=2.0, tau_x=0.7)
    np.testing.assert_allclose(rates.real, 0, atol=1e-9)
    np.testing.assert_allclose((0.1 - p[drawn]) * (2 + 0.07) ** 2, 1.4 * q[drawn] ** 2, atol=1e-9)


def test_eigenvalues_are_filled_where_they_settle(ax):
    lines = named(loop_plane(np.array([-1.0, -0.1 + 2j, -0.1 - 2j, 0.5]), ax, leak=0.01))
    filled, open_ = lines["eigenvalues"], lines["eigenvalues that do not settle"]
    np.testing.assert_array_equal(filled.get_xdata(), [-1])
    assert np.shape(open_.get_xdata()) == (3,)
    assert to_rgba(filled.get_markerfacecolor()) == to_rgba("black")
    assert to_rgba(open_.get_markerfacecolor()) == to_rgba("white")


@pytest.mark.parametrize(("stages", "order"), [(1, "controller_first"), (1, "together"), (2, "controller_first")])
def test_the_region_of_steps_ends_where_they_neither_grow_nor_decay(ax, stages, order):
    loop_plane(np.array([-10.0]), ax, leak=0.01, stages=stages, dt=0.5, order=order)
    paths = [path.vertices for collection in ax.collections for path in collection.get_paths()]
    p, q = np.concatenate(paths).T
    radii = step_radii(p + 1j * q, 0.01, 0.5, stages=stages, order=order)
    np.testing.assert_allclose(radii, 1, atol=0.02)
    if stages == 1:
        assert p.min() == pytest.approx(-11.95 if order == "controller_first" else -2, rel=0.05)


def test_without_eigenvalues_or_with_none_to_see(ax):
    loop_plane(np.array([]), ax, leak=0.0)
    assert ax.get_xlim() == (-1, 0.5)
    with pytest.raises(ConfigError, match="reach"):
        loop_plane(np.array([]), ax, leak=0.0, reach=-1)
