"""Slots: the state of a circuit between two time steps, one list for engines, restarts, carry-over and files.

Nothing else is in flight between two steps: a spike acts on its targets within its own step or waits in a slot of its
pathway, and what it leaves behind is in a slot.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from neurosim.circuit.composition import compose, of_one_presentation
from neurosim.circuit.delays import delay_of
from neurosim.circuit.spike_texts import under_way
from neurosim.circuit.wiring import Wiring
from neurosim.untyped import Array

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
        trial), ``flight`` (the last values that a delayed pathway reads of its source, newest first), ``held`` (what
        phases hold), or ``synapse`` (what learning changes within steps, for all trials).
    start
        Its value before anything has happened; none if the circuit's state says it.
    dtype
        Dtype of its array; none for the precision of the run.
    counts_steps
        Whether it is the number of a step, so that what matters of it is how long ago that was.
    resting
        Whether it returns to its start where a phase begins at rest.
    lasting
        Whether it outlasts a presentation where state carries over.
    """

    name: str
    owner: str | None
    shape: tuple[int, ...]
    kind: Literal["neuron", "refractory", "trace", "flight", "held", "synapse"]
    start: float | None = None
    dtype: str | None = None
    counts_steps: bool = False
    resting: bool = True
    lasting: bool = True

    @property
    def per_trial(self) -> bool:
        """Whether each trial has its own."""
        return self.kind != "synapse"

    @property
    def starts(self) -> bool:
        """Whether it has a value at the start of a presentation, which each trial can have its own of."""
        return self.kind in ("neuron", "trace", "flight", "held")

    @property
    def carried(self) -> bool:
        """Whether it is part of the state that carries over from one presentation to the next."""
        return self.starts and self.lasting

    @property
    def at_rest(self) -> bool:
        """Whether it returns to its start where a phase begins at rest."""
        return self.kind in ("neuron", "refractory", "trace", "flight") and self.resting

    @property
    def continues(self) -> bool:
        """Whether it is part of where a presentation stands that is run piece by piece."""
        return self.kind in ("neuron", "refractory", "trace", "flight")


@functools.lru_cache(maxsize=64)
def slots(circuit: Wiring, dt: float | None = None) -> Mapping[str, Slot]:
    """All slots of a circuit by name, in the order in which they are stepped.

    Parameters
    ----------
    dt
        The time step, in seconds, which says how many steps a delay is; without one, what is under way is left out, as
        at the steady level.
    """
    by_name: dict[str, Slot] = {}
    anew = of_one_presentation(circuit)
    for population, model in compose(circuit).items():
        shape = (circuit.population[population].size,)
        for name in (f"{population}.{variable}" for variable in model.moving):
            by_name[name] = Slot(name, population, shape, "neuron", lasting=name not in anew)
    for population, model in compose(circuit).items():
        shape = (circuit.population[population].size,)
        for slot in _of_spikes(population, shape) if model.threshold is not None else ():
            if slot.counts_steps or model.refractory is not None:
                by_name[slot.name] = slot
    for held in (held for phase in circuit.phases for held in phase.hold):
        shape = (circuit.population[held.population].size if held.population else 1,)
        by_name.setdefault(held.target, Slot(held.target, held.population, shape, "held"))
    for pathway in circuit.owners:
        synapse, shape = pathway.synapse, circuit.weights_shape(pathway.name)
        dynamic = {*synapse.struck, *(equation.name for equation in synapse.flows)}
        for variable in synapse.trace_variables:
            name = f"{pathway.name}.{variable}"
            # Variables that only learning changes, such as an eligibility, last through phases that begin at rest.
            by_name[name] = Slot(name, pathway.name, shape, "trace", resting=variable in dynamic)
        for variable in (v for v in synapse.stepped if v not in synapse.trace_variables):
            name = f"{pathway.name}.{variable}"
            by_name[name] = Slot(name, pathway.name, circuit.variable_shape(pathway.name, variable), "synapse")
    for pathway in circuit.pathways if dt is not None else ():
        depth, size = delay_of(circuit, pathway.name, dt).depth, circuit.population[pathway.pre].size
        for variable in under_way(circuit, pathway.name) if depth else ():
            name = flight(pathway.name, variable)
            by_name[name] = Slot(name, pathway.name, (depth, size), "flight", 0.0)
    return by_name


def flight(pathway: str, variable: str) -> str:
    """The name of the slot with the last values that a delayed pathway reads of its source."""
    return f"{pathway}|{variable}"


def _of_spikes(population: str, shape: tuple[int, ...]) -> tuple[Slot, Slot]:
    return (
        Slot(last_step(population), population, shape, "refractory", LONG_AGO, "int32", counts_steps=True),
        Slot(f"{population}.not_refractory", population, shape, "refractory", True, "bool"),
    )


def last_step(population: str) -> str:
    """The name of the slot with the number of the step of each neuron's last spike."""
    return f"{population}|last_step"


def carried_shapes(circuit: Wiring, dt: float | None = None) -> dict[str, tuple[int, ...]]:
    """Variables that carry over between presentations where a circuit says so, with their shape in one trial."""
    return {name: slot.shape for name, slot in slots(circuit, dt).items() if slot.carried}


def starting_shapes(circuit: Wiring, dt: float | None = None) -> dict[str, tuple[int, ...]]:
    """Variables that have a value at the start of a presentation, with their shape in one trial."""
    return {name: slot.shape for name, slot in slots(circuit, dt).items() if slot.starts}


def neuron_variables(circuit: Wiring) -> tuple[str, ...]:
    """Variables of neurons that change from step to step, qualified: state variables, and those that resets assign."""
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
    def at(cls, step: int, circuit: Wiring, now: Mapping[str, Array], dt: float) -> Continuation:
        """The part of `now`, the slots after `step` steps of `dt` seconds, that the rest of the presentation needs."""
        kept = {name: np.asarray(now[name]) for name in _kept(circuit, dt) if name in now}
        ago = {name: step - kept[name].astype(np.int64) for name in kept if slots(circuit, dt)[name].counts_steps}
        return cls(step, kept | ago)

    def now(self, circuit: Wiring) -> dict[str, np.ndarray]:
        """The slots as an engine has them at this step."""
        values = dict(self.values)
        for name, slot in slots(circuit).items():
            if slot.counts_steps and name in values:
                values[name] = self.step - values[name].astype(np.int64)
        return values


def _kept(circuit: Wiring, dt: float) -> tuple[str, ...]:
    return tuple(name for name, slot in slots(circuit, dt).items() if slot.continues)
