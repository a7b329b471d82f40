"""Weight mirror: noise that a layer sends, times the answer of the layer above, teaches the feedback weights between.

Akrout, Wilson, Humphreys, Lillicrap & Tweed (2019), NeurIPS; as the primitives ``amp`` and ``decay``, Kunin et al.
(2020), ICML. With noise of variance s^2 the weights go to ``amp*s^2/decay`` times W^T in a linear network.
"""

from __future__ import annotations

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
        "a mirror compares what two layers hold at the end of a phase, and a recurrent network holds nothing; use "
        "scheme.kind = 'eprop', with feedback = 'mirror'"
    ),
}


class Config(Mirror):
    """Settings; those of all such schemes are in `neurosim.schemes._alignment.Mirror`.

    Attributes
    ----------
    amp, decay
        Coefficients of the primitives, see `neurosim.rules._primitives`.
    """

    amp: PositiveFloat = 1.0
    decay: NonNegativeFloat = 1.0


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """An engaged phase, and mirror phases unless feedback learns from its activity."""
    return _mirror.build("weight_mirror", config, {"amp": config.amp, "decay": config.decay}, network, task)
