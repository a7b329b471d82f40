"""What lives between two time steps of a circuit: the one list that engines, restarts, carry and files go by.

Nothing else is in flight between two steps: a spike acts on its targets within its own step, and what it leaves behind
is in a slot.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from neurosim.circuit.composition import compose
from neurosim.circuit.wiring import Wiring

#: A step long before the first: no neuron starts refractory.
LONG_AGO = -(2**30)


@dataclass(frozen=True)
class Slot:
    """One variable that lives from one time step to the next.

    Attributes
    ----------
    name
        Qualified, ``hidden1.v`` or ``W1.eligibility``; with a bar, ``hidden1|last_step``, if no equation can read it.
    owner
        The population or pathway it belongs to; none for what is broadcast.
    shape
        In one trial.
    kind
        ``neuron`` (state variables, and what resets assign), ``refractory``, ``trace`` (of synapses, one for each
        trial), ``held`` (what phases hold), or ``synapse`` (what learning changes at every step, for all trials).
    start
        Its value before anything has happened; none if the circuit's state says it.
    dtype
        Of its array; none for the precision of the run.
    counts_steps
        Whether it is the number of a step, so that what matters of it is how long ago that was.
    """

    name: str
    owner: str | None
    shape: tuple[int, ...]
    kind: Literal["neuron", "refractory", "trace", "held", "synapse"]
    start: float | None = None
    dtype: str | None = None
    counts_steps: bool = False

    @property
    def per_trial(self) -> bool:
        """Whether each trial has its own."""
        return self.kind != "synapse"

    @property
    def carried(self) -> bool:
        """Whether it is part of the state that carries over from one presentation to the next."""
        return self.kind in ("neuron", "trace", "held")

    @property
    def at_rest(self) -> bool:
        """Whether it returns to its start where a phase begins at rest."""
        return self.kind in ("neuron", "refractory")


@functools.lru_cache(maxsize=64)
def slots(circuit: Wiring) -> Mapping[str, Slot]:
    """All slots of a circuit by name, in the order in which they are stepped."""
    found: dict[str, Slot] = {}
    for population, model in compose(circuit).items():
        shape = (circuit.population[population].size,)
        found |= {f"{population}.{v}": Slot(f"{population}.{v}", population, shape, "neuron") for v in model.moving}
    for population, model in compose(circuit).items():
        shape = (circuit.population[population].size,)
        for slot in _of_spikes(population, shape) if model.threshold is not None else ():
            if slot.counts_steps or model.refractory is not None:
                found[slot.name] = slot
    for held in (held for phase in circuit.phases for held in phase.hold):
        shape = (circuit.population[held.population].size if held.population else 1,)
        found.setdefault(held.target, Slot(held.target, held.population, shape, "held"))
    for pathway in circuit.owners:
        rule, shape = pathway.rule, circuit.weights_shape(pathway.name)
        for variable in rule.trace_variables:
            name = f"{pathway.name}.{variable}"
            found[name] = Slot(name, pathway.name, shape, "trace")
        for variable in (v for v in rule.changed if rule.moment.within_steps and v not in rule.trace_variables):
            name = f"{pathway.name}.{variable}"
            found[name] = Slot(name, pathway.name, circuit.variable_shape(pathway.name, variable), "synapse")
    return found


def _of_spikes(population: str, shape: tuple[int, ...]) -> tuple[Slot, Slot]:
    return (
        Slot(last_step(population), population, shape, "refractory", LONG_AGO, "int32", counts_steps=True),
        Slot(f"{population}.not_refractory", population, shape, "refractory", True, "bool"),
    )


def last_step(population: str) -> str:
    """The name of the slot with the number of the step of each neuron's last spike."""
    return f"{population}|last_step"


def carried_shapes(circuit: Wiring) -> dict[str, tuple[int, ...]]:
    """What carries over from one presentation to the next where a circuit says so, with its shape in one trial."""
    return {name: slot.shape for name, slot in slots(circuit).items() if slot.carried}


def neuron_variables(circuit: Wiring) -> tuple[str, ...]:
    """What changes from step to step in all neurons, qualified: state variables, and what resets assign."""
    return tuple(name for name, slot in slots(circuit).items() if slot.kind == "neuron")


@dataclass
class Continuation:
    """Where a presentation stands that is run piece by piece: all that the rest of it needs for the same bits.

    Attributes
    ----------
    step
        How many steps are done.
    values
        Slots of neurons, ``name -> (trial, n)``. One that counts steps has how many steps ago that was; very many, if
        it never was.
    random
        On Brian2, the state of the generator of continuous noise, of each trial. The batched engine needs none: its
        noise is a function of seed, trial and step.
    """

    step: int
    values: dict[str, np.ndarray] = field(default_factory=dict)
    random: list[dict[str, np.ndarray]] = field(default_factory=list)

    @classmethod
    def at(cls, step: int, circuit: Wiring, now: Mapping[str, Any]) -> Continuation:
        """What of `now`, the slots as the engine has them after `step` steps, goes on."""
        kept = {name: np.asarray(now[name]) for name, slot in _kept(circuit).items() if name in now}
        ago = {name: step - kept[name].astype(np.int64) for name in kept if slots(circuit)[name].counts_steps}
        return cls(step, kept | ago)

    def now(self, circuit: Wiring) -> dict[str, np.ndarray]:
        """The slots as an engine has them at this step."""
        found = dict(self.values)
        for name, slot in _kept(circuit).items():
            if slot.counts_steps and name in found:
                found[name] = self.step - found[name].astype(np.int64)
        return found


def _kept(circuit: Wiring) -> dict[str, Slot]:
    return {name: slot for name, slot in slots(circuit).items() if slot.at_rest or slot.kind == "trace"}
