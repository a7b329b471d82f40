"""Neuron models: each is a file with a ``Config`` and ``build(config) -> NeuronModel``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.public_names import on_first_use

if TYPE_CHECKING:
    from neurosim.neurons._model import NeuronModel as NeuronModel
    from neurosim.neurons._quantities import Capacitance as Capacitance
    from neurosim.neurons._quantities import CapacitanceDensity as CapacitanceDensity
    from neurosim.neurons._quantities import Conductance as Conductance
    from neurosim.neurons._quantities import ConductanceDensity as ConductanceDensity
    from neurosim.neurons._quantities import Current as Current
    from neurosim.neurons._quantities import CurrentDensity as CurrentDensity
    from neurosim.neurons._quantities import Potential as Potential
    from neurosim.neurons._quantities import PotentialRate as PotentialRate
    from neurosim.neurons._quantities import Rate as Rate
    from neurosim.neurons._quantities import Slope as Slope
    from neurosim.neurons._quantities import TimeConstant as TimeConstant

_HOME: dict[str, str] = {
    "NeuronModel": "_model",
    **dict.fromkeys(
        (
            "Capacitance",
            "CapacitanceDensity",
            "Conductance",
            "ConductanceDensity",
            "Current",
            "CurrentDensity",
            "Potential",
            "PotentialRate",
            "Rate",
            "Slope",
            "TimeConstant",
        ),
        "_quantities",
    ),
}
__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__, __dir__ = on_first_use(__name__, _HOME)
