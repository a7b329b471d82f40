"""Runs a loop: brings arrays into the shape that it reads, and shares trials out among cores."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax.numpy as jnp
import numpy as np

from neurosim.engines.batched.batch import Arrays, Batch
from neurosim.engines.batched.loop.collapsed import SIDES
from neurosim.engines.batched.loop.compiled import compiled
from neurosim.engines.batched.loop.expressions import Extent
from neurosim.engines.batched.loop.layout import Needs
from neurosim.engines.batched.loop.text import Written
from neurosim.engines.batched.loop.wires import delays_and_cells, wires_of
from neurosim.engines.batched.stepping import BROKEN
from neurosim.engines.batched.stretch import Stretch
from neurosim.engines.batched.synapses import Spread
from neurosim.engines.records import Record, size_of


def run(
    written: Written, arrays: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray], batch: Batch, begin: int
) -> tuple[Arrays, Arrays]:
    """Advance by all steps of a stretch.

    Parameters
    ----------
    arrays
        What does not change, by name; weights sender by sender as ``<pathway>|weights``.
    state
        What changes, as it is before the first step.
    batch
        With its courses.
    begin
        The number of the first step.

    Returns
    -------
    tuple
        What changes after the last step, and the recordings ``(step, trial, neuron)``.
    """
    stretch = written.needs.stretch
    now = {name: _as_walked(written.needs, name, np.asarray(array)) for name, array in state.items()}
    recorded = {one.text: _recording(written, one, arrays) for one in stretch.record}
    given = written.still.evaluate(
        {local: np.asarray(arrays[name]) for name, local in written.still.given.items()}, stretch.dtype
    )
    known = _Arrays(written, arrays, now, recorded, given, batch)
    passed = [known.of(kind, key) for kind, key in written.arguments]
    numbers = (np.int64(begin), np.int64(begin - int(batch.begin)), np.int64(stretch.steps), np.float64(stretch.dt))
    loop, presentations = compiled(written.text), np.ascontiguousarray(batch.presentations, np.uint32)
    blocks = [(0, stretch.trials)] if written.needs.together else _blocks(stretch.trials)
    if len(blocks) == 1:
        loop(*blocks[0], *numbers, presentations, *passed)
    else:
        list(_pool().map(lambda block: loop(*block, *numbers, presentations, *passed), blocks))
    return dict(_as_given(written.needs, name, array) for name, array in now.items()), recorded


class NotShared(Exception):
    """What synapses of a neuron may share differs among them from the beginning."""


def _as_walked(needs: Needs, name: str, array: np.ndarray) -> np.ndarray:
    """What a slot holds as the loop changes it: of synapses in their order there, of each trial."""
    slot = needs.slots.get(name)
    if slot is not None and slot.kind == "flight":
        # Mostly nothing, and a large array of it.
        full = np.zeros((needs.stretch.trials, *slot.shape), array.dtype)
        if np.any(array):
            full[:] = array
        return full
    if slot is None or slot.kind not in ("trace", "synapse"):
        return np.array(array, order="C")
    pathway, _, variable = name.partition(".")
    wires = wires_of(needs.plan.circuit, pathway, needs.stretch.dt)
    full = array if array.ndim > len(slot.shape) else np.broadcast_to(array, (1, *slot.shape))
    arranged = wires.by_sender(full, len(slot.shape))
    if needs.together and not slot.per_trial:
        return np.array(arranged[0])
    side = needs.shared_traces(pathway).get(variable)
    shared = arranged if side is None else wires.of_neurons(arranged, side)
    if shared is None:
        raise NotShared
    return np.array(np.broadcast_to(shared, (needs.stretch.trials, shared.shape[-1])), order="C")


def _as_given(needs: Needs, name: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    """The other way round; what synapses of a neuron share stays that of neurons, as its name says."""
    slot = needs.slots.get(name)
    if slot is None or slot.kind not in ("trace", "synapse"):
        return name, array
    pathway, _, variable = name.partition(".")
    side = needs.shared_traces(pathway).get(variable)
    if side is not None:
        return f"{name}|{side}", array
    arranged = wires_of(needs.plan.circuit, pathway, needs.stretch.dt).as_given(array, slot.shape)
    return name, arranged if slot.per_trial or needs.own or needs.together else arranged[0]


def at_synapses(stretch: Stretch, name: str, array: Any) -> tuple[str, Any]:
    """What a loop gives, as other loops take it: what synapses of a neuron share, at each of them."""
    variable, _, side = name.rpartition("|")
    if side not in SIDES or "." not in variable:
        return name, array
    circuit, pathway = stretch.plan.circuit, variable.partition(".")[0]
    spread, shape = Spread.of(circuit, pathway), circuit.weights_shape(pathway)
    arranged = spread.from_pre(array) if side == "pre" else spread.from_post(array)
    return variable, jnp.broadcast_to(arranged, (stretch.trials, *shape))


class _Arrays:
    """The arrays that a loop is called with, by their kind."""

    def __init__(
        self,
        written: Written,
        arrays: Mapping[str, np.ndarray],
        now: Mapping[str, np.ndarray],
        recorded: Mapping[str, np.ndarray],
        still: Mapping[str, np.ndarray],
        batch: Batch,
    ) -> None:
        self.written, self.arrays, self.now = written, arrays, now
        self.recorded, self.still, self.batch = recorded, still, batch

    def of(self, kind: str, key: str) -> Any:
        """One of them."""
        circuit = self.written.needs.plan.circuit
        if kind == "state":
            return _bytes(self.now[key])
        if kind == "broken":
            return self.now[f"{key}{BROKEN}"]
        if kind == "still":
            return _as_read(self.still[key], self.written.still.extents[key])
        if kind == "course":
            return np.ascontiguousarray(np.moveaxis(np.asarray(self.batch.courses[key]), 0, 1))
        if kind in ("record", "truths", "spikes"):
            return _bytes(self.recorded[key])
        if kind == "key":
            return np.ascontiguousarray(self.batch.keys[key], np.uint32)
        if kind == "places":
            return self._places(key)
        wires = wires_of(circuit, key.partition(".")[0], self.written.needs.stretch.dt)
        if kind == "synapses":
            return self.now[key]
        if kind in ("weights", "own"):
            axes = len(circuit.weights_shape(key.partition(".")[0]))
            return wires.by_sender(np.asarray(self.arrays[f"{key}|{kind}"]), axes)
        if kind in ("late", "cell"):
            late, cell = delays_and_cells(circuit, key, self.written.needs.stretch.dt)
            return late if kind == "late" else cell
        if kind in ("first", "post"):
            return wires.first if kind == "first" else wires.post
        begin, number, front = wires.by_receiver
        return {"begin": begin, "number": number, "front": front}[kind]

    def _places(self, text: str) -> np.ndarray:
        """Where what is recorded of synapses is kept."""
        needs = self.written.needs
        record = next(one for one in needs.recorded if one.text == text)
        pathway, _, variable = record.name.partition(".")
        wires, side = (
            wires_of(needs.plan.circuit, pathway, needs.stretch.dt),
            needs.shared_traces(pathway).get(variable),
        )
        number = np.empty(len(wires.order), np.int64)
        number[wires.order] = np.arange(len(wires.order))
        chosen = number[record.places(len(number))]
        return chosen if side is None else (wires.pre if side == "pre" else wires.post)[chosen].astype(np.int64)


def _recording(written: Written, record: Record, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """An array for what is recorded; what does not change is there already."""
    stretch = written.needs.stretch
    width = record.width(size_of(stretch.plan.circuit, record.name))
    shape = (-(-stretch.steps // record.every), stretch.trials, width)
    if (record.spikes and not record.over) or ("truths", record.text) in written.arguments:
        return np.zeros(shape, bool)
    if ("record", record.text) in written.arguments:
        return np.zeros(shape, stretch.dtype)
    # A copy: what is given back can be written to.
    return np.broadcast_to(np.asarray(arrays[f"{record.text}|still"]), shape).copy()


def _bytes(array: np.ndarray) -> np.ndarray:
    return array.view(np.uint8) if array.dtype == bool else array


def _as_read(array: np.ndarray, extent: Extent) -> Any:
    """What does not change, with the axes that it has."""
    if extent.trials and extent.neurons:
        return np.ascontiguousarray(array)
    if extent.trials:
        return np.ascontiguousarray(array[..., 0])
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat if extent.neurons else flat[0]


def _blocks(trials: int) -> list[tuple[int, int]]:
    """The first trial and the one past the last of each core."""
    count = min(_cores(), trials)
    edges = [trials * number // count for number in range(count + 1)]
    return list(itertools.pairwise(edges))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_cores(), thread_name_prefix="neurosim-loop")
