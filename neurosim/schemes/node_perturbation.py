"""Feedback weights learned by correlating injected noise with the change of the loss.

Lansdell, Prakash & Kording (2020), ICLR: a clean and a perturbed phase in each presentation; each hidden
neuron's noise times the change of the loss estimates the gradient at that neuron, and the feedback weights
learn to predict it from the error they carry. With ``baseline = "running"`` or ``"class"`` there is no clean phase:
a critic says what loss to expect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Hold, Pathway, hold
from neurosim.networks import Relation, Sized, layered
from neurosim.schemes import _baselines, _estimators
from neurosim.schemes._baselines import Baseline, Critic
from neurosim.schemes._estimators import Addition
from neurosim.untyped import UserValue

GRADIENT = Relation.LIMIT
Estimator = Literal["growing_memory", "lms", "normalised_lms", "exact_least_squares", "true_gradient"]
#: Learning rate of feedback weights, of the estimators that have one.
RATE = 0.05
NETWORKS = (layered.Config,)
#: Where a model names no rates, a share of its epochs in which feedback learns alone, as it does not yet say anything.
FEEDBACK_FIRST = 0.1
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "noise is held through a phase at whose end the loss counts, and a loss over time needs noise at every step; "
        "use scheme.kind = 'eprop', with feedback = 'learned'"
    ),
}


class Config(BaseModel):
    """Settings of learned feedback.

    Attributes
    ----------
    topology
        ``layerwise`` (from the layer above) or ``direct`` (from the output to every layer).
    learning_rate
        Learning rate of the forward weights, for the mean over a batch.
    feedback_learning_rate
        That of the feedback weights, of the estimators that have one. If it is given, the estimator is ``lms`` unless
        another is named.
    output_learning_rate
        Learning rate of the weights into the output, by default the same. They have the exact error, while hidden
        neurons learn from a prediction of it, which is smaller if it predicts less of the gradient.
    estimator
        How feedback weights are found from the noise-based estimates: ``growing_memory`` (normalised steps that shrink
        as presentations add up, from zero; needs no rate), ``lms`` (online, local, as published),
        ``normalised_lms`` (steps divided by the power of the sender's error), ``exact_least_squares`` (over all
        samples so far, not local; starts at zero and needs no rate), or, as a control, from the
        ``true_gradient`` itself (not local).
    patience
        Growing memory: batches until steps have halved, and thus how long it takes to find a direction in which errors
        are rare.
    gamma
        Exact least squares: what is added to the diagonal of the error's second moment.
    memory
        Presentations (growing memory: batches) after which a sample is forgotten, infinite by default.
    reward_scope
        Whether each trial's noise meets its own change of the loss, or that of the whole ``batch``, which is
        unbiased as well but far noisier.
    baseline
        What the loss is compared with: that of a ``clean`` phase, or what a critic expects, which has learned a
        ``running`` mean of the loss or one for each ``class``. Without a clean phase, estimates are noisier by the
        variance of the loss over sigma squared, so sigma should be larger, and forward weights learn from perturbed
        activities, with a bias of the order of sigma squared.
    baseline_learning_rate
        Learning rate of the critic.
    feedback_weights
        Standard deviation of the initial feedback weights times the root of the number of neurons they reach.
    duration, perturbed_duration
        Durations of the clean and the perturbed phase.
    restart
        Whether the perturbed phase begins at rest like the clean one, as after a silence, instead of going on from
        its end. Spikes fall at other times as a phase goes on, so that the loss changes without any noise; two
        phases of equal length from rest differ by the noise alone.
    perturbations
        How many perturbed phases follow a clean one, each with noise of its own. Their estimates are averaged, which
        divides the variance by their number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    topology: layered.Topology = "layerwise"
    learning_rate: PositiveFloat = 0.1
    feedback_learning_rate: PositiveFloat | None = None
    output_learning_rate: PositiveFloat | None = None
    estimator: Estimator = "growing_memory"
    # Left out where it is not used, so that a model's hash stays what it was before there was any.
    patience: PositiveFloat = Field(default=10.0, exclude_if=lambda patience: patience == 10.0)
    gamma: PositiveFloat = 0.1
    memory: PositiveFloat = float("inf")
    reward_scope: Literal["trial", "batch"] = "trial"
    baseline: Baseline = "clean"
    baseline_learning_rate: PositiveFloat = 0.1
    feedback_weights: NonNegativeFloat = 1.0
    duration: str = "50 ms"
    perturbed_duration: str = "50 ms"
    restart: bool = False
    # Left out where there is one, as there was before there could be more.
    perturbations: PositiveInt = Field(default=1, exclude_if=lambda perturbations: perturbations == 1)

    @model_validator(mode="before")
    @classmethod
    def _a_rate_means_lms(cls, given: UserValue) -> UserValue:
        """A rate belongs to an estimator that has one, and such an estimator to a rate."""
        if not isinstance(given, Mapping):
            return given
        rate = given.get("feedback_learning_rate")
        settings = {"estimator": "growing_memory" if rate is None else "lms", **given}
        if settings["estimator"] != "growing_memory" and rate is None:
            settings["feedback_learning_rate"] = RATE
        return settings

    @model_validator(mode="after")
    def _fits(self) -> Config:
        if self.estimator == "growing_memory" and self.feedback_learning_rate is not None:
            raise ValueError(
                f"got feedback_learning_rate {self.feedback_learning_rate:g} with estimator 'growing_memory', "
                "which has none; expected 'lms' or 'normalised_lms', or no rate"
            )
        if self.baseline != "clean" and self.perturbations > 1:
            raise ValueError(
                f"got {self.perturbations} perturbations with baseline '{self.baseline}', which has one phase; "
                "expected baseline 'clean', or one perturbation"
            )
        if self.baseline != "clean" and self.reward_scope != "trial":
            raise ValueError(
                f"got reward_scope '{self.reward_scope}', expected 'trial' with baseline '{self.baseline}'"
            )
        return self


def untuned(settings: Mapping[str, UserValue]) -> Mapping[str, UserValue]:
    """Where a model names no rates and a phase costs no more than one evaluation: more draws of noise from each trial.

    Layers far from the output hear little of their own noise in what that of all others does to the loss.
    """
    published = settings.get("feedback_learning_rate") is not None or settings.get("baseline", "clean") != "clean"
    others = published or settings.get("estimator", "growing_memory") != "growing_memory"
    return {} if others else {"perturbations": 8}


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """Forward and feedback weights learn at the end of the last phase."""
    forward = tuple(_paced(p, config) for p in layered.forward_pathways(network, config.learning_rate))
    ends = layered.feedback_ends(network, config.topology)
    if config.estimator == "exact_least_squares" and config.topology == "layerwise":
        why = "with scheme.estimator 'exact_least_squares' each pathway would predict all of the gradient by itself"
        layered.refuse_skips(network, why)
    added = _estimator(config, network, tuple(dict.fromkeys(source.split(".")[0] for _, source, _, _ in ends)))
    feedback = layered.feedback_pathways(network, config.topology, added.pathway)
    layers = network.hidden_layers
    change = "loss_change" if config.reward_scope == "trial" else "batch_loss_change"
    populations = tuple(added.populations(population) for population in layered.populations(network, task, noise=True))
    pathways = (*forward, *feedback, *added.pathways)
    critic = None
    if config.baseline != "clean":
        change = "(loss - expected)"
        critic = Critic(config.baseline, config.baseline_learning_rate, layers)
        populations, pathways = critic.add_to(populations), (*pathways, critic.learned, *critic.fixed)
    phases = _baselines.phases(
        network,
        (config.duration, config.perturbed_duration),
        (*added.holds, *_zero(layers, config)),
        [f"{layer}.estimate = {_sum(layered.factor_of(network, layer), change, config)}" for layer in layers],
        layered.learning((*forward, *feedback)),
        critic=critic,
        restart=config.restart,
        perturbations=config.perturbations,
    )
    return layered.assembled(
        "node_perturbation",
        network,
        populations,
        pathways,
        phases,
    )


def _zero(layers: Sequence[str], config: Config) -> tuple[Hold, ...]:
    """From where the estimates of several perturbed phases add up."""
    return tuple(hold(f"{layer}.estimate = 0.0") for layer in layers) if config.perturbations > 1 else ()


def _sum(factor: str, change: str, config: Config) -> str:
    """What is held at the end of a perturbed phase: its estimate, or what adds up to their mean over all phases."""
    if config.perturbations == 1:
        return f"{factor}*{change}"
    return f"estimate + {factor}*{change}/{config.perturbations}"


def _paced(pathway: Pathway, config: Config) -> Pathway:
    """The pathway with the output's own learning rate, if it leads there and there is one."""
    if pathway.post != "output" or config.output_learning_rate is None:
        return pathway
    return replace(pathway, parameters={**pathway.parameters, "learning_rate": config.output_learning_rate})


def _estimator(config: Config, network: layered.Config, senders: tuple[str, ...]) -> Addition:
    """The parts that the chosen estimator adds to the circuit."""
    start = layered.feedback_law(network, config.feedback_weights)
    if config.estimator == "growing_memory":
        return _estimators.growing_memory(config.patience, config.memory, senders)
    rate = config.feedback_learning_rate or RATE
    if config.estimator == "normalised_lms":
        return _estimators.normalised_lms(rate, start, senders)
    if config.estimator == "exact_least_squares":
        return _estimators.exact_least_squares(config.gamma, config.memory)
    if config.estimator == "true_gradient":
        return _estimators.imitation(rate, start, network)
    return _estimators.lms(rate, start)
