"""Weight perturbation: every synapse learns from its own noise and the change of the loss alone (the floor).

Jabri & Flower (1992), IEEE Transactions on Neural Networks 3:154; Cauwenberghs (1993), NIPS. Its speed beside node
perturbation's: Werfel, Xie & Seung (2005), Neural Computation 17:2699.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase
from neurosim.networks import Relation, Sized, layered

GRADIENT = Relation.MEAN
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "the loss counts at the end of a phase, and that of a recurrent network is summed over time; use scheme.kind "
        "= 'weight_perturbation_in_time'"
    ),
}


class Config(BaseModel):
    """Settings of weight perturbation.

    Attributes
    ----------
    sigma
        Standard deviation of the noise on all weights and biases; each trial has its own.
    learning_rate
        Learning rate of all weights, for the mean over a batch.
    duration, perturbed_duration
        Durations of the clean and the perturbed phase.
    restart
        Whether the perturbed phase begins at rest like the clean one; see `neurosim.schemes.node_perturbation`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    sigma: PositiveFloat = 0.01
    learning_rate: PositiveFloat = 0.001
    duration: str = "50 ms"
    perturbed_duration: str = "50 ms"
    restart: bool = False


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """Two phases; all forward weights learn at the end of the second, nothing is fed back."""
    forward = tuple(
        replace(pathway, sigma=config.sigma) if pathway.synapse.learns else pathway
        for pathway in layered.forward_pathways(network, config.learning_rate, "weight_perturbation")
    )
    clean = Phase("clean", config.duration, {"perturb": 0.0}, hold=layered.change_holds(network))
    learn = layered.learning(forward)
    perturbed = layered.perturbed_phase(config.perturbed_duration, (), learn, restart=config.restart)
    return layered.assembled(
        "weight_perturbation",
        network,
        layered.populations(network, task, noise=False),
        forward,
        (clean, perturbed),
    )
