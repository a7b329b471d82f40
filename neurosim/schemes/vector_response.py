"""Feedback weights learned by correlating injected noise with the response of the neurons that send the feedback.

Noise where the feedback arrives, times the change it causes where the feedback comes from, is on average the
forward weight between the two: a weight mirror (Akrout et al. 2019, NeurIPS) that needs no mode of its own, or, with
``topology = "direct"``, forward direct feedback (Bacho & Chu 2024, Neural Networks). No reward is involved: each
sender returns its own response, so the cost of learning does not grow with the number of senders.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import hold
from neurosim.networks import Relation, Sized, layered
from neurosim.schemes import _continuous, _estimators

GRADIENT = Relation.LIMIT
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "the response is that of layers above at the end of a phase, and noise in time acts at every later step; use "
        "scheme.kind = 'eprop', with feedback = 'mirror'"
    ),
}


class Config(BaseModel):
    """Settings of feedback learned from responses.

    Attributes
    ----------
    topology
        ``layerwise`` (from the layer above) or ``direct`` (from the output to every layer).
    learning_rate, feedback_learning_rate
        Learning rates of the forward and the feedback weights, for the mean over a batch.
    estimator
        How feedback weights are found from noise times response: ``online`` (a leaky average, local) or
        ``exact_mean`` (the average of all samples so far, not local; starts at zero and needs no rate).
    memory
        Memory of the exact mean: presentations after which a sample is forgotten (infinite by default).
    feedback_weights
        Standard deviation of the initial feedback weights times the root of the number of neurons they reach.
    duration, perturbed_duration
        Durations of the clean and the perturbed phase.
    restart
        Whether the perturbed phase begins at rest like the clean one; see `neurosim.schemes.node_perturbation`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    topology: layered.Topology = "layerwise"
    learning_rate: PositiveFloat = 0.1
    feedback_learning_rate: PositiveFloat = 0.02
    estimator: Literal["online", "exact_mean"] = "online"
    memory: PositiveFloat = float("inf")
    feedback_weights: NonNegativeFloat = 1.0
    duration: str = "50 ms"
    perturbed_duration: str = "50 ms"
    restart: bool = False


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """Two phases; forward and feedback weights learn at the end of the second.

    The response is the change of the sender's summed input, because that is linear in the rates below: with noise
    at the rate, the mean of noise times response is the transposed forward weight exactly, whatever the
    activation function and the size of the noise, and noise in other layers adds variance only. With direct
    feedback it is the mean derivative of the output's input with respect to the rate: the product of the forward
    weights in a linear network. With noise as a current, each neuron's weights are scaled by its mean slope.
    """
    for layer in network.hidden_layers:
        _continuous.require_noise(layered.neuron_at(network, layer))
    forward = layered.forward_pathways(network, config.learning_rate)
    if config.topology == "layerwise":
        why = "layers also respond to what noise further down makes of the layers in between"
        layered.refuse_skips(network, why, but_identities=True)
    ends = layered.feedback_ends(network, config.topology)
    if config.estimator == "exact_mean":
        added = _estimators.exact_mean(config.memory)
    else:
        added = _estimators.online_mean(
            config.feedback_learning_rate, layered.feedback_law(network, config.feedback_weights)
        )
    feedback = layered.feedback_pathways(network, config.topology, added.pathway)
    drives = {
        sender: layered.ports_of(network, sender)["drive"]
        for sender in dict.fromkeys(source.split(".")[0] for _, source, _, _ in ends)
    }
    clean = layered.clean_phase(network, config.duration)
    clean = replace(
        clean, hold=(*clean.hold, *(hold(f"{name}.drive_held = {drive}") for name, drive in drives.items()))
    )
    perturbed = layered.perturbed_phase(
        config.perturbed_duration,
        [
            *(hold(f"{layer}.eligibility = noise/sigma") for layer in network.hidden_layers),
            *(hold(f"{name}.response = {drive} - drive_held") for name, drive in drives.items()),
        ],
        layered.learning((*forward, *feedback)),
        restart=config.restart,
    )
    return layered.assembled(
        "vector_response",
        network,
        layered.populations(network, task, noise=True),
        (*forward, *feedback),
        (clean, perturbed),
    )
