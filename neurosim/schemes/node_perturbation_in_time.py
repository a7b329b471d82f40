"""Node perturbation through time: noise in what drives each neuron at every step, and what it does to the loss.

Fiete & Seung (2006), Physical Review Letters 97:048104. No error comes back: each synapse adds up noise times
presynaptic rate, and a scalar, the loss less what was expected, says what to make of it. In the mean over the noise it
is the gradient through time. The readout learns from its error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, PositiveFloat, model_validator

from neurosim.circuit.circuit import Circuit
from neurosim.networks import Relation, Sized, recurrent
from neurosim.neurons import TimeConstant
from neurosim.schemes._eligibility import ReadingOut
from neurosim.schemes._exploration import BaselineInTime, Exploration
from neurosim.schemes._learning_in_time import LearningInTime

GRADIENT = Relation.MEAN
NETWORKS = (recurrent.Config,)


class Config(LearningInTime):
    """Settings of node perturbation through time, besides learning rates and duration.

    Attributes
    ----------
    estimate
        Whether the loss of each step meets what was added up until then (``running``, half the noise), or the loss of
        the whole presentation what was added up in all of it (``episodic``).
    gamma
        With ``running``: the share that causes one time step of the engine earlier count with. Below 1 the update has
        less noise and leaves out what acts later.
    baseline
        What the loss is compared with: that of a ``clean`` twin of the network with the same weights, or a ``running``
        mean.
    baseline_learning_rate, baseline_width
        Of the running mean: its rate for each presentation, and the length of the stretches of a presentation that
        each have a mean of their own.
    """

    learning_rate: float = Field(default=0.02, ge=0)
    estimate: Literal["running", "episodic"] = "running"
    gamma: float = Field(default=1.0, ge=0, le=1)
    baseline: BaselineInTime = "clean"
    baseline_learning_rate: PositiveFloat = 0.1
    baseline_width: TimeConstant = "10 ms"

    @model_validator(mode="after")
    def _discounts(self) -> Config:
        if self.estimate == "episodic" and self.gamma != 1:
            raise ValueError(f"gamma: got {self.gamma:g} with estimate 'episodic', expected 1, or 'running'")
        return self


def build(config: Config, network: recurrent.Config, task: Sized) -> Circuit:
    """One presentation with noise; recurrent weights learn from it, the readout from its error."""
    readout = ReadingOut(network, "node_perturbation_in_time")

    def driving(link: recurrent.DrivingLink) -> Mapping[str, Any]:
        rate = config.rate_of(link.place)
        if link.post == "output" or not rate:
            return readout.settings(link, rate)
        rule = recurrent.rule_of("integral_reward" if config.estimate == "running" else "episode_reward")
        keep = {"keep": config.gamma} if config.estimate == "running" else {}
        return {"rule": _reading(rule, link), "parameters": {"learning_rate": rate, **keep}}

    pathways = recurrent.driving_pathways(network, driving)
    phase = recurrent.presentation(task, duration=config.duration, switches={"perturb": 1.0})
    populations = readout.populations(recurrent.populations(network, task))
    baseline = (config.baseline, config.baseline_learning_rate, config.baseline_width)
    exploration = Exploration(network, "node_perturbation_in_time", "drive", *baseline, phase.seconds)
    explored = exploration.of_loss(populations, pathways, total=config.estimate == "episodic")
    phase = replace(phase, learn=recurrent.learning(explored.pathways))
    return recurrent.assembled("node_perturbation_in_time", network, explored.populations, explored.pathways, (phase,))


def _reading(rule: Any, link: recurrent.DrivingLink) -> Any:
    """The rule, reading what the pathway does."""
    source = link.source.split(".")[1]
    texts = {name: getattr(rule, name).replace("r_pre", f"{source}_pre") for name in ("update", "traces")}
    return replace(rule, **texts)
