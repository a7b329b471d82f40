"""The end of most schemes on layered networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.networks._read_out import read_out
from neurosim.networks.layers.config import Config, ports_of
from neurosim.networks.layers.refusals import refuse_lone_noise


def assembled(
    name: str,
    network: Config,
    populations: Iterable[Population],
    pathways: Iterable[Pathway],
    phases: Iterable[Phase],
    **settings: Any,
) -> Circuit:
    """A circuit with the network's readout at its output; arguments as of `read_out`."""
    ports = ports_of(network, "output")
    read, parts = ports.get("readout", ports["output"]), tuple(populations)
    refuse_lone_noise(name, network, parts)
    return read_out(name, network.readout, read, parts, pathways, phases, **settings)
