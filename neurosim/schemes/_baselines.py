"""Baselines of the loss of a perturbed trial: the loss of a clean phase, or a critic's expectation.

Without a clean phase the estimate ``noise*(loss - expected)/sigma`` is right on average whatever is expected, as long
as the trial's own noise has no part in it; its variance is that with a clean phase plus the variance of
``loss - expected`` over sigma squared (Williams 1992, Machine Learning 8:229). Forward weights then learn from the
perturbed activities, whose products with the error differ from the clean ones by the order of sigma squared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from neurosim.circuit.description import Hold, Initial, Pathway, Phase, Population, hold
from neurosim.networks import Part, layered

Baseline = Literal["clean", "running", "class"]


@dataclass(frozen=True)
class Critic:
    """A unit that learns to expect the loss and tells the layers that need it.

    Attributes
    ----------
    baseline
        Whether it expects one loss (``running``), from the unit that is always on, or one for each ``class``: from
        the target, in which it is linear.
    rate
        Its learning rate.
    layers
        Who is told; their variable ``expected``.
    """

    baseline: Baseline
    rate: float
    layers: Sequence[str]

    @property
    def source(self) -> tuple[str, str]:
        """The population and the variable it learns from."""
        return ("one", "r") if self.baseline == "running" else ("output", "target")

    def add_to(self, populations: Sequence[Population]) -> tuple[Population, ...]:
        """The populations with the critic, the unit it needs, and its input to the layers."""
        told = [self._told(population) for population in populations]
        if self.source[0] == "one" and all(population.name != "one" for population in told):
            told.append(Population("one", 1, layered.neuron_of(Part(kind="constant"))))
        return (*told, Population("critic", 1, layered.neuron_of(Part(kind="critic"))))

    @property
    def learned(self) -> Pathway:
        """The pathway whose weights are the expected losses."""
        return Pathway(
            "V",
            ".".join(self.source),
            "critic.expectation",
            rule=layered.rule_of("critic"),
            parameters={"learning_rate": self.rate},
            initial=Initial("constant", 0.0, None),
        )

    @property
    def fixed(self) -> tuple[Pathway, ...]:
        """The pathways that tell the layers."""
        rule, start = layered.rule_of("fixed"), Initial("constant", 1.0, None)
        return tuple(
            Pathway(f"V_{layer}", "critic.value", f"{layer}.expected", rule=rule, initial=start)
            for layer in self.layers
        )

    @property
    def holds(self) -> tuple[Hold, ...]:
        """Variables that its rule reads."""
        population, variable = self.source
        return (hold(f"{population}.evidence = {variable}"),)

    def _told(self, population: Population) -> Population:
        if population.name not in self.layers:
            return population
        return replace(population, equations=f"{population.equations}\nexpected : 1")


def phases(
    network: layered.Config,
    durations: tuple[str, str],
    needed: Sequence[Hold],
    estimates: Sequence[str],
    learn: Sequence[str],
    *,
    critic: Critic | None,
    restart: bool = False,
    perturbations: int = 1,
) -> tuple[Phase, ...]:
    """A clean and a perturbed phase or several, or with a critic the perturbed one alone.

    Parameters
    ----------
    durations
        Durations of the clean and of the perturbed phase.
    needed
        What learning needs besides `layered.holds`: of the clean phase, if there is one.
    estimates
        What the perturbed phase holds at its end.
    learn
        The pathways that learn, without the critic's.
    critic
        Who says what to expect, if no clean phase does.
    restart
        Whether the perturbed phase begins at rest after the clean one.
    perturbations
        Perturbed phases after a clean one; the estimates of all of them are held as they add up.
    """
    held = (*layered.holds(network), *needed)
    held_lines = tuple(hold(line) for line in estimates)
    if critic is not None:
        holds = (*held, *critic.holds, *held_lines)
        return (layered.perturbed_phase(durations[1], holds, (*learn, critic.learned.name)),)
    clean = Phase("clean", durations[0], {"perturb": 0.0}, hold=(*held, *layered.change_holds(network)))
    return clean, *layered.perturbed_phases(perturbations, durations[1], held_lines, learn, restart=restart)
