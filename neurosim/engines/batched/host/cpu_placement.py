"""On how many cores a program runs, and which trials on which.

XLA shares out each operation among all cores. Where arrays are small, handing them over takes longer than to compute
them, so small programs run on one. Where trials do not depend on each other, each core computes some of them from
beginning to end, so that cores wait for each other once instead of at each operation.

How many threads there are belongs to XLA's client, and is read from the environment when a client is made. So each core
has a client of its own, with one thread.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from jaxlib import xla_client

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import BATCH_SUMS
from neurosim.circuit.plan import plan
from neurosim.engines.batched.host.cache import keep_programs

#: Products of a weight and an activity, in all trials at one instant, up to which one core is faster than several.
SMALL = 1 << 23
#: Fewer trials are not worth a core: weights are read anew for each share of the trials.
LEAST_TRIALS = 16

#: Programs that are remembered as known to all cores.
_MOST = 256

_making = threading.Lock()
# Programs that every core has, or finds on disk.
_compiled: set[Any] = set()


def few_cores(circuit: Circuit, trials: int) -> Any:
    """A context in which programs run on one core if they are small.

    Parameters
    ----------
    circuit
        That runs.
    trials
        How many of them run at once.
    """
    return _on(0) if _ours_to_choose() and _products(circuit) * trials <= SMALL else contextlib.nullcontext()


def shares(circuit: Circuit, trials: int, wanted: Collection[str]) -> list[slice]:
    """Which trials each core runs, if none of them learns; empty if they are better not shared out.

    Parameters
    ----------
    circuit
        That runs.
    trials
        How many of them there are.
    wanted
        The variables that are reported or recorded.
    """
    keep_programs()
    if not _ours_to_choose() or _products(circuit) * trials <= SMALL or _together(circuit, wanted):
        return []
    # The same program serves all shares, and is compiled once, only if they have the same size and programs are kept.
    most = min(_cores(), trials // LEAST_TRIALS) if jax.config.values["jax_compilation_cache_dir"] else 1
    count = max((k for k in range(1, most + 1) if trials % k == 0), default=1)
    size = trials // count
    return [slice(first, first + size) for first in range(0, trials, size)] if count > 1 else []


def each(run: Callable[..., Any], given: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Call a function that runs a program with each of these arguments, each call on a core of its own.

    Where the program is new they go one after the other, so that it is compiled once, and all but the first find it on
    disk.
    """

    def on_core(number: int) -> Any:
        with _on(number):
            return run(*given[number])

    numbers, program = range(len(given)), _program(given[0])
    if program in _compiled:
        return list(_pool().map(on_core, numbers))
    futures = [on_core(number) for number in numbers]
    if len(_compiled) >= _MOST:
        _compiled.clear()  # they are on disk
    _compiled.add(program)
    return futures


def _program(given: tuple[Any, ...]) -> Any:
    """Key of the program for these arguments: their values, or of arrays the shapes."""
    leaves, structure = jax.tree.flatten(given)
    arrays = (jax.Array, np.ndarray, np.generic)
    return structure, tuple((a.shape, str(a.dtype)) if isinstance(a, arrays) else a for a in leaves)


def _together(circuit: Circuit, wanted: Collection[str]) -> bool:
    """Whether trials that run at once depend on each other: by sums over them, or by a phase that ends for all."""
    sums = BATCH_SUMS.keys() & {*plan(circuit).nodes, *wanted}
    return bool(sums) or any(phase.until is not None for phase in circuit.phases)


@functools.lru_cache(maxsize=256)
def _products(circuit: Circuit) -> int:
    """Synapses of all pathways."""
    total = 0
    for pathway in circuit.pathways:
        connectivity = circuit.connectivity(pathway.name)
        if connectivity.shared or not connectivity.weighted:
            total += circuit.fans(pathway.name)[0] * circuit.shape(pathway.name)[0]
        else:
            total += math.prod(circuit.weights_shape(pathway.name))
    return total


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ours_to_choose() -> bool:
    """Whether programs run on the processor, and the user did not say where."""
    return jax.config.values["jax_default_device"] is None and jax.default_backend() == "cpu"


def _on(number: int) -> Any:
    return jax.default_device(_client(number).devices()[0])


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_cores(), thread_name_prefix="neurosim")


def _client(number: int) -> Any:
    with _making:
        return _made(number)


@functools.cache
def _made(number: int) -> Any:
    before = os.environ.get("NPROC")
    os.environ["NPROC"] = "1"
    try:
        return xla_client.make_cpu_client(asynchronous=False, num_devices=1)
    finally:
        if before is None:
            del os.environ["NPROC"]
        else:
            os.environ["NPROC"] = before
