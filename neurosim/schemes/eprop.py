"""E-prop: eligibility traces of each synapse's own neuron, times a learning signal that feedback brings.

Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass (2020), Nature Communications 11:3625. The update is the
gradient through time without what a neuron's output does to the loss by way of other neurons' future, if feedback is
``symmetric``. With feedback that is ``random``, and the leak on the rate, it is the RFLO of Murray (2019), eLife
8:e43299.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, model_validator

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial, Pathway, Population, Tie
from neurosim.errors import ConfigError
from neurosim.networks import Relation, Sized, recurrent
from neurosim.neurons import Rate
from neurosim.schemes._eligibility import Eligibility
from neurosim.schemes._exploration import Exploration, Explored, ExploringInTime

GRADIENT = Relation.TRUNCATED
NETWORKS = (recurrent.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "layered": (
        "it learns from errors at every step, and those of a layered network count at the end of a phase; use "
        "scheme.kind = 'feedback_alignment'"
    ),
}


class Config(ExploringInTime):
    """Settings of e-prop, besides learning rates and duration.

    Attributes
    ----------
    feedback
        What brings the learning signal from the output's error to recurrent neurons: the ``symmetric``, transposed
        weights of the readout, which no synapse knows; ``random`` ones that stay; those of ``kolen_pollack``, which
        start at random, take the steps of the readout's weights and decay like them; those of a ``mirror``, which
        follow noise of the neurons times the response of the output at the same step; or ``learned`` ones, which
        predict, from the error, what noise of the neurons does to the loss of this and of later steps.
    feedback_weights, feedback_law, feedback_fan
        Standard deviation (or half width) of initial feedback weights, their law, and by the root of which number of
        neurons it is divided: of those they reach (``out``), of those they come from (``in``), or not (``none``).
    decay
        With ``kolen_pollack``: the fraction that feedback and readout weights lose with each update.
    feedback_learning_rate
        Of feedback that is ``learned``, or a ``mirror``: of the mean over the presentation, errors taken as numbers.
    estimator
        With ``learned``: whether steps grow with the error (``lms``), or are divided by its power (``normalised_lms``),
        which no synapse knows.
    gamma
        With ``learned``: the share that changes of the loss one time step of the engine later count with. At 0
        feedback comes to deliver the immediate credit, as the symmetric weights do, towards 1 the best linear
        prediction of the total credit through time.
    baseline
        With ``learned``, what the loss is compared with: that of a ``clean`` twin of the network with the same weights,
        a ``running`` mean, or one for each trial ``type`` of the task. Means need more noise and more trials. With a
        ``mirror``, what the answer is compared with: that of the twin, or a running mean.
    rate_cost, rate_target
        Of neurons that spike: half the square of how far the mean rate in a presentation is from the target, in spikes
        a time step, adds to the loss with this cost, summed over neurons. E-prop follows it without feedback.
    baseline_learning_rate, baseline_width
        Of running means of the loss: their rate for each presentation, and the length of the stretches of a
        presentation that each have a mean of their own. That of the answer has `baseline_width` as its time constant.
    """

    feedback: Literal["symmetric", "random", "kolen_pollack", "mirror", "learned"] = "symmetric"
    feedback_weights: NonNegativeFloat = 1.0
    feedback_law: Literal["normal", "uniform"] = "normal"
    feedback_fan: Literal["out", "in", "none"] = "out"
    decay: NonNegativeFloat = 0.0
    feedback_learning_rate: PositiveFloat = 0.05
    estimator: Literal["lms", "normalised_lms"] = "lms"
    gamma: float = Field(default=0.9, ge=0, lt=1)
    rate_cost: NonNegativeFloat = 0.0
    rate_target: Rate = "10 Hz"

    @model_validator(mode="after")
    def _decays(self) -> Config:
        if self.decay and self.feedback != "kolen_pollack":
            raise ValueError(f"decay: got {self.decay:g} with feedback '{self.feedback}', expected 'kolen_pollack'")
        if self.estimator != "lms" and self.feedback != "learned":
            raise ValueError(f"estimator: got '{self.estimator}' with feedback '{self.feedback}', expected 'learned'")
        return self


def build(config: Config, network: recurrent.Config, task: Sized) -> Circuit:
    """One presentation; all weights change by what its steps add up to."""
    return circuit_of("eprop", config, network, task)


def circuit_of(name: str, config: Config, network: recurrent.Config, task: Sized) -> Circuit:
    """The same, of a scheme of another name."""
    traces = Eligibility(network, name)
    decayed = {"rule": recurrent.rule_of("decay"), "parameters": {"decay": config.decay}} if config.decay else {}

    phase = recurrent.presentation(task, duration=config.duration)
    costs = {"rate_cost": config.rate_cost, "rate_target": config.rate_target, "duration": phase.duration}

    def driving(link: recurrent.DrivingLink) -> Mapping[str, Any]:
        settings = traces.settings(link, config.rate_of(link.place))
        settings = traces.with_rate_cost(link, settings, costs) if config.rate_cost else settings
        return _both(settings, decayed) if link.place == "output" and settings else settings

    pathways = recurrent.driving_pathways(network, driving)
    feedback = recurrent.feedback_pathways(
        network, lambda layer: _feedback(config, traces, layer, decayed, phase.duration)
    )
    populations = traces.populations(recurrent.populations(network, task))
    populations = traces.counting(populations, phase.seconds) if config.rate_cost else populations
    populations = tuple(
        recurrent.with_signal(each) if each.name in network.hidden_layers else each for each in populations
    )
    if config.feedback in ("mirror", "learned"):
        explored = _explored(config, network, populations, pathways, phase.seconds)
        populations, pathways, phase = (
            explored.populations,
            explored.pathways,
            replace(phase, switches={"perturb": 1.0}),
        )
    if config.estimator == "normalised_lms":
        populations = tuple(
            _with_power(each, phase.duration) if each.name == "output" else each for each in populations
        )
    joined = (*pathways, *feedback)
    phase = replace(phase, learn=recurrent.learning(joined))
    return recurrent.assembled(name, network, populations, joined, (phase,))


def _explored(
    config: Config,
    network: recurrent.Config,
    populations: Sequence[Population],
    pathways: Sequence[Pathway],
    seconds: float,
) -> Explored:
    """Populations with noise, and what says what to expect."""
    exploration = Exploration(network, "eprop", "rate", config, seconds)
    if config.feedback == "learned":
        return exploration.of_loss(populations, pathways)
    return exploration.of_response(populations, pathways)


def _feedback(
    config: Config, traces: Eligibility, layer: str, decayed: Mapping[str, Any], duration: str
) -> Mapping[str, Any]:
    """Weights and rule of the feedback to a population."""
    network = traces.network
    fan = None if config.feedback_fan == "none" else config.feedback_fan
    drawn = {"initial": Initial(config.feedback_law, config.feedback_weights, fan)}
    if config.feedback == "random":
        return drawn
    parameters = {"learning_rate": config.feedback_learning_rate, "duration": duration}
    if config.feedback == "learned":
        parameters["keep"] = config.gamma
        rule = "integral_feedback" if config.estimator == "lms" else "integral_normalised_feedback"
        if recurrent.neuron_at(network, layer).threshold is not None:
            if config.estimator != "lms":
                raise ConfigError.at(
                    "scheme.estimator", f"got '{config.estimator}' with {layer}, which spikes, expected 'lms'"
                )
            rule = "integral_feedback_spikes"
        return {**drawn, "rule": recurrent.rule_of(rule), "parameters": parameters}
    beside = recurrent.readout_of(network, layer)
    if beside is None:
        raise ConfigError.at(
            "scheme.feedback",
            f"got '{config.feedback}', and the readout does not see {layer}, so that no weights lead from there to it; "
            "expected network.readout_from = 'all', or feedback = 'random'",
        )
    if config.feedback == "mirror":
        return {**drawn, "rule": recurrent.rule_of("integral_mirror"), "parameters": parameters}
    if config.feedback == "symmetric":
        return {"tie": Tie(beside, transposed=True)}
    rate = config.rate_of("output")
    return {**drawn, **_both(traces.feedback_settings(layer, rate), decayed)} if rate else drawn


def _with_power(output: Population, duration: str) -> Population:
    """The output, which knows the power of its error, taken as numbers."""
    made = recurrent.with_lines(output, "squared : 1", "lasting : second", parameters={"lasting": duration})
    return replace(
        made, bind={**made.bind, "squared": "(error*lasting)**2"}, sums={**made.sums, "power": "squared_pre"}
    )


def _both(settings: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a pathway that learns by two rules."""
    if not other:
        return dict(settings)
    parameters = {**settings["parameters"], **other["parameters"]}
    return {**settings, "rule": (settings["rule"], other["rule"]), "parameters": parameters}
