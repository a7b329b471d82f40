"""Symmetric alignment: feedback weights follow the forward weights beside them (not local).

Kunin et al. (2020), ICML: the primitives ``self`` and ``decay``. There is nothing to mirror: one phase.
"""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeFloat, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.networks import Relation, Sized, layered
from neurosim.schemes import _mirror
from neurosim.schemes._alignment import Alignment

GRADIENT = Relation.LIMIT
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "feedback follows forward weights between layers at the end of a phase, and errors come at every step; use "
        "scheme.kind = 'eprop', with feedback = 'kolen_pollack'"
    ),
}


class Config(Alignment):
    """Settings; those of all such schemes are in `neurosim.schemes._alignment.Alignment`.

    Attributes
    ----------
    self, decay
        Coefficients of the primitives, see `neurosim.rules._primitives`.
    follows
        When feedback weights follow: at the ``end`` of a presentation, together with the forward weights, so that they
        are at least one update late (the authors' code: one step of one optimiser for both); or at the ``beginning`` of
        the next, when they see the forward weights that it will use.
    """

    self: PositiveFloat = 1.0
    decay: NonNegativeFloat = 1.0
    follows: Literal["end", "beginning"] = "end"


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """One phase, at whose end forward weights learn, and at whose end or beginning feedback weights do."""
    coefficients = {"self": config.self, "decay": config.decay}
    timing = "presentation" if config.follows == "beginning" else "phase_end"
    return _mirror.build("symmetric_alignment", config, coefficients, network, task, timing=timing)
