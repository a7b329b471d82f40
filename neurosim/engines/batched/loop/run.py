"""Runs a loop: brings arrays into the shape that it reads, and shares trials out among cores."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from neurosim.circuit.connectivity import Connectivity
from neurosim.circuit.synapses import Ends
from neurosim.engines.batched.batch import Arrays, Batch
from neurosim.engines.batched.loop.compiled import compiled
from neurosim.engines.batched.loop.expressions import Extent
from neurosim.engines.batched.loop.text import Written
from neurosim.engines.batched.stepping import BROKEN


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
    now = {name: np.array(array, order="C") for name, array in state.items()}
    recorded = {name: _recording(written, name, arrays) for name in stretch.record}
    given = written.still.evaluate(
        {local: np.asarray(arrays[name]) for name, local in written.still.given.items()}, stretch.dtype
    )
    known = _Arrays(written, arrays, now, recorded, given, batch)
    passed = [known.of(kind, key) for kind, key in written.arguments]
    numbers = (np.int64(begin), np.int64(begin - int(batch.begin)), np.int64(stretch.steps), np.float64(stretch.dt))
    loop, presentations = compiled(written.text), np.ascontiguousarray(batch.presentations, np.uint32)
    blocks = _blocks(stretch.trials)
    if len(blocks) == 1:
        loop(*blocks[0], *numbers, presentations, *passed)
    else:
        list(_pool().map(lambda block: loop(*block, *numbers, presentations, *passed), blocks))
    return now, recorded


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
        if kind == "weights":
            return np.ascontiguousarray(self.arrays[f"{key}|weights"])
        first, post, _ = listed(circuit.connectivity(key), circuit.ends(key))
        return first if kind == "first" else post


@functools.lru_cache(maxsize=64)
def listed(connectivity: Connectivity, ends: Ends) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The synapses of a pathway sender by sender.

    Returns
    -------
    tuple
        Where those of each sender begin, shape (n_pre + 1,); the neuron that each leads to; and which of the weights it
        has.
    """
    made = connectivity.synapses(ends)
    assert made.weight is not None, "only pathways with weights are listed"
    order = np.argsort(made.pre, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(made.pre, minlength=ends.n_pre))]).astype(np.uint64)
    return first, made.post[order].astype(np.uint32), made.weight[order]


def _recording(written: Written, name: str, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """An array for what is recorded; what does not change is there already."""
    stretch = written.needs.stretch
    population = stretch.plan.circuit.population.get(name.split(".")[0])
    shape = (stretch.steps, stretch.trials, population.size if population is not None and "." in name else 1)
    if name.endswith(".spikes") or ("truths", name) in written.arguments:
        return np.zeros(shape, bool)
    if ("record", name) in written.arguments:
        return np.empty(shape, stretch.dtype)
    value = np.asarray(arrays[f"{name}|still"])
    return np.broadcast_to(value, shape).astype(bool if value.dtype == bool else stretch.dtype)


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
