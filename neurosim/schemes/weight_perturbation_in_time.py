"""Weight perturbation through time: noise on the weights, held for a presentation, and what it does to the loss.

Jabri & Flower (1992), IEEE Transactions on Neural Networks 3:154; Cauwenberghs (1993), NIPS. Its noise does not grow
with the length of the presentation, but with the number of weights. Fresh noise on all weights at once, and the loss
without noise from a clean phase before.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import hold
from neurosim.networks import Relation, Sized, recurrent
from neurosim.rules import Rule
from neurosim.schemes._learning_in_time import LearningInTime

GRADIENT = Relation.MEAN
NETWORKS = (recurrent.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "layered": (
        "it learns from errors at every step, and those of a layered network count at the end of a phase; use "
        "scheme.kind = 'weight_perturbation'"
    ),
}

#: The synapse's held noise times the change of the loss over the presentation since the clean phase (`quiet_loss`).
RULE = Rule(
    "w -= learning_rate*(total_loss - quiet_loss)*noise/sigma",
    parameters={"learning_rate": None},
    name="episode_weight_perturbation",
)


class Config(LearningInTime):
    """Settings of weight perturbation through time, besides learning rates and duration.

    Attributes
    ----------
    sigma
        Standard deviation of the noise on each weight.
    """

    sigma: PositiveFloat = 0.01


def build(config: Config, network: recurrent.Config, task: Sized) -> Circuit:
    """A clean presentation and one with noise on the weights, at whose end they learn."""

    def driving(link: recurrent.DrivingLink) -> dict[str, object]:
        rate = config.rate_of(link.place)
        return {"rule": RULE, "parameters": {"learning_rate": rate}, "sigma": config.sigma} if rate else {}

    pathways = recurrent.driving_pathways(network, driving)
    clean = recurrent.presentation(task, duration=config.duration, name="clean", switches={"perturb": 0.0})
    noisy = replace(
        clean,
        name="perturbed",
        switches={"perturb": 1.0},
        draw_noise=True,
        restart=True,
        learn=recurrent.learning(pathways),
    )
    clean = replace(clean, hold=(hold("quiet_loss = total_loss"),))
    populations = recurrent.populations(network, task)
    return recurrent.assembled("weight_perturbation_in_time", network, populations, pathways, (clean, noisy))
