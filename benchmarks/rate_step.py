"""Time of one simulated step of a leaky rate network, beside the bare matrix products of the same shapes.

784-500-300-10 units, batch 128, float32, an input that changes at every step. Both are measured in the same
run, alternating, because what counts on a shared machine is their ratio. Exit code 1 below 60 % of the limit.

    python benchmarks/rate_step.py
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.description import Circuit, Pathway, Phase, Population
from neurosim.engines.batched.presentation import present
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.neurons import leaky_rate, stimulus

SIZES, BATCH, STEPS, ROUNDS, LIMIT = (784, 500, 300, 10), 128, 100, 11, 0.6


def network() -> Circuit:
    """The layers and nothing else: no readout, no feedback."""
    neuron = leaky_rate.build(leaky_rate.Config(tau_m="20 ms"))
    names = ["input", *(f"layer{number}" for number in range(1, len(SIZES)))]
    populations = [Population("input", SIZES[0], stimulus.build(stimulus.Config()))]
    populations += [Population(name, size, neuron) for name, size in zip(names[1:], SIZES[1:], strict=True)]
    pathways = [
        Pathway(f"W{number}", f"{pre}.r", f"{post}.drive")
        for number, (pre, post) in enumerate(itertools.pairwise(names), start=1)
    ]
    return Circuit("layers", tuple(populations), tuple(pathways), (Phase("run", f"{STEPS} ms"),))


def simulation(circuit: Circuit, state: dict[str, Any], course: Any) -> tuple[Callable[[], Any], Any]:
    """The simulated steps, compiled; returns the last layer's activity."""
    setting = Setting("rate", 1e-3, "float32")
    top = f"layer{len(SIZES) - 1}.r"
    values = {name: jnp.asarray(array) for name, array in state.items()}

    @jax.jit
    def run(values: Any, course: Any) -> Any:
        numbers = jnp.zeros(BATCH, jnp.uint32)
        return present(circuit, setting, values, {"input.r": course}, {}, numbers, report=(top,)).ends["run"][top]

    return lambda: run(values, course).block_until_ready(), run


def products(state: dict[str, Any], course: Any) -> Callable[[], Any]:
    """The bare matrix products of the same shapes, in a loop over the same steps."""
    weights = [jnp.asarray(state[f"W{number}.w"]) for number in range(1, len(SIZES))]
    activities = [jnp.ones((BATCH, size), jnp.float32) for size in SIZES[1:-1]]

    @jax.jit
    def run(weights: Any, course: Any) -> Any:
        def step(sums: Any, x: Any) -> Any:
            # Each product depends on the step before, so that none leaves the loop.
            sources = [x] + [a + 1e-9 * s[:, :1] for a, s in zip(activities, sums[:-1], strict=True)]
            return [source @ weight.T for source, weight in zip(sources, weights, strict=True)], None

        start = [jnp.zeros((BATCH, size), jnp.float32) for size in SIZES[1:]]
        return jax.lax.scan(step, start, course)[0]

    return lambda: jax.block_until_ready(run(weights, course))


def main() -> int:
    """Measure, print, and say whether it is fast enough."""
    circuit = network()
    state = initial_state(circuit, 0, dtype="float32")
    course = jnp.asarray(np.random.default_rng(0).random((STEPS, BATCH, SIZES[0]), dtype=np.float32))
    simulated, compiled = simulation(circuit, state, course)
    bare = products(state, course)
    started = time.perf_counter()
    simulated()
    first = time.perf_counter() - started
    bare()
    times: dict[str, list[float]] = {"simulated": [], "bare": []}
    for _ in range(ROUNDS):
        for name, call in (("simulated", simulated), ("bare", bare)):
            started = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - started) / STEPS * 1e3)
    compilations = compiled._cache_size()
    ratios = [bare / simulated for simulated, bare in zip(times["simulated"], times["bare"], strict=True)]
    ratio = statistics.median(ratios)
    print(f"784-500-300-10 leaky rate units, batch {BATCH}, float32, {STEPS} steps, medians of {ROUNDS} runs")
    print(f"  simulated step        {statistics.median(times['simulated']):8.3f} ms")
    print(f"  bare matrix products  {statistics.median(times['bare']):8.3f} ms")
    print(f"  share of the limit    {100 * ratio:8.1f} %   (asked: at least {100 * LIMIT:.0f} %)")
    print(f"  first call            {first:8.2f} s   compilations in all: {compilations}")
    return 0 if ratio >= LIMIT and compilations == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
