"""Symmetric alignment: feedback weights follow the forward weights beside them (not local).

Kunin et al. (2020), ICML: the primitives ``self`` and ``decay``. There is nothing to mirror: one phase.
"""

from __future__ import annotations

from pydantic import NonNegativeFloat, PositiveFloat

from neurosim.circuit.description import Circuit
from neurosim.schemes import _mirror
from neurosim.schemes._alignment import Alignment
from neurosim.schemes._network import Network, Sized


class Config(Alignment):
    """Settings; those of all such schemes are in `neurosim.schemes._alignment.Alignment`.

    Attributes
    ----------
    self, decay
        Coefficients of the primitives, see `neurosim.rules._primitives`.
    """

    self: PositiveFloat = 1.0
    decay: NonNegativeFloat = 1.0


def build(config: Config, network: Network, task: Sized) -> Circuit:
    """One phase, at whose end forward and feedback weights learn."""
    return _mirror.build("symmetric_alignment", config, {"self": config.self, "decay": config.decay}, network, task)
