"""Node perturbation that is always on: one phase, noise that never stops, learning at every step.

No clean pass and nothing to switch. Every perturbed neuron carries slow (Ornstein-Uhlenbeck) noise; its factor,
the noise filtered like the membrane or the deviation of its own activity from its running mean, times what the
loss deviates from its expectation, is at every moment an estimate of the gradient at the neuron. Feedback
weights learn to predict that estimate (Lansdell, Prakash & Kording 2020, ICLR, without its phases), or there is no
feedback and all weights follow the estimate itself (Fiete & Seung 2006, Physical Review Letters 97:048104;
Legenstein et al. 2010, Journal of Neuroscience 30:8400).

The estimate's long-run mean is the gradient at the site of the noise, in size as well as in direction:
`neurosim.schemes._continuous` derives the number it is divided by. That number holds for leaky rate neurons and
stimuli that last; with the deviation as factor, noise from the layers below is part of it too, which biases
the estimate in deeper layers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import PERTURB, Pathway, Phase, Population
from neurosim.networks import Relation, Sized, layered
from neurosim.neurons._quantities import TimeConstant
from neurosim.schemes import _continuous
from neurosim.schemes._continuous import Estimating

GRADIENT = Relation.LIMIT
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "the loss is that of layers that settle, and what noise does in a recurrent network comes later; use "
        "scheme.kind = 'node_perturbation_in_time', or 'eprop' with feedback = 'learned'"
    ),
}


class Config(BaseModel):
    """Settings of node perturbation that is always on.

    Attributes
    ----------
    feedback
        ``learned`` (feedback weights predict the estimates, forward weights learn from what they deliver) or
        ``none`` (node perturbation alone: every neuron, the output's too, learns from its own estimate).
    topology
        Topology of learned feedback: ``layerwise`` (from the layer above) or ``direct`` (from the output to every
        layer).
    factor
        The postsynaptic factor: the neuron's own ``noise``, or the ``deviation`` of the variable in which the
        noise shows (the potential, or the rate where noise enters there) from its running mean, for which
        nobody has to know the noise.
    trace
        Where the factor is filtered: in the ``neuron``, in the ``synapse`` (the product with the presynaptic
        activity is: one trace a synapse and trial) or not at all (``none``).
    baseline
        Whether a running mean of the loss is subtracted.
    carry
        Whether state carries over from one presentation to the next; otherwise each starts from rest.
    learning_rate, feedback_learning_rate
        Learning rates of forward and feedback weights per second, for the mean over a batch.
    feedback_weights
        Standard deviation of the initial feedback weights times the root of the number of neurons they reach.
    tau_noise, tau_trace, tau_mean, tau_reward
        Correlation time of the noise; time constant of the trace (that of the membrane if left out), of the
        running mean of a deviation, and of the running mean of the loss.
    duration
        Duration of a presentation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    feedback: Literal["learned", "none"] = "learned"
    topology: layered.Topology = "layerwise"
    factor: Literal["noise", "deviation"] = "noise"
    trace: Literal["neuron", "synapse", "none"] = "neuron"
    baseline: bool = True
    carry: bool = True
    learning_rate: PositiveFloat = 1.0
    feedback_learning_rate: PositiveFloat = 0.5
    feedback_weights: NonNegativeFloat = 1.0
    tau_noise: TimeConstant = "20 ms"
    tau_trace: TimeConstant | None = None
    tau_mean: TimeConstant = "200 ms"
    tau_reward: TimeConstant = "1 second"
    duration: str = "200 ms"


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """One phase in which noise is on and every rule acts at every step."""
    layered.refuse_normalisation(network, "a trace of noise cannot be turned into one of the drive")
    layered.refuse_skips(network, "estimates are scaled by the membranes in a row between a layer and the loss")
    how = Estimating(
        config.factor,
        config.trace,
        config.baseline,
        tau_noise=config.tau_noise,
        tau_mean=config.tau_mean,
        tau_reward=config.tau_reward,
        tau_trace=config.tau_trace,
    )
    layers = network.layers
    perturbed = layers if config.feedback == "none" else layers[:-1]
    populations = [_continuous.named_now(p) for p in layered.populations(network, task, noise=False)]
    models = {p.name: p.neuron for p in populations if p.name in layers}
    populations = [
        _continuous.estimating(p, how, _continuous.layers_above(models, p.name)) if p.name in perturbed else p
        for p in populations
    ]
    told: tuple[Pathway, ...] = ()
    if config.baseline:
        populations.append(_continuous.critic(config.tau_reward))
        told = _continuous.expectations(perturbed)
    learning = _pathways(config, network, how, {p.name: p for p in populations})
    return layered.assembled(
        "continuous_node_perturbation",
        network,
        tuple(populations),
        (*learning, *told),
        (Phase("always", config.duration, {PERTURB: 1.0}, learn=layered.learning(learning)),),
        carry=config.carry,
    )


def _pathways(
    config: Config, network: layered.Config, how: Estimating, populations: dict[str, Population]
) -> tuple[Pathway, ...]:
    """Forward pathways, and feedback pathways where feedback is learned."""
    if config.feedback == "none":
        rule = "step_reward_eligibility" if config.trace == "synapse" else "step_reward"
        return tuple(
            _with_trace(pathway, how, populations)
            for pathway in layered.forward_pathways(network, config.learning_rate, rule)
        )
    rule = layered.rule_of("step_feedback_eligibility" if config.trace == "synapse" else "step_feedback")
    settings: dict[str, Any] = {
        "rule": rule,
        "parameters": {"learning_rate": config.feedback_learning_rate},
        "initial": layered.feedback_law(network, config.feedback_weights),
    }
    feedback = tuple(
        _with_trace(pathway, how, populations)
        for pathway in layered.feedback_pathways(network, config.topology, settings)
    )
    return (*layered.forward_pathways(network, config.learning_rate, "step_delta"), *feedback)


def _with_trace(pathway: Pathway, how: Estimating, populations: dict[str, Population]) -> Pathway:
    """A pathway with the time constant of its traces, if it has any."""
    if not pathway.synapse.trace_variables:
        return pathway
    tau = how.trace_of(populations[pathway.post].neuron)
    return replace(pathway, parameters={**pathway.parameters, "tau_eligibility": tau})
