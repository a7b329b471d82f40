"""What tests of learning in time share: tasks, stimuli on an engine's grid, and the discrete equations by hand.

The hand-written loops are those of networks in discrete time, with steps from 1 to T; JAX differentiates them. What of
them is held back from the derivative makes the truncated gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state, weights_of
from neurosim.engines.stimuli import Stimulus

STEPS, INPUTS, OUTPUTS, TRIALS, DT = 12, 3, 2, 4, 1e-3
TASK: Any = SimpleNamespace(n_inputs=INPUTS, n_outputs=OUTPUTS, steps=STEPS, dt=DT)
SETTING = Setting("rate", DT, "float64")


def trials(steps: int = STEPS, *, spikes: bool = False, seed: int = 0) -> dict[str, np.ndarray]:
    """Inputs ``x``, targets, and a mask whose sum is one in each trial, ``(trial, step, n)``."""
    drawn = np.random.default_rng(seed)
    x = drawn.normal(size=(TRIALS, steps, INPUTS))
    mask = drawn.uniform(size=(TRIALS, steps, 1)) * (np.arange(steps) >= steps // 3)[:, None]
    return {
        "x": (x > 0).astype(float) if spikes else x,
        "target": drawn.normal(size=(TRIALS, steps, OUTPUTS)),
        "mask": mask / mask.sum(axis=1, keepdims=True),
    }


def stimuli(given: Mapping[str, np.ndarray]) -> dict[str, Stimulus]:
    """Trials as an engine takes them: inputs end a step early, targets and mask begin a step late."""
    early, late = ((0, 0), (0, 1), (0, 0)), ((0, 0), (1, 0), (0, 0))
    courses = {
        "input.r": np.pad(given["x"], early),
        "output.target": np.pad(given["target"], late),
        "output.mask": np.pad(given["mask"], late) / DT,
    }
    return {name: Stimulus(array, "course") for name, array in courses.items()}


def changes(
    circuit: Circuit, given: Mapping[str, np.ndarray], engine: type = BatchedEngine, *, seed: int = 0
) -> tuple[State, dict[str, np.ndarray], Any]:
    """The state, what one presentation changes of each pathway's weights as matrices, and the loss of each trial."""
    state = initial_state(circuit, seed)
    after, outputs = engine(circuit, SETTING).run(state, stimuli(given), report=("total_loss",))
    names = [pathway.name for pathway in circuit.owners]
    changed = {name: weights_of(circuit, after, name) - weights_of(circuit, state, name) for name in names}
    return state, changed, outputs.ends["presentation"]["total_loss"].ravel()


def gradients(loss: Any, weights: Mapping[str, np.ndarray], given: Mapping[str, np.ndarray]) -> tuple[Any, Any]:
    """The loss of each trial and the gradient of their mean, in double precision."""
    with jax.enable_x64(True):
        arrays = {name: jnp.asarray(array, jnp.float64) for name, array in weights.items()}
        data = {name: jnp.asarray(array, jnp.float64) for name, array in given.items()}
        values = loss(arrays, data)
        slopes = jax.grad(lambda w: jnp.mean(loss(w, data)))(arrays)
    return np.asarray(values), {name: np.asarray(array) for name, array in slopes.items()}


def matrices(circuit: Circuit, state: State) -> dict[str, np.ndarray]:
    """The weights of all pathways with weights of their own, as matrices."""
    return {pathway.name: weights_of(circuit, state, pathway.name) for pathway in circuit.owners}


def rate_loss(start: np.ndarray, a: float, *, truncated: bool, on_rate: bool = False, a_out: float = 1.0) -> Any:
    """The loss of each trial of a network of rate neurons, ``tanh``, with the names of pathways.

    Parameters
    ----------
    start
        The initial state of each neuron.
    a
        The time step over the time constant.
    truncated
        Whether other neurons' rates are held back from the derivative.
    on_rate
        Whether the leak is on the rate instead of the potential.
    a_out
        Of the readout, which is a low-pass of what drove it in the step before; without one at 1 it is instant.
    """

    def loss(w: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
        def step(before: tuple[Any, Any], now: tuple[Any, Any, Any]) -> tuple[tuple[Any, Any], Any]:
            (state, y), (x, target, mask) = before, now
            r = state if on_rate else jnp.tanh(state)
            sent = jax.lax.stop_gradient(r) if truncated else r
            drive = sent @ w["R1"].T + x @ w["Win1"].T + w["b1"][:, 0]
            after = (1 - a) * state + a * (jnp.tanh(drive) if on_rate else drive)
            if a_out == 1.0:
                shown = after if on_rate else jnp.tanh(after)
                y = shown @ w["Wout"].T + w["bout"][:, 0]
            else:
                y = (1 - a_out) * y + a_out * (r @ w["Wout"].T + w["bout"][:, 0])
            return (after, y), jnp.sum(mask * 0.5 * (y - target) ** 2, axis=1)

        trials = data["x"].shape[0]
        begun = (jnp.broadcast_to(start, (trials, len(start))), jnp.zeros((trials, data["target"].shape[2])))
        courses: Any = tuple(jnp.swapaxes(data[name], 0, 1) for name in ("x", "target", "mask"))
        return jnp.sum(jax.lax.scan(step, begun, courses)[1], axis=0)

    return loss


@jax.custom_jvp
def spike(excess: Any, slope: Any) -> Any:
    """One above the threshold, else zero, with a derivative that is given."""
    return (excess > 0).astype(slope.dtype)


@spike.defjvp
def _spike_jvp(values: tuple[Any, Any], moved: tuple[Any, Any]) -> tuple[Any, Any]:
    return spike(*values), values[1] * moved[0]


def spiking_loss(
    *, truncated: bool, alpha: float, kappa: float, theta: float, beta: float, rho: float, rest: int, share: float
) -> Any:
    """The loss of each trial of a network of (adaptive) integrate-and-fire neurons, in the notation of e-prop.

    Parameters
    ----------
    truncated
        Whether spikes that other neurons receive are held back from the derivative; those of the reset always are.
    alpha, kappa, rho
        What potential, readout and adaptation keep in a step.
    theta, beta, rest
        Threshold, its rise with a spike, and steps after a spike without another.
    share
        With which what drives a neuron counts.
    """

    def loss(w: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
        def step(before: Any, now: Any) -> tuple[Any, Any]:
            (v, z, a, still, f), (x, target, mask) = before, now
            sent = jax.lax.stop_gradient(z) if truncated else z
            drive = sent @ w["R1"].T + x @ w["Win1"].T + w["b1"][:, 0]
            v = alpha * v + share * drive - theta * jax.lax.stop_gradient(z)
            a = rho * a + z
            excess, free = v - (theta + beta * a), (still == 0).astype(v.dtype)
            psi = 0.3 / theta * jnp.maximum(0, 1 - jnp.abs(excess) / theta) * free
            z = spike(excess, jax.lax.stop_gradient(psi)) * free
            still = jnp.where(z > 0, rest, jnp.maximum(still - 1, 0))
            f = kappa * f + (1 - kappa) * z
            y = f @ w["Wout"].T + w["bout"][:, 0]
            return (v, z, a, still, f), (jnp.sum(mask * 0.5 * (y - target) ** 2, axis=1), jnp.sum(z))

        trials, size = data["x"].shape[0], w["R1"].shape[0]
        zero = jnp.zeros((trials, size))
        begun = (zero, zero, zero, jnp.zeros((trials, size), jnp.int32), zero)
        courses: Any = tuple(jnp.swapaxes(data[name], 0, 1) for name in ("x", "target", "mask"))
        return jnp.sum(jax.lax.scan(step, begun, courses)[1][0], axis=0)

    return loss
