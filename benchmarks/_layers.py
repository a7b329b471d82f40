"""The layers of 784, 500, 300 and 10 that several works share: leaky rate units, and bare products of their shapes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.engines.batched.differentiable import Differentiable, GivenArrays
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.neurons import leaky_rate, stimulus

SIZES, BATCH, STEPS = (784, 500, 300, 10), 128, 100


def rate_layers(sizes: tuple[int, ...] = SIZES, steps: int = STEPS) -> Circuit:
    """The layers and nothing else: no readout, no feedback."""
    neuron = leaky_rate.build(leaky_rate.Config(tau_m="20 ms"))
    names = ["input", *(f"layer{number}" for number in range(1, len(sizes)))]
    populations = [Population("input", sizes[0], stimulus.build(stimulus.Config()))]
    populations += [Population(name, size, neuron) for name, size in zip(names[1:], sizes[1:], strict=True)]
    pathways = [
        Pathway(f"W{number}", f"{pre}.r", f"{post}.drive")
        for number, (pre, post) in enumerate(itertools.pairwise(names), start=1)
    ]
    return Circuit("layers", tuple(populations), tuple(pathways), (Phase("run", f"{steps} ms"),))


def changing_input(steps: int = STEPS, batch: int = BATCH, size: int = SIZES[0]) -> np.ndarray:
    """An input that changes at every step, (step, trial, neuron)."""
    return np.random.default_rng(0).random((steps, batch, size), dtype=np.float32)


def rate_steps(circuit: Circuit, state: dict[str, Any], course: np.ndarray) -> tuple[Callable[[], Any], Any]:
    """The simulated steps on arrays that are on the device, and the compiled function.

    A call returns the last activity of each layer.
    """
    setting = Setting("rate", 1e-3, "float32")
    reported = tuple(f"{population.name}.r" for population in circuit.populations[1:])
    shown = Differentiable(circuit, setting, reported)
    values, placed = {name: jnp.asarray(array) for name, array in state.items()}, jnp.asarray(course)

    @jax.jit
    def run(values: Any, course: Any) -> Any:
        return list(shown.ends(GivenArrays(values, {}, {"input.r": course}, {})))

    return lambda: jax.block_until_ready(run(values, placed)), run


def rate_simulation() -> Callable[[], Any]:
    """`rate_steps` of the layers with an input that changes at every step: what other works compare with."""
    circuit = rate_layers()
    return rate_steps(circuit, initial_state(circuit, 0, dtype="float32"), changing_input())[0]


def bare_products(weights: list[Any], course: Any) -> Callable[[], Any]:
    """The bare matrix products of the layers in a loop over the same steps: the machine's limit.

    Parameters
    ----------
    weights
        ``(n_post, n_pre)`` of each layer.
    course
        The input, ``(step, trial, neuron)``.
    """
    placed, inputs = [jnp.asarray(array) for array in weights], jnp.asarray(course)
    batch = inputs.shape[1]
    activities = [jnp.ones((batch, array.shape[0]), jnp.float32) for array in placed[:-1]]

    @jax.jit
    def run(weights: Any, course: Any) -> Any:
        def step(sums: Any, x: Any) -> Any:
            # Each product depends on the step before, so that none leaves the loop.
            sources = [x] + [a + 1e-9 * s[:, :1] for a, s in zip(activities, sums[:-1], strict=True)]
            return [source @ weight.T for source, weight in zip(sources, weights, strict=True)], None

        start = [jnp.zeros((batch, weight.shape[0]), jnp.float32) for weight in weights]
        return jax.lax.scan(step, start, course)[0]

    return lambda: jax.block_until_ready(run(placed, inputs))
