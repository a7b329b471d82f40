"""A loop over time: what it needs to know, and what does not change in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from neurosim.circuit.plan import Plan
from neurosim.circuit.spike_texts import acts_within_steps
from neurosim.engines.batched.conditions import Update
from neurosim.engines.batched.probes import NO_PROBES, Probes
from neurosim.engines.batched.snapshot import NOTHING, Prepared, Snapshot
from neurosim.engines.batched.weights import PLAIN, Weights
from neurosim.engines.records import Record


@dataclass(frozen=True)
class Stretch:
    """A part of a presentation that one loop over time runs.

    Attributes
    ----------
    live
        What is advanced, state variables and what resets assign; the others stay as they are. Of populations that
        spike also ``population.spikes``.
    learn
        Pathways with a rule that acts at every step.
    integrated
        Pathways with a rule whose increments at each step add up.
    struck
        Pathways whose statements at spikes change what is learned.
    record
        What to record.
    sparse
        Stimuli that change in time and are mostly zero.
    watch
        Whether to note the first step at which each live variable is not finite.
    differentiated
        Whether derivatives go through it.
    """

    plan: Plan
    live: tuple[str, ...]
    learn: tuple[str, ...]
    integrated: tuple[str, ...]
    struck: tuple[str, ...]
    record: tuple[Record, ...]
    steps: int
    dt: float
    trials: int
    dtype: Any
    surrogate_width: float | None = None
    surrogate_reset: bool = False
    until: tuple[str, float] | None = None
    sparse: tuple[str, ...] = ()
    watch: bool = False
    differentiated: bool = False

    @property
    def spiking(self) -> tuple[str, ...]:
        """The populations whose spikes matter."""
        return tuple(population for population in self.plan.models if f"{population}.spikes" in self.live)

    @property
    def changing(self) -> frozenset[str]:
        """The pathways whose weights change from step to step."""
        return frozenset({*self.learn, *self.struck})

    @property
    def synapses(self) -> tuple[str, ...]:
        """The pathways that keep something of their own that steps change."""
        circuit = self.plan.circuit
        return tuple(pathway.name for pathway in circuit.pathways if acts_within_steps(circuit, pathway.name))

    @property
    def watched(self) -> tuple[str, ...]:
        """The variables of which is noted when they are not finite."""
        return tuple(name for name in self.live if self.watch and not name.endswith(".spikes"))


@dataclass(frozen=True)
class Fixed:
    """Values that do not change from step to step.

    Attributes
    ----------
    values
        Variables.
    keys
        Words for the streams of continuous noise, by ``population.purpose.draw``.
    presentations
        Numbers of the trials' presentations, shape (trial,).
    weights
        Those beside the variables.
    perturbations
        Arrays added to named variables.
    probes
        Within a step, those of the step; before the loop, those of all its steps.
    prepared
        What was computed before the loop.
    updates
        Population -> its state update, of which a part was computed before the loop.
    """

    values: Mapping[str, Any]
    keys: Mapping[str, Any]
    presentations: Any
    weights: Weights = PLAIN
    perturbations: Mapping[str, Any] = field(default_factory=dict)
    probes: Probes = NO_PROBES
    prepared: Prepared = NOTHING
    updates: Mapping[str, Update] = field(default_factory=dict)

    def at(self, probes: Probes) -> Fixed:
        """The same within a step that has these probes."""
        held = self.perturbations
        added = {name: array + held[name] if name in held else array for name, array in probes.added.items()}
        return replace(self, perturbations={**held, **added}, probes=probes)

    def snapshot(self, plan: Plan, values: Mapping[str, Any], *, inputs: Snapshot | None = None) -> Snapshot:
        """All variables at an instant at which the changing ones are among `values`."""
        return Snapshot(
            plan,
            values,
            weights=self.weights,
            prepared=self.prepared,
            inputs=inputs,
            perturbations=self.perturbations,
            probes=self.probes,
        )
