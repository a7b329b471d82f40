"""Noise that every update leaves on the weights, added to the circuit of any scheme."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Role
from neurosim.circuit.roles import role


class UpdateNoise(BaseModel):
    """Settings of noisy updates, as when weights are estimated instead of known (Kunin et al. 2020, ICML).

    Attributes
    ----------
    sd
        Its standard deviation over the learning rate: after each update a weight has ``learning_rate*sd`` times a
        normal number more than its rule, or the optimiser, gives it.
    pathways
        ``all`` that learn, or the ``feedback`` pathways only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    sd: NonNegativeFloat
    pathways: Literal["all", "feedback"] = "all"


def with_update_noise(circuit: Circuit, noise: UpdateNoise) -> Circuit:
    """The circuit with noisy updates of all chosen pathways that learn.

    Raises
    ------
    CircuitError
        If a rule has no learning rate by which noise could be scaled.
    """
    learning = {name for phase in circuit.phases for name in phase.learn}

    def changed(pathway: Pathway) -> Pathway:
        wanted = noise.pathways == "all" or role(circuit, pathway) is Role.FEEDBACK
        chosen = pathway.name in learning and wanted
        return replace(pathway, update_noise=noise.sd) if chosen else pathway

    return replace(circuit, pathways=tuple(changed(pathway) for pathway in circuit.pathways))
