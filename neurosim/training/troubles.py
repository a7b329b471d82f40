"""What of a measurement says that learning goes wrong, as sentences that name the cause and a remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from neurosim.circuit.circuit import Circuit
from neurosim.gradients.feedback import feedback_pathways
from neurosim.training.activity import Activity
from neurosim.training.config import Config
from neurosim.training.history import EpochReport

#: Delivered signals are too long beyond so many times the gradient.
LONGEST = 10.0
#: Shares of neurons that are silent, and of rates on a flat part, from which on a layer is said to be so.
SILENT, SATURATED = 0.5, 0.9
#: A cause is told again when its number has grown so many times.
WORSE = 3.0
#: How many standard deviations of angles between independent directions an angle is above 90 degrees.
DEVIATIONS = 3.0


@dataclass
class Troubles:
    """Collects warnings from the reports of epochs, each cause once, and again if it has become much worse.

    Attributes
    ----------
    circuit, config
        What is trained, and how.
    texts
        All sentences so far, in their order.
    """

    circuit: Circuit
    config: Config
    texts: list[str] = field(default_factory=list[str])
    _told: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    _firing: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, report: EpochReport) -> list[str]:
        """The sentences that an epoch's report adds."""
        sentences = [*self._of_spikes(report.epoch, report.activity)]
        for layer, numbers in report.layers.items():
            for cause, size, text in self._of_layer(report.epoch, layer, numbers):
                if size >= WORSE * self._told.get((layer, cause), 0.0):
                    self._told[layer, cause] = size
                    sentences.append(f"after epoch {report.epoch}: {text}")
        self.texts += sentences
        return sentences

    def _of_spikes(self, epoch: int, populations: Mapping[str, Activity]) -> list[str]:
        """A spiking population that became silent or saturated; again after it was neither."""
        sentences = []
        for name, each in populations.items():
            if each.fault and each.fault != self._firing.get(name, ""):
                what = "is silent" if each.fault == "silent" else "is saturated"
                rates = f"{each.rate_hz:.3g} Hz, at most {each.highest_hz:.3g}"
                sentences.append(f"population '{name}' {what} after epoch {epoch}: {rates}")
            self._firing[name] = each.fault
        return sentences

    def _of_layer(self, epoch: int, layer: str, numbers: Mapping[str, float]) -> list[tuple[str, float, str]]:
        """Cause, size, and sentence of what is wrong with a layer."""
        troubles = []
        share = numbers.get("feedback_rate_share", math.nan)
        if share > 1:
            troubles.append(("rate", share, self._rate(layer, share)))
        if self._learns(layer) and epoch > self.config.feedback_warm_up:
            ratio, angle = numbers["signal_norm_ratio"], numbers["signal_angle_deg"]
            if ratio > LONGEST:
                text = f"feedback delivers to '{layer}' {ratio:.3g} times the length of the gradient; "
                troubles.append(("length", ratio, text + _REMEDY))
            if angle > 90 + self._margin(layer):
                text = (
                    f"what feedback delivers to '{layer}' is {angle:.0f} degrees off the gradient, worse than chance; "
                )
                troubles.append(("angle", 1.0, text + _REMEDY))
        silent, flat = (numbers.get(name, math.nan) for name in ("silent_share", "saturated_share"))
        if silent >= SILENT:
            text = f"{100 * silent:.0f} % of the neurons of '{layer}' have no rate in any trial; "
            troubles.append(
                ("silent", silent, text + "try smaller learning rates, or larger initial weights or biases")
            )
        if flat >= SATURATED:
            text = f"{100 * flat:.0f} % of the rates of '{layer}' are saturated, so that errors do not get through; "
            troubles.append(("saturated", flat, text + "try smaller learning rates or initial weights"))
        return troubles

    def _rate(self, layer: str, share: float) -> str:
        """That a rate is above its limit, and which one would not be."""
        named = [p for p in feedback_pathways(self.circuit, layer) if "learning_rate" in p.rule_parameters]
        if not named:
            return f"feedback into '{layer}' learns {share:.3g} times faster than is stable"
        rate = named[0].rule_parameters["learning_rate"]
        limit = rate / share
        return (
            f"feedback '{named[0].name}' into '{layer}' has learning rate {rate:.3g}; it is stable up to {limit:.2g}, "
            f"2 over the power {2 / limit:.3g} of what it learns from. Try {limit / 3:.1g}, or no rate"
        )

    def _learns(self, layer: str) -> bool:
        """Whether feedback into the layer is learned."""
        return any(pathway.synapse.learns for pathway in feedback_pathways(self.circuit, layer))

    def _margin(self, layer: str) -> float:
        """How far above 90 degrees the mean angle of independent directions lies by chance.

        Angles in n dimensions deviate by about 1/sqrt(n) radians; trials count as many as there are directions of
        errors, at most those of the output.
        """
        output = self.circuit.output_population
        errors = self.circuit.population[output].size if output else 1
        independent = self.circuit.population[layer].size * min(errors, self.config.measure_trials)
        return DEVIATIONS * math.degrees(1 / math.sqrt(independent))


_REMEDY = "try a third of the feedback's learning rate, or none at all, or feedback_warm_up"
