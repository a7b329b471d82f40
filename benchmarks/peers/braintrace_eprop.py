# /// script
# requires-python = ">=3.11"
# dependencies = ["braintrace==0.2.6", "brainstate==0.5.4", "jax==0.10.2", "jaxlib==0.10.2", "numpy==2.4.6"]
#
# [tool.benchmarks]
# label = "braintrace, D-RTRL, LIF"
# works = ["eprop"]
# ///
"""braintrace: diagonal real-time recurrent learning; with potential and readout filter in one group it is e-prop.

The filter takes the spikes of the step before, and targets come a step later: what the loss reads of the potential in
the same step would count twice.
"""

# pyright: reportMissingImports=false
# It is imported in an environment of its own.

from __future__ import annotations

import os
from typing import Any

import brainstate
import braintrace
import jax
import jax.numpy as jnp
import numpy as np


def eprop(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """The gradients of a batch, of a network of leaky integrate-and-fire neurons."""
    keep, v_th, damping = (float(data[name]) for name in ("keep", "v_th", "damping"))
    x, target = (np.asarray(data[name], np.float32) for name in ("x", "target"))
    steps, trials = x.shape[:2]
    x, target = jnp.pad(x, ((0, 1), (0, 0), (0, 0))), jnp.pad(target, ((1, 0), (0, 0), (0, 0)))
    counts = (jnp.arange(steps + 1) > 0).astype(jnp.float32)
    units = data["w_R1"].shape[0]

    @jax.custom_jvp
    def spike(margin: Any) -> Any:
        return (margin > 0).astype(jnp.float32)

    @spike.defjvp
    def _slope(values: Any, moved: Any) -> Any:
        return spike(*values), damping / v_th * jnp.maximum(0, 1 - jnp.abs(values[0]) / v_th) * moved[0]

    class Network(brainstate.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            first = np.concatenate([data["w_R1"], data["w_Win1"]], axis=1).T
            self.into = brainstate.ParamState(jnp.asarray(first, jnp.float32))
            self.out = brainstate.ParamState(jnp.asarray(data["w_Wout"].T, jnp.float32))

        def init_state(self, *args: Any, **kwargs: Any) -> None:
            self.v = brainstate.HiddenState(jnp.zeros((trials, units)))
            self.read = brainstate.HiddenState(jnp.zeros((trials, units)))

        def update(self, shown: Any) -> Any:
            seen = spike(self.v.value - v_th)
            z = jax.lax.stop_gradient(seen)
            drive = braintrace.matmul(jnp.concatenate([z, shown], axis=1), self.into.value)
            self.v.value = keep * self.v.value + drive - v_th * z
            self.read.value = keep * self.read.value + (1 - keep) * seen
            return self.read.value @ self.out.value

    model = Network()
    learner = braintrace.compile(model, braintrace.D_RTRL, x[0])

    @brainstate.transform.jit
    def one(x: Any, target: Any) -> Any:
        brainstate.nn.init_all_states(model)
        learner.reset_state()

        def loss(shown: Any, wanted: Any) -> Any:
            return 0.5 * jnp.sum((learner(shown) - wanted) ** 2)

        return learner.etrace_grad(x, target, step_fn=loss, mask=counts, weights=model.states(brainstate.ParamState))

    def changes() -> dict[tuple[str, ...], Any]:
        return jax.block_until_ready(one(x, target))

    found = changes()
    into = np.asarray(found[("into",)]).T
    recurrent, shown = into[:, :units].copy(), into[:, units:]
    # There are no autapses.
    np.fill_diagonal(recurrent, 0)

    def wait() -> None:
        changes()

    return {
        "round": wait,
        "trials": trials,
        "rated": range(1),
        "rates": [float(np.linalg.norm(each)) / trials for each in (recurrent, shown)],
        "note": f"float32, {os.cpu_count()} threads, without the gradient of the readout",
    }
