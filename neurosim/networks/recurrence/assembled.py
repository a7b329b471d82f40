"""The end of each scheme: populations, pathways and phases become a circuit whose loss is one over time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.networks.recurrence.config import Config
from neurosim.networks.recurrence.neurons import neuron_at, shown


def assembled(
    name: str,
    network: Config,
    populations: Iterable[Population],
    pathways: Iterable[Pathway],
    phases: Iterable[Phase],
    **settings: Any,
) -> Circuit:
    """A circuit with the network's readout at its output, whose loss and errors are over time.

    Parameters
    ----------
    name
        The scheme's.
    settings
        Further ones of `Circuit`, such as ``carry``.
    """
    readout = registry.load("readouts", network.readout).READOUT
    read = f"output.{shown(neuron_at(network, 'output'))}"
    parts = (tuple(populations), tuple(pathways), tuple(phases))
    return Circuit(name, *parts, readout, read, over_time=True, **settings)
