"""Feedback alignment: errors travel back through fixed random weights.

Lillicrap et al. (2016), Nature Communications 7:13276; with ``topology = "direct"``, Nokland (2016), NIPS.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, PositiveFloat

from neurosim.circuit.description import Circuit, Pathway
from neurosim.schemes import _network
from neurosim.schemes._network import Network, Sized, Topology


class Config(BaseModel):
    """Settings of feedback alignment.

    Attributes
    ----------
    topology
        ``layerwise`` (from the layer above) or ``direct`` (from the output to every layer).
    learning_rate
        Of the forward weights, for the mean over a batch.
    feedback_weights
        Standard deviation of the feedback weights times the root of the number of neurons they reach.
    noise
        Whether learning sees activities with noise, of each neuron's own sigma; evaluation never does.
    duration
        Of a presentation, or of each of its two phases with noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    topology: Topology = "layerwise"
    learning_rate: PositiveFloat = 0.1
    feedback_weights: PositiveFloat = 1.0
    noise: bool = False
    duration: str = "50 ms"


def build(config: Config, network: Network, task: Sized) -> Circuit:
    """One phase; the feedback pathways never learn."""
    forward = _network.forward_pathways(network, config.learning_rate)
    law = _network.feedback_law(network, config.feedback_weights)
    feedback = tuple(
        Pathway(name, source, target, rule=_network.rule_of("fixed"), initial=law)
        for name, source, target, _ in _network.feedback_ends(network, config.topology)
    )
    return Circuit(
        "feedback_alignment",
        _network.populations(network, task, noise=config.noise),
        (*forward, *feedback),
        _network.learning_phases(network, config.duration, _network.learning(forward), noise=config.noise),
        _network.readout_of(network),
        _network.answer_of(network),
    )
