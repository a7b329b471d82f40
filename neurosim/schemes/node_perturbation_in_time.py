"""Node perturbation through time: noise in what drives each neuron at every step, and what it does to the loss.

Fiete & Seung (2006), Physical Review Letters 97:048104. No error comes back: each synapse adds up noise times
presynaptic rate, and a scalar, the loss less what was expected, says what to make of it. In the mean over the noise it
is the gradient through time. The readout learns from its error.

With ``factor = "cubed_deviation"`` no synapse knows the noise (Miconi 2017, eLife 6:e20899): it sees how the potential
deviates from its running mean, and cubes the product, which makes the rare effects of noise outweigh the common course.
As published, noise is rare kicks (``kick_rate = "3 Hz"``, sigma 16 of the neuron), the loss that of the presentation
(``estimate = "episodic"``) less the mean of the trial's type (``baseline = "type"``, one `baseline_width` long), times
that mean (``times_expected``); a step is clipped (``training.optimiser.clip``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field, model_validator

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Population
from neurosim.errors import ConfigError
from neurosim.networks import Relation, Sized, recurrent
from neurosim.neurons import Rate
from neurosim.rules._exploring import Estimate, Factor, exploring
from neurosim.schemes._eligibility import ReadingOut
from neurosim.schemes._exploration import Exploration, ExploringInTime
from neurosim.units import format_quantity, parse_quantity

GRADIENT = Relation.MEAN
NETWORKS = (recurrent.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "layered": (
        "it learns from errors at every step, and those of a layered network count at the end of a phase; use "
        "scheme.kind = 'node_perturbation_only'"
    ),
}
#: The rate that acted on a potential: that of the step before.
BEFORE = "before"


class Config(ExploringInTime):
    """Settings of node perturbation through time, besides learning rates and duration.

    Attributes
    ----------
    estimate
        Whether the loss of each step meets what was added up until then (``running``, half the noise), or the loss of
        the whole presentation what was added up in all of it (``episodic``).
    gamma
        With ``running``: the share that causes one time step of the engine earlier count with. Below 1 the update has
        less noise and leaves out what acts later.
    factor
        What a synapse takes for the noise: the ``noise`` itself, the ``deviation`` of the potential from its running
        mean, times the rate that acted on it, or the cube of that product (``cubed_deviation``).
    mean_keep
        The share of itself that the running mean of the potential keeps in a time step of the engine.
    kick_rate
        How often each neuron is kicked, for noise that is a kick between minus and plus the neuron's ``sigma`` in one
        step, and else nothing; normal numbers of standard deviation ``sigma`` at every step if left out.
    times_expected
        Whether the change of the loss counts times the loss that was expected.
    """

    learning_rate: float = Field(default=0.02, ge=0)
    estimate: Estimate = "running"
    gamma: float = Field(default=1.0, ge=0, le=1)
    factor: Factor = "noise"
    mean_keep: float = Field(default=0.05, ge=0, lt=1)
    kick_rate: Rate | None = None
    times_expected: bool = False

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
        keep = {"keep": config.gamma} if config.estimate == "running" else {}
        return {"rule": _rule(config, network, link), "parameters": {"learning_rate": rate, **keep}}

    pathways = recurrent.driving_pathways(network, driving)
    _refuse_more_than_a_kick(config, task)
    phase = recurrent.presentation(task, duration=config.duration, switches={"perturb": 1.0})
    populations = readout.populations(recurrent.populations(network, task))
    exploration = Exploration(
        network, "node_perturbation_in_time", "drive", config, phase.seconds, kick_rate=config.kick_rate
    )
    explored = exploration.of_loss(populations, pathways, total=config.estimate == "episodic")
    made = explored.populations if config.factor == "noise" else _deviating(config, network, explored.populations)
    phase = replace(phase, learn=recurrent.learning(explored.pathways))
    return recurrent.assembled("node_perturbation_in_time", network, made, explored.pathways, (phase,))


def _refuse_more_than_a_kick(config: Config, task: Sized) -> None:
    rate = parse_quantity(config.kick_rate, "Hz") if config.kick_rate is not None else 1.0
    dt = getattr(task, "engine_dt", None) or getattr(task, "dt", None) or 0.0
    if not rate > 0 or rate * dt > 1:
        raise ConfigError.at(
            "scheme.kick_rate",
            f"got {config.kick_rate}, expected above zero, and at most one kick in a time step of the engine "
            f"({format_quantity(dt, 'second')}); leave it out for normal noise at every step",
        )


def _rule(config: Config, network: recurrent.Config, link: recurrent.DrivingLink) -> Any:
    """The rule of a pathway into a recurrent population."""
    late = config.factor != "noise" and _potential(network, link.post) is not None
    source = link.source.split(".")[1]
    read = f"{source}_{BEFORE}" if late else source
    named = "episode_reward" if config.estimate == "episodic" else "integral_reward"
    name = named if config.factor == "noise" else f"{named}_of_{config.factor}"
    return exploring(config.estimate, config.factor, pre=read, scaled=config.times_expected, name=name)


def _deviating(config: Config, network: recurrent.Config, populations: Sequence[Population]) -> tuple[Population, ...]:
    """Populations that know how their potential deviates, and what they sent in the step before."""
    links = [link for link in recurrent.links(network) if link.post != "output"]
    made: list[Population] = []
    for population in populations:
        if population.name in network.hidden_layers:
            population = _with_mean(population, config.mean_keep)
        late = (link for link in links if link.pre == population.name and _potential(network, link.post) is not None)
        for source in dict.fromkeys(link.source.split(".")[1] for link in late):
            line = f"d{source}_{BEFORE}/dt = ({source} - {source}_{BEFORE})/dt : 1"
            population = replace(recurrent.with_lines(population, line), method="euler")
        made.append(population)
    return tuple(made)


def _with_mean(population: Population, keep: float) -> Population:
    """A population whose neurons know how the variable in which noise shows deviates from its mean."""
    shows = population.neuron.ports["perturbed"]
    lines = (f"deviation = {shows} - usual : 1", f"dusual/dt = (1 - mean_keep)*({shows} - usual)/dt : 1")
    lines += ("mean_keep : 1 (constant, shared)",)
    return replace(recurrent.with_lines(population, *lines, parameters={"mean_keep": keep}), method="euler")


def _potential(network: recurrent.Config, layer: str) -> str | None:
    """The state variable in which noise shows; none if it shows in an expression of what drives the neuron."""
    neuron = recurrent.neuron_at(network, layer)
    if "perturbed" not in neuron.ports:
        raise ConfigError.at(
            f"network.{recurrent.key_of(network, layer)}.kind",
            f"got '{neuron.name}' for {layer}, which does not say in which variable noise shows; expected one with the "
            "port 'perturbed', such as 'leaky_rate', or scheme.factor = 'noise'",
        )
    shows = neuron.ports["perturbed"]
    return shows if shows in neuron.state_variables else None
