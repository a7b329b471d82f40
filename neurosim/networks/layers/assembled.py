"""The end of most schemes: populations, pathways and phases become a circuit that is read out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.networks.layers.config import Config, ports_of


def assembled(
    name: str,
    network: Config,
    populations: Iterable[Population],
    pathways: Iterable[Pathway],
    phases: Iterable[Phase],
    **settings: Any,
) -> Circuit:
    """A circuit with the network's readout at its output.

    Parameters
    ----------
    name
        The scheme's.
    settings
        Further ones of `Circuit`, such as ``carry``.
    """
    readout = registry.load("readouts", network.readout).READOUT
    ports = ports_of(network, "output")
    read = f"output.{ports.get('readout', ports['output'])}"
    return Circuit(name, tuple(populations), tuple(pathways), tuple(phases), readout, read, **settings)
