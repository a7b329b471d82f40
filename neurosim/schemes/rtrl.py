"""Real-time recurrent learning: the exact gradient of the loss over time, carried forward with the state.

Williams & Zipser (1989), Neural Computation 1:270, with weights that stay as they are during a presentation. How each
weight has moved the state of each neuron goes from step to step, which no synapse could know: it is the gradient of
`bptt` without a way back through time, and a test of it, for small networks.
"""

from __future__ import annotations

from dataclasses import replace

from neurosim.circuit.circuit import Circuit
from neurosim.errors import ConfigError
from neurosim.networks import Relation, Sized, recurrent
from neurosim.rules.gradient import RULE
from neurosim.schemes._learning_in_time import LearningInTime

GRADIENT = Relation.EXACT
NETWORKS = (recurrent.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "layered": (
        "it learns from errors at every step, and those of a layered network count at the end of a phase; use "
        "scheme.kind = 'backpropagation'"
    ),
}
#: The largest population; what is carried grows with the cube of its size, and time with its fourth power.
MOST_NEURONS = 32


class Config(LearningInTime):
    """Settings of real-time recurrent learning: learning rates and duration."""


def build(config: Config, network: recurrent.Config, task: Sized) -> Circuit:
    """One presentation; all weights take a step against the gradient."""
    large = max(*network.hidden, task.n_inputs, task.n_outputs)
    if large > MOST_NEURONS:
        key, n = ("network.hidden", max(network.hidden)) if max(network.hidden) == large else ("task", large)
        raise ConfigError.at(
            key,
            f"got a population of {n} neurons with the scheme 'rtrl', which carries the influence of each weight on "
            f"all of them; expected at most {MOST_NEURONS}, or scheme.kind = 'bptt', whose gradient is the same",
        )
    rule = replace(RULE, forward=True, name="forward_gradient")

    def driving(link: recurrent.DrivingLink) -> dict[str, object]:
        rate = config.rate_of(link.place)
        return {"rule": rule, "parameters": {"learning_rate": rate}} if rate else {}

    pathways = recurrent.driving_pathways(network, driving)
    phase = recurrent.presentation(task, recurrent.learning(pathways), duration=config.duration)
    return recurrent.assembled("rtrl", network, recurrent.populations(network, task), pathways, (phase,))
