# /// script
# requires-python = ">=3.11"
# dependencies = ["brainpy==2.8.2", "brainstate==0.5.4", "jax==0.10.2", "jaxlib==0.10.2"]
#
# [tool.benchmarks]
# label = "BrainPy on brainstate"
# works = ["spiking_forward"]
# ///
"""BrainPy's state-based LIF on brainstate, with units on all quantities, compiled by JAX."""

# pyright: reportMissingImports=false
# It is imported in an environment of its own.

from __future__ import annotations

import os
from typing import Any

import brainpy.state
import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np


def spiking_forward(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """Dense products and neurons in a compiled loop over time."""
    brainstate.environ.set(dt=1.0 * u.ms, precision=32)
    keep = float(data["keep"])
    # Neurons take currents, of which a step lets in this share. Jumps of the potential by a weight are the larger.
    scales = (1.0, *(keep / (1 - keep) for _ in range(len(data["sizes"]) - 2)))
    weights = [jnp.asarray(scale * data[f"w{k}"].T, jnp.float32) for k, scale in enumerate(scales, start=1)]
    layers = [brainpy.state.LIF(w.shape[1], tau=20.0 * u.ms, V_th=1.0 * u.mV, spk_reset="hard") for w in weights]
    course = jnp.asarray(data["course"], jnp.float32)

    def spikes_of(x: Any) -> list[Any]:
        found = []
        for w, layer in zip(weights, layers, strict=True):
            x = layer.update((x @ w) * u.mA)
            found.append(x)
        return found

    @brainstate.transform.jit
    def run(course: Any) -> Any:
        for layer in layers:
            layer.reset_state(course.shape[1])
        brainstate.transform.for_loop(lambda x: spikes_of(x)[-1].sum(), course)
        return layers[-1].V.value.mantissa

    @brainstate.transform.jit
    def rates(course: Any) -> Any:
        for layer in layers:
            layer.reset_state(course.shape[1])
        found = brainstate.transform.for_loop(lambda x: [spikes.mean() for spikes in spikes_of(x)], course)
        return [values.mean() for values in found]

    def wait() -> None:
        jax.block_until_ready(run(course))

    for layer in layers:
        layer.init_state(course.shape[1])
    # Twice: the state that the first call leaves is another type to JAX, and is compiled for again.
    wait()
    wait()
    return {
        "round": wait,
        "trials": course.shape[1],
        "rated": range(course.shape[1]),
        "rates": [float(rate) for rate in rates(course)],
        "note": f"float32, {os.cpu_count()} threads",
    }
