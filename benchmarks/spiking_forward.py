"""Time of one simulated step of a spiking network, beside the same steps written by hand in JAX with dense products.

784-500-300-10 leaky integrate-and-fire neurons, tau 20 ms, dt 1 ms, 100 steps, batch 128, float32, about 5 % of the
inputs active in each step, forward only. Both have the same weights and inputs and are measured in the same run,
alternating, because what counts on a shared machine is their ratio. Exit code 1 if they spike differently, or below
a ratio of 4.

    python benchmarks/spiking_forward.py
"""

from __future__ import annotations

import functools
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
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.neurons import stimulus
from neurosim.neurons._model import NeuronModel

SIZES, BATCH, STEPS, ROUNDS, LIMIT = (784, 500, 300, 10), 128, 100, 15, 4.0
ACTIVE, KEEP = 0.05, np.float32(np.exp(-1 / 20))
#: Scales of the weights of each layer, in units of the threshold, by which it is about as active as the input.
SCALES = (10.0, 0.4, 0.7)


def network() -> Circuit:
    """The layers and nothing else: the input is a current, the other layers send spikes that jump the potential."""
    neuron = NeuronModel(
        "dv/dt = (drive - v)/tau_m : 1\ndrive : 1",
        threshold="v > 1",
        reset="v = 0",
        parameters={"tau_m": "20 ms"},
    )
    names = ["input", *(f"layer{number}" for number in range(1, len(SIZES)))]
    populations = [Population("input", SIZES[0], stimulus.build(stimulus.Config()))]
    populations += [Population(name, size, neuron) for name, size in zip(names[1:], SIZES[1:], strict=True)]
    pathways = [Pathway("W1", "input.r", "layer1.drive")]
    pathways += [Pathway(f"W{k}", f"layer{k - 1}.spikes", f"layer{k}.v") for k in range(2, len(SIZES))]
    return Circuit("layers", tuple(populations), tuple(pathways), (Phase("run", f"{STEPS} ms"),))


def drawn() -> tuple[list[Any], Any]:
    """Weights (n_post, n_pre) and the input (step, trial, neuron), zeros and ones."""
    generator = np.random.default_rng(0)
    weights = [
        jnp.asarray(scale * generator.standard_normal((post, pre)) / np.sqrt(pre * ACTIVE), jnp.float32)
        for scale, (pre, post) in zip(SCALES, itertools.pairwise(SIZES), strict=True)
    ]
    return weights, jnp.asarray(generator.random((STEPS, BATCH, SIZES[0])) < ACTIVE, jnp.float32)


def simulation(circuit: Circuit, weights: list[Any], course: Any) -> Callable[..., Any]:
    """Our steps as a user runs them: spikes of each layer, if they are recorded, and the last layer's potential."""
    engine = BatchedEngine(circuit, Setting("spiking", 1e-3, "float32"))
    state = initial_state(circuit, 0, dtype="float32")
    state |= {f"W{number}.w": np.asarray(array) for number, array in enumerate(weights, start=1)}
    top = f"layer{len(SIZES) - 1}.v"

    def run(record: bool = False) -> Any:
        spikes = tuple(f"layer{number}.spikes" for number in range(1, len(SIZES))) if record else ()
        _, outputs = engine.run(state, {"input.r": course}, report=(top,), record=spikes, learn=False)
        return outputs.ends["run"][top], [outputs.recordings[name] for name in spikes]

    return run


def by_hand(weights: list[Any], course: Any) -> Callable[..., Any]:
    """The same steps as a plain loop with a dense product for each layer."""

    @functools.partial(jax.jit, static_argnums=2)
    def compiled(weights: Any, course: Any, record: bool) -> Any:
        def step(potentials: Any, x: Any) -> Any:
            potentials = [KEEP * v for v in potentials]
            potentials[0] = potentials[0] + (1 - KEEP) * (x @ weights[0].T)
            spikes = [(v > 1).astype(jnp.float32) for v in potentials]
            for k in range(1, len(weights)):
                potentials[k] = potentials[k] + spikes[k - 1] @ weights[k].T
            after = [jnp.where(s > 0, 0.0, v) for s, v in zip(spikes, potentials, strict=True)]
            return after, [s > 0 for s in spikes] if record else []

        start = [jnp.zeros((BATCH, size), jnp.float32) for size in SIZES[1:]]
        after, spikes = jax.lax.scan(step, start, course)
        return after[-1], spikes

    return lambda record=False: jax.device_get(compiled(weights, course, record))


def main() -> int:
    """Measure, print, and say whether it is right and fast enough."""
    weights, course = drawn()
    runs = {"by events": simulation(network(), weights, course), "dense, by hand": by_hand(weights, course)}
    times: dict[str, list[float]] = {name: [] for name in runs}
    first = {}
    for name, run in runs.items():
        started = time.perf_counter()
        run()
        first[name] = time.perf_counter() - started
    rates = [[float(np.mean(spikes)) for spikes in run(record=True)[1]] for run in runs.values()]
    for _ in range(ROUNDS):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - started) / STEPS)
    ratios = [dense / ours for ours, dense in zip(*times.values(), strict=True)]
    ratio = statistics.median(ratios)
    print(f"784-500-300-10 spiking neurons, batch {BATCH}, float32, {STEPS} steps, medians of {ROUNDS} runs")
    for (name, seconds), found in zip(times.items(), rates, strict=True):
        step = statistics.median(seconds)
        print(
            f"  {name:15s} {1e3 * step:7.3f} ms a step {1e6 * step / BATCH:6.2f} us a trial and step, first call "
            f"{first[name]:.2f} s, spikes a neuron and step {', '.join(f'{rate:.4f}' for rate in found)}"
        )
    print(f"  ratio           {ratio:7.2f}   (asked: at least {LIMIT:g})")
    same = np.allclose(rates[0], rates[1], rtol=1e-3)
    return 0 if same and ratio >= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
