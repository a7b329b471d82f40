"""Figures. Every function takes and returns Axes, and shows nothing."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from neurosim.plots._style import COLOURS as COLOURS
from neurosim.plots._style import tidy as tidy
from neurosim.public_names import on_first_use

if TYPE_CHECKING:
    from neurosim.plots.circuit import circuit_diagram as circuit_diagram
    from neurosim.plots.cross_correlogram import cross_correlogram as cross_correlogram
    from neurosim.plots.fi_curve import fi_curve as fi_curve
    from neurosim.plots.fi_curve import frequencies as frequencies
    from neurosim.plots.firing_rates import firing_rates as firing_rates
    from neurosim.plots.interval_histogram import interval_histogram as interval_histogram
    from neurosim.plots.inversion_error import inversion_error as inversion_error
    from neurosim.plots.learning_curve import learning_curve as learning_curve
    from neurosim.plots.loop_plane import loop_plane as loop_plane
    from neurosim.plots.phase_plane import phase_plane as phase_plane
    from neurosim.plots.phase_portrait import phase_portrait as phase_portrait
    from neurosim.plots.psth import psth as psth
    from neurosim.plots.recording import raster as raster
    from neurosim.plots.recording import traces as traces
    from neurosim.plots.spike_triggered_average import spike_triggered_average as spike_triggered_average
    from neurosim.plots.sweep import sweep_figure as sweep_figure
    from neurosim.plots.weight_distribution import weight_distribution as weight_distribution
    from neurosim.plots.weights import weight_courses as weight_courses
    from neurosim.plots.weights import weight_scatter as weight_scatter

_ALONE = (
    *("cross_correlogram", "fi_curve", "firing_rates", "interval_histogram", "inversion_error", "learning_curve"),
    *("loop_plane", "phase_plane", "phase_portrait", "psth", "spike_triggered_average", "weight_distribution"),
)
#: Public function -> its module.
_HOME = {
    **{name: name for name in _ALONE},
    "circuit_diagram": "circuit",
    "frequencies": "fi_curve",
    "raster": "recording",
    "traces": "recording",
    "sweep_figure": "sweep",
    "weight_courses": "weights",
    "weight_scatter": "weights",
}
__getattr__, _names = on_first_use(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted({*_names(), "COLOURS", "tidy"})


class _Figures(ModuleType):
    """A package whose names are functions, also where their modules are called the same."""

    def __setattr__(self, name: str, value: object) -> None:
        # A module that is imported becomes an attribute of its package; the function is what users mean.
        own = isinstance(value, ModuleType) and _HOME.get(name) == name
        super().__setattr__(name, getattr(value, name) if own else value)


sys.modules[__name__].__class__ = _Figures
