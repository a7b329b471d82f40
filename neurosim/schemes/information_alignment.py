"""Information alignment: feedback weights reconstruct what a layer sends from the answer of the layer above.

Kunin et al. (2020), ICML: the primitives ``amp``, ``null`` and ``decay``. What the feedback delivers bounds its
weights, which go to a ridge pseudo-inverse of the forward weights.
"""

from __future__ import annotations

from pydantic import NonNegativeFloat, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.networks import Relation, Sized, layered
from neurosim.schemes import _mirror
from neurosim.schemes._alignment import Mirror

GRADIENT = Relation.CORRELATED
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "feedback is fitted to what two layers hold at the end of a phase, and a recurrent network holds nothing; use "
        "scheme.kind = 'eprop', with feedback = 'mirror'"
    ),
}


class Config(Mirror):
    """Settings; those of all such schemes are in `neurosim.schemes._alignment.Mirror`.

    Attributes
    ----------
    amp, null, decay
        Coefficients of the primitives, see `neurosim.rules._primitives`.
    """

    amp: PositiveFloat = 2.0
    null: NonNegativeFloat = 0.25
    decay: NonNegativeFloat = 1.0


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """An engaged phase, and mirror phases unless feedback learns from its activity."""
    return _mirror.build(
        "information_alignment", config, {"amp": config.amp, "null": config.null, "decay": config.decay}, network, task
    )
