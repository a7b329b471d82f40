"""E-prop: eligibility traces of each synapse's own neuron, times a learning signal that feedback brings.

Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass (2020), Nature Communications 11:3625. The update is the
gradient through time without what a neuron's output does to the loss by way of other neurons' future, if feedback is
``symmetric``. With feedback that is ``random``, and the leak on the rate, it is the RFLO of Murray (2019), eLife
8:e43299.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import NonNegativeFloat, model_validator

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial, Tie
from neurosim.errors import ConfigError
from neurosim.networks import Relation, Sized, recurrent
from neurosim.schemes._eligibility import Eligibility
from neurosim.schemes._learning_in_time import LearningInTime

GRADIENT = Relation.TRUNCATED
NETWORKS = (recurrent.Config,)


class Config(LearningInTime):
    """Settings of e-prop, besides learning rates and duration.

    Attributes
    ----------
    feedback
        What brings the learning signal from the output's error to recurrent neurons: the ``symmetric``, transposed
        weights of the readout, which no synapse knows; ``random`` ones that stay; or those of ``kolen_pollack``, which
        start at random, take the steps of the readout's weights and decay like them.
    feedback_weights, feedback_law, feedback_fan
        Standard deviation (or half width) of initial feedback weights, their law, and by the root of which number of
        neurons it is divided: of those they reach (``out``), of those they come from (``in``), or not (``none``).
    decay
        With ``kolen_pollack``: the fraction that feedback and readout weights lose with each update.
    """

    feedback: Literal["symmetric", "random", "kolen_pollack"] = "symmetric"
    feedback_weights: NonNegativeFloat = 1.0
    feedback_law: Literal["normal", "uniform"] = "normal"
    feedback_fan: Literal["out", "in", "none"] = "out"
    decay: NonNegativeFloat = 0.0

    @model_validator(mode="after")
    def _decays(self) -> Config:
        if self.decay and self.feedback != "kolen_pollack":
            raise ValueError(f"decay: got {self.decay:g} with feedback '{self.feedback}', expected 'kolen_pollack'")
        return self


def build(config: Config, network: recurrent.Config, task: Sized) -> Circuit:
    """One presentation; all weights change by what its steps add up to."""
    traces = Eligibility(network, "eprop")
    decayed = {"rule": recurrent.rule_of("decay"), "parameters": {"decay": config.decay}} if config.decay else {}

    def driving(link: recurrent.DrivingLink) -> Mapping[str, Any]:
        settings = traces.settings(link, config.rate_of(link.place))
        return _both(settings, decayed) if link.place == "output" and settings else settings

    pathways = recurrent.driving_pathways(network, driving)
    feedback = recurrent.feedback_pathways(network, lambda layer: _feedback(config, traces, layer, decayed))
    populations = traces.populations(recurrent.populations(network, task))
    populations = tuple(
        recurrent.with_signal(each) if each.name in network.hidden_layers else each for each in populations
    )
    joined = (*pathways, *feedback)
    phase = recurrent.presentation(task, recurrent.learning(joined), duration=config.duration)
    return recurrent.assembled("eprop", network, populations, joined, (phase,))


def _feedback(config: Config, traces: Eligibility, layer: str, decayed: Mapping[str, Any]) -> Mapping[str, Any]:
    """Weights and rule of the feedback to a population."""
    network = traces.network
    fan = None if config.feedback_fan == "none" else config.feedback_fan
    drawn = {"initial": Initial(config.feedback_law, config.feedback_weights, fan)}
    if config.feedback == "random":
        return drawn
    beside = recurrent.readout_of(network, layer)
    if beside is None:
        raise ConfigError.at(
            "scheme.feedback",
            f"got '{config.feedback}', and the readout does not see {layer}, so that no weights lead from there to it; "
            "expected network.readout_from = 'all', or feedback = 'random'",
        )
    if config.feedback == "symmetric":
        return {"tie": Tie(beside, transposed=True)}
    rate = config.rate_of("output")
    return {**drawn, **_both(traces.feedback_settings(layer, rate), decayed)} if rate else drawn


def _both(settings: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a pathway that learns by two rules."""
    if not other:
        return dict(settings)
    parameters = {**settings["parameters"], **other["parameters"]}
    return {**settings, "rule": (settings["rule"], other["rule"]), "parameters": parameters}
