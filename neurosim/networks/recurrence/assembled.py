"""The end of most schemes on recurrent networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.networks._read_out import read_out
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
    """A circuit whose loss and errors are over time; arguments as of `read_out`."""
    read = shown(neuron_at(network, "output"))
    return read_out(name, network.readout, read, populations, pathways, phases, over_time=True, **settings)
