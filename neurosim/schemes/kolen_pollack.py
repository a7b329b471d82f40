"""Kolen-Pollack: feedback weights take the same steps as the forward weights beside them.

Kolen & Pollack (1994); without decay, the "matched" control of Lansdell, Prakash & Kording (2020). With decay the
difference of the two dies out.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Role
from neurosim.networks import Relation, Sized, layered

GRADIENT = Relation.LIMIT
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "errors travel from layer to layer at the end of a phase, and recurrent neurons need one at every step; use "
        "scheme.kind = 'eprop', with feedback = 'kolen_pollack'"
    ),
}


class Config(BaseModel):
    """Settings of Kolen-Pollack learning.

    Attributes
    ----------
    learning_rate
        Learning rate of forward and feedback weights, for the mean over a batch.
    decay, feedback_decay
        Fraction of each weight that is lost at every update; the same in both directions unless the latter is given.
    optimised
        Whether training's optimiser steps the feedback weights, too: otherwise its memory moves the forward weights
        alone, and the two drift apart.
    feedback_weights
        Standard deviation of the initial feedback weights times the root of the number of neurons they reach.
    noise
        Whether learning sees activities with noise, of each neuron's own sigma; evaluation never does.
    duration
        Duration of a presentation, or of each of its two phases with noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    learning_rate: PositiveFloat = 0.1
    decay: NonNegativeFloat = 0.0
    feedback_decay: NonNegativeFloat | None = None
    optimised: bool = False
    feedback_weights: NonNegativeFloat = 1.0
    noise: bool = False
    duration: str = "50 ms"


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """One phase; forward and feedback weights learn at its end."""
    settings = {"learning_rate": config.learning_rate, "decay": config.decay}
    forward = layered.forward_pathways(network, config.learning_rate)
    if config.decay:
        rule = layered.rule_of("decaying_delta")
        weights = {p.name for p in forward if p.role is Role.FORWARD and p.synapse.learns}
        forward = tuple(replace(p, rule=rule, parameters=settings) if p.name in weights else p for p in forward)
    if config.feedback_decay is not None:
        settings = {**settings, "decay": config.feedback_decay}
    law = layered.feedback_law(network, config.feedback_weights)
    made = {
        "rule": layered.rule_of("kolen_pollack"),
        "parameters": settings,
        "initial": law,
        "optimised": config.optimised,
        # Both directions learn by the same amount.
        "positions": network.positions,
    }
    feedback = layered.feedback_pathways(network, "layerwise", made)
    learn = layered.learning((*forward, *feedback))
    return layered.assembled(
        "kolen_pollack",
        network,
        layered.populations(network, task, noise=config.noise),
        (*forward, *feedback),
        layered.learning_phases(network, config.duration, learn, noise=config.noise),
    )
