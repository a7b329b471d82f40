"""Noise that recurrent neurons explore with at every step, and what the loss was expected to be without it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field, PositiveFloat, model_validator

from neurosim.circuit.connectivity import Where
from neurosim.circuit.description import Initial, Pathway, Population, Role
from neurosim.errors import ConfigError
from neurosim.networks import Part, recurrent
from neurosim.neurons import NeuronModel, TimeConstant
from neurosim.schemes import _twin
from neurosim.schemes._learning_in_time import LearningInTime
from neurosim.tasks._timed import TRIAL_TYPE
from neurosim.units import parse_quantity

#: What the loss of a step is compared with.
BaselineInTime = Literal["clean", "running", "type"]
#: Of neurons that spike in steps: how far the potential is above the threshold, whether the neuron can spike, and the
#: share with which what drives it counts.
_SURPRISING = ("margin", "ready", "share")
#: The square root of two over pi, and a number of the approximation of the normal distribution by the hyperbolic
#: tangent (to 3e-4; Hendrycks & Gimpel 2016, arXiv 1606.08415).
_ROOT, _CUBIC = 0.7978845608028654, 0.044715


class ExploringInTime(LearningInTime):
    """Settings of schemes that learn from what noise does to the loss over time.

    Attributes
    ----------
    baseline
        What the loss is compared with: that of a ``clean`` twin of the network with the same weights, a ``running``
        mean, or one for each trial ``type`` of the task. Means need more noise and more trials.
    baseline_learning_rate, baseline_width
        Of running means of the loss: their rate for each presentation, and the length of the stretches of a
        presentation that each have a mean of their own.
    trial_types
        With ``type``: how many types of trials the task has.
    """

    baseline: BaselineInTime = "clean"
    baseline_learning_rate: PositiveFloat = 0.1
    baseline_width: TimeConstant = "10 ms"
    trial_types: int | None = Field(default=None, ge=1, le=10**4)

    @model_validator(mode="after")
    def _counts_types(self) -> ExploringInTime:
        if self.baseline == "type" and self.trial_types is None:
            raise ValueError(
                "trial_types: got none with baseline 'type', expected how many types of trials the task has; or "
                "baseline = 'running'"
            )
        if self.baseline != "type" and self.trial_types is not None:
            raise ValueError(f"trial_types: got {self.trial_types} with baseline '{self.baseline}', expected 'type'")
        return self


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
    settings
        The scheme's, of the baseline.
    seconds
        How long a presentation lasts.
    kick_rate
        Of noise that is a kick of a uniform law now and then, instead of a normal number at every step: how often, a
        rate. Its size is ``sigma`` at most.
    """

    network: recurrent.Config
    scheme: str
    site: Literal["rate", "drive"]
    settings: ExploringInTime
    seconds: float
    kick_rate: str | None = None

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
        if self.settings.baseline == "clean":
            beside = (*_twin.pathways(self.network, pathways), *_twin.expectations(layers))
            return Explored((*noisy, *_twin.populations(self.network, populations)), (*pathways, *beside))
        units, expecting = self._critic(layers)
        return Explored((*noisy, *units), (*pathways, *expecting))

    def of_response(self, populations: Sequence[Population], pathways: Sequence[Pathway]) -> Explored:
        """The network whose recurrent neurons have noise, and whose output knows its response to it."""
        layers, output = self.network.hidden_layers, recurrent.neuron_at(self.network, "output")
        if self.settings.baseline == "type":
            raise ConfigError.at(
                "scheme.baseline",
                "got 'type' with feedback 'mirror', which compares the answer and not the loss; expected 'clean' or "
                "'running'",
            )
        shown = recurrent.shown(output)
        if recurrent.integrators(output):
            raise ConfigError.at(
                "scheme.feedback",
                f"got 'mirror' with an output that filters what drives it ('{output.name}'), expected 'learned', or "
                "network.output_neuron.kind = 'relay': a mirror follows the response of the same step",
            )
        for each in populations:
            if each.name in layers and self.by_spikes(each.neuron):
                raise ConfigError.at(
                    "scheme.feedback",
                    f"got 'mirror' with {each.name}, which spikes, expected 'learned': a mirror follows noise that "
                    "adds to what is sent",
                )
        noisy = tuple(self._noisy(each) if each.name in layers else each for each in populations)
        if self.settings.baseline == "clean":
            lines, values = (f"response = {shown} - quiet : 1", "quiet : 1"), {}
        else:
            lines = (f"response = {shown} - running : 1", f"drunning/dt = ({shown} - running)/tau_running : 1")
            values = {"tau_running": self.settings.baseline_width}
        noisy = tuple(
            replace(recurrent.with_lines(each, *lines, parameters=values), method="euler")
            if each.name == "output"
            else each
            for each in noisy
        )
        if self.settings.baseline == "running":
            return Explored(noisy, tuple(pathways))
        beside = (*_twin.pathways(self.network, pathways), _twin.answer(shown))
        return Explored((*noisy, *_twin.populations(self.network, populations)), (*pathways, *beside))

    def _noisy(self, population: Population) -> Population:
        """A recurrent population with noise at every step."""
        spiking = self.by_spikes(population.neuron)
        if not spiking:
            self._refuse_other_noise(population)
        self._refuse_no_noise(population)
        values: dict[str, float | str] = {}
        lines = ("fluctuation = randn() : 1 (constant over dt)", "factor = fluctuation/sigma : 1")
        if spiking:
            lines = (lines[0], *_unforeseen(population.neuron))
        elif self.kick_rate is not None:
            values = {"kick_rate": self.kick_rate}
            # Of the kick that there may be, and whether there is one; a third of one is the mean square of its size.
            lines = ("kick = 2*rand() - 1 : 1 (constant over dt)", "chance = rand() : 1 (constant over dt)")
            lines += ("fluctuation = kick*int(chance < kick_rate*dt) : 1", "kick_rate : Hz (constant, shared)")
            lines += ("factor = 3*fluctuation/(sigma*kick_rate*dt) : 1",)
        made = recurrent.with_lines(population, *lines, parameters=values)
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

    def by_spikes(self, neuron: NeuronModel) -> bool:
        """Whether what is learned from is spikes that could not be foreseen, in place of the noise itself."""
        return self.site == "rate" and neuron.threshold is not None and all(p in neuron.ports for p in _SURPRISING)

    def _refuse_no_noise(self, population: Population) -> None:
        neuron, key = population.neuron, recurrent.key_of(self.network, population.name)
        if not neuron.parameter_values.get("sigma", 1.0) > 0:
            raise ConfigError.at(
                f"network.{key}.sigma",
                f"got 0 for {population.name}, expected noise above zero: the scheme '{self.scheme}' learns from it",
            )

    def _critic(self, layers: Sequence[str]) -> tuple[tuple[Population, ...], tuple[Pathway, ...]]:
        """A unit that has learned what loss to expect in each stretch of a presentation, and of each type of trial."""
        settings, types = self.settings, self.settings.trial_types or 1
        width = parse_quantity(settings.baseline_width, "second")
        count = max(1, math.ceil(self.seconds / width - 1e-9))
        active = "int(t >= begin - dt/2)*int(t < begin + width - dt/2)"
        begin = "i" if settings.baseline == "running" else f"(i - i % {types})/{types}"
        shown = "" if settings.baseline == "running" else "*shown"
        clock = NeuronModel(
            f"active = {active}{shown} : 1" + ("\nshown : 1" if shown else ""),
            parameters={"begin": f"{begin}*{width!r}*second", "width": settings.baseline_width},
            ports={"output": "active"},
            name="clock",
        )
        critic = NeuronModel("value = expectation : Hz\nexpectation : Hz", ports={"output": "value"}, name="critic")
        learned = Pathway(
            "V", "clock.active", "critic.expectation",
            rule=recurrent.rule_of("integral_critic"), initial=Initial("constant", 0.0, None), role=Role.OTHER,
            parameters={"learning_rate": settings.baseline_learning_rate, "width": settings.baseline_width},
        )  # fmt: skip
        told = tuple(
            Pathway(
                f"expected_{layer}", "critic.value", f"{layer}.expected",
                rule=recurrent.rule_of("fixed"), initial=Initial("constant", 1.0, None), role=Role.OTHER,
            )
            for layer in layers
        )  # fmt: skip
        units = (Population("clock", count * types, clock), Population("critic", 1, critic))
        if settings.baseline == "running":
            return units, (learned, *told)
        kind = Population(TRIAL_TYPE, types, recurrent.neuron_of(Part(kind="stimulus")))
        shows = Pathway(
            "shown", f"{TRIAL_TYPE}.r", "clock.shown", connectivity=Where(f"j % {types} == i"),
            rule=recurrent.rule_of("fixed"), initial=Initial("constant", 1.0, None), role=Role.OTHER,
        )  # fmt: skip
        return (kind, *units), (shows, learned, *told)


def _unforeseen(neuron: NeuronModel) -> tuple[str, ...]:
    """Lines of a spike less its probability before the last noise (``factor``), and the variance (``certainty``).

    Given all that was before, its mean is zero: times what the loss becomes it estimates what the spike does to it,
    whatever the spike does, as the score of a random choice does (Williams 1992, Machine Learning 8:229).
    """
    margin, ready, share = (neuron.ports[port] for port in _SURPRISING)
    return (
        f"djolt/dt = ({share}*perturb*sigma*fluctuation - jolt)/dt : 1",
        f"apart = clip(({margin} - jolt)/({share}*sigma), -6, 6) : 1",
        f"chance = {ready}*0.5*(1 + tanh({_ROOT}*(apart + {_CUBIC}*apart**3))) : 1",
        f"factor = {neuron.ports['output']} - chance : 1",
        "certainty = chance*(1 - chance) : 1",
    )
