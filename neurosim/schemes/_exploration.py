"""Noise that recurrent neurons explore with at every step, and what the loss was expected to be without it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from neurosim.circuit.description import Initial, Pathway, Population, Role
from neurosim.errors import ConfigError
from neurosim.networks import recurrent
from neurosim.neurons import NeuronModel
from neurosim.schemes import _twin
from neurosim.units import parse_quantity

#: What the loss of a step is compared with.
BaselineInTime = Literal["clean", "running"]


@dataclass(frozen=True)
class Explored:
    """A network with noise, and what says what would be without it."""

    populations: tuple[Population, ...]
    pathways: tuple[Pathway, ...]


@dataclass(frozen=True)
class Exploration:
    """White noise in recurrent neurons, and the baseline of the loss.

    Attributes
    ----------
    network, scheme
        The network, and who explores, for messages.
    site
        Where noise has to enter: at the ``rate`` that is sent, or with the ``drive``.
    baseline
        The loss of a ``clean`` twin of the network, or a ``running`` mean of the loss.
    rate, width
        Of the running mean: its learning rate a presentation, and the length of the stretches of a presentation that
        each have one, a time.
    seconds
        How long a presentation lasts.
    """

    network: recurrent.Config
    scheme: str
    site: Literal["rate", "drive"]
    baseline: BaselineInTime
    rate: float
    width: str
    seconds: float

    def of_loss(
        self, populations: Sequence[Population], pathways: Sequence[Pathway], *, total: bool = False
    ) -> Explored:
        """The network whose recurrent neurons have noise and know the loss, and what they expect of it.

        Parameters
        ----------
        total
            Whether they know both of the whole presentation, too.
        """
        layers = self.network.hidden_layers
        told = ("loss : Hz (shared)", "expected : Hz", "surprise = loss - expected : Hz")
        if total:
            told += ("total_loss : 1 (shared)", "dtotal_expected/dt = expected : 1")
            told += ("total_surprise = total_loss - total_expected : 1",)
        noisy = tuple(
            recurrent.with_lines(self._noisy(each), *told) if each.name in layers else each for each in populations
        )
        if self.baseline == "clean":
            beside = (*_twin.pathways(self.network, pathways), *_twin.expectations(layers))
            return Explored((*noisy, *_twin.populations(self.network, populations)), (*pathways, *beside))
        units, expecting = self._critic(layers)
        return Explored((*noisy, *units), (*pathways, *expecting))

    def of_response(self, populations: Sequence[Population], pathways: Sequence[Pathway]) -> Explored:
        """The network whose recurrent neurons have noise, and whose output knows its response to it."""
        layers, output = self.network.hidden_layers, recurrent.neuron_at(self.network, "output")
        shown = recurrent.shown(output)
        if recurrent.integrators(output):
            raise ConfigError.at(
                "scheme.feedback",
                f"got 'mirror' with an output that filters what drives it ('{output.name}'), expected 'learned', or "
                "network.output_neuron.kind = 'relay': a mirror follows the response of the same step",
            )
        noisy = tuple(self._noisy(each) if each.name in layers else each for each in populations)
        if self.baseline == "clean":
            lines, values = (f"response = {shown} - quiet : 1", "quiet : 1"), {}
        else:
            lines = (f"response = {shown} - running : 1", f"drunning/dt = ({shown} - running)/tau_running : 1")
            values = {"tau_running": self.width}
        noisy = tuple(
            replace(recurrent.with_lines(each, *lines, parameters=values), method="euler")
            if each.name == "output"
            else each
            for each in noisy
        )
        if self.baseline == "running":
            return Explored(noisy, tuple(pathways))
        beside = (*_twin.pathways(self.network, pathways), _twin.answer(shown))
        return Explored((*noisy, *_twin.populations(self.network, populations)), (*pathways, *beside))

    def _noisy(self, population: Population) -> Population:
        """A recurrent population with noise at every step."""
        self._refuse_other_noise(population)
        lines = ("fluctuation = randn() : 1 (constant over dt)", "factor = fluctuation/sigma : 1")
        made = recurrent.with_lines(population, *lines)
        return replace(made, bind={**made.bind, "noise": "fluctuation"})

    def _refuse_other_noise(self, population: Population) -> None:
        neuron, key = population.neuron, recurrent.key_of(self.network, population.name)
        site = neuron.ports.get("site")
        wanted = recurrent.sent(neuron) if self.site == "rate" else neuron.ports["drive"]
        where = "the rate that it sends" if self.site == "rate" else "what drives it"
        if site != wanted or "sigma" not in neuron.parameters or "factor" in neuron.ports:
            raise ConfigError.at(
                f"network.{key}.kind",
                f"got '{neuron.name}' for {population.name}, whose noise does not enter at {where}, as the scheme "
                f"'{self.scheme}' needs it; expected "
                + ("a leaky_rate with noise_site = 'rate'" if self.site == "rate" else "one with noise in the current"),
            )
        if not neuron.parameter_values.get("sigma", 1.0) > 0:
            raise ConfigError.at(
                f"network.{key}.sigma",
                f"got 0 for {population.name}, expected noise above zero: the scheme '{self.scheme}' learns from it",
            )

    def _critic(self, layers: Sequence[str]) -> tuple[tuple[Population, ...], tuple[Pathway, ...]]:
        """A unit that has learned what loss to expect in each stretch of a presentation."""
        width = parse_quantity(self.width, "second")
        count = max(1, math.ceil(self.seconds / width - 1e-9))
        clock = NeuronModel(
            "active = int(t >= begin - dt/2)*int(t < begin + width - dt/2) : 1",
            parameters={"begin": f"i*{width!r}*second", "width": self.width},
            ports={"output": "active"},
            name="clock",
        )
        critic = NeuronModel("value = expectation : Hz\nexpectation : Hz", ports={"output": "value"}, name="critic")
        learned = Pathway(
            "V", "clock.active", "critic.expectation",
            rule=recurrent.rule_of("integral_critic"), initial=Initial("constant", 0.0, None), role=Role.OTHER,
            parameters={"learning_rate": self.rate, "width": self.width},
        )  # fmt: skip
        told = tuple(
            Pathway(
                f"expected_{layer}", "critic.value", f"{layer}.expected",
                rule=recurrent.rule_of("fixed"), initial=Initial("constant", 1.0, None), role=Role.OTHER,
            )
            for layer in layers
        )  # fmt: skip
        return (Population("clock", count, clock), Population("critic", 1, critic)), (learned, *told)
