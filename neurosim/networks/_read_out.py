"""The end of each scheme: populations, pathways and phases become a circuit that is read out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population


def read_out(
    name: str,
    readout: str,
    variable: str,
    populations: Iterable[Population],
    pathways: Iterable[Pathway],
    phases: Iterable[Phase],
    **settings: Any,
) -> Circuit:
    """A circuit with a readout at a variable of its output.

    Parameters
    ----------
    name
        The scheme's.
    readout, variable
        The name of the readout, and the output's variable that it reads.
    settings
        Further ones of `Circuit`, such as ``carry``.
    """
    parts = (tuple(populations), tuple(pathways), tuple(phases))
    return Circuit(name, *parts, registry.load("readouts", readout).READOUT, f"output.{variable}", **settings)
