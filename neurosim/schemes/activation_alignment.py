"""Activation alignment: feedback weights, used in reverse, predict the answer of the layer above (not local).

Kunin et al. (2020), ICML: the primitives ``amp`` and ``sparse``. With equal coefficients the weights go to the least
squares of the answer on what the layer sends.
"""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeFloat, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.networks import Relation, Sized, layered
from neurosim.schemes import _mirror
from neurosim.schemes._alignment import Mirror

GRADIENT = Relation.LIMIT
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
    amp, sparse
        Coefficients of the primitives, see `neurosim.rules._primitives`.
    """

    source: Literal["noise", "activity"] = "activity"
    centring: Literal["none", "running", "batch"] = "none"
    amp: PositiveFloat = 1.0
    sparse: NonNegativeFloat = 1.0


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """An engaged phase, and mirror phases unless feedback learns from its activity."""
    return _mirror.build("activation_alignment", config, {"amp": config.amp, "sparse": config.sparse}, network, task)
