"""Weights with one copy a trial: trials are separate networks, not samples of one."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from neurosim.circuit.circuit import Circuit
from neurosim.engines.records import synaptic_shapes, traces_among
from neurosim.engines.state import State, learned_names
from neurosim.errors import CircuitError
from neurosim.gate.limits import memory, shown
from neurosim.untyped import Array

#: Arrays of the weights of all trials that a run holds at once: what it is given, what a step changes, what it returns.
_ARRAYS = 3


@functools.lru_cache(maxsize=64)
def shapes_of_one(circuit: Circuit) -> Mapping[str, tuple[int, ...]]:
    """All variables of synapses that trials share, or have each its own, with their shape in one trial."""
    shapes = synaptic_shapes(circuit)
    return {name: shapes[name] for name in shapes.keys() - traces_among(circuit, shapes.keys())}


def with_trials(circuit: Circuit, state: Mapping[str, Array]) -> frozenset[str]:
    """The variables of synapses that have an axis of trials in this state."""
    known = shapes_of_one(circuit)
    return frozenset(name for name in known if name in state and np.ndim(state[name]) == len(known[name]) + 1)


def of_trial(circuit: Circuit, state: Mapping[str, Array], trial: int) -> dict[str, Any]:
    """A state in which the variables of synapses are those of one trial."""
    return {**state, **{name: state[name][trial] for name in with_trials(circuit, state)}}


def each_its_own(circuit: Circuit, state: Mapping[str, Array], trials: int) -> State:
    """The state with an axis of trials for all that learning changes."""
    own: State = {name: np.asarray(array) for name, array in state.items()}
    for name in learned_names(circuit):
        shape = shapes_of_one(circuit)[name]
        own[name] = np.broadcast_to(own[name], (trials, *shape))
    return own


def refuse_too_many(circuit: Circuit, trials: int, dtype: DTypeLike, *, most: int | None = None) -> None:
    """Refuse trials whose weights together do not fit into memory, before any are allocated.

    Parameters
    ----------
    most
        Bytes that there are; by default the memory of this machine.

    Raises
    ------
    CircuitError
        With the pathway that has most of them, the numbers, and the remedy.
    """
    shapes = {name: shapes_of_one(circuit)[name] for name in learned_names(circuit)}
    each = np.dtype(dtype).itemsize * _ARRAYS
    total, most = trials * each * sum(map(math.prod, shapes.values())), memory() if most is None else most
    if total <= most:
        return
    name = max(shapes, key=lambda name: math.prod(shapes[name]))
    numbers = " x ".join(map(str, (trials, *shapes[name])))
    raise CircuitError(
        f"pathway '{name.rpartition('.')[0]}': {trials} trials with weights of their own ('{name}' alone has {numbers} "
        f"numbers) take {shown(total)}, and this machine has {shown(most)}; run fewer trials at a time, use "
        "dtype='float32' or a sparse connectivity, or say learn=False, with which all trials have the same weights"
    )
