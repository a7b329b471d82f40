"""Networks that learn by e-prop, ours and by hand in JAX: the same neurons, weights, inputs, targets and updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state, weights_of
from neurosim.engines.stimuli import Stimulus
from neurosim.networks import Part, recurrent
from neurosim.networks._network import SizedInTime
from neurosim.schemes import eprop

Kind = Literal["lif", "alif", "rate"]
INPUTS, OUTPUTS, DT = 40, 2, 1e-3
V_TH, DAMPING, BETA, TAU, TAU_THETA = 0.6, 0.3, 0.07, 20e-3, 200e-3
RATE = 0.1
PARTS: Mapping[Kind, dict[str, Any]] = {
    "lif": {"kind": "discrete_lif", "v_th": V_TH},
    "alif": {"kind": "discrete_lif", "v_th": V_TH, "beta": BETA},
    "rate": {"kind": "leaky_rate", "tau_m": "20 ms"},
}


@dataclass(frozen=True)
class Learner:
    """A network that learns from one batch.

    Attributes
    ----------
    once
        Lets it learn from the batch, from the same start, and returns by how much each pathway's weights change.
    weights
        Its weights at the start, as matrices.
    """

    once: Callable[[], dict[str, np.ndarray]]
    weights: dict[str, np.ndarray]


def batch_of(trials: int, steps: int) -> dict[str, np.ndarray]:
    """Spiking inputs at 40 Hz and targets without structure, ``(step, trial, n)``."""
    drawn = np.random.default_rng(0)
    x = drawn.uniform(size=(steps, trials, INPUTS)) < 40 * DT
    return {"x": x.astype("f4"), "target": drawn.normal(size=(steps, trials, OUTPUTS)).astype("f4")}


def ours(kind: Kind, units: int, batch: Mapping[str, np.ndarray]) -> Learner:
    """The scheme `eprop` on the engine `batched`, called as training calls it."""
    steps, trials = batch["x"].shape[:2]
    network = recurrent.Config(hidden=(units,), neuron=Part.model_validate(PARTS[kind]), bias=False)
    task = SizedInTime(INPUTS, OUTPUTS, steps, DT, DT)
    circuit = eprop.build(eprop.Config(learning_rate=RATE), network, task)
    engine = BatchedEngine(circuit, Setting("rate" if kind == "rate" else "spiking", DT, "float32"))
    state = initial_state(circuit, 0, dtype="float32")
    x, target = (np.swapaxes(batch[name], 0, 1) for name in ("x", "target"))
    early, late = ((0, 0), (0, 1), (0, 0)), ((0, 0), (1, 0), (0, 0))
    mask = np.pad(np.full((trials, steps, 1), 1 / (steps * DT), "f4"), late)
    courses = {"input.r": np.pad(x, early), "output.target": np.pad(target, late), "output.mask": mask}
    data = engine.placed({name: Stimulus(array, "course") for name, array in courses.items()}, trials)
    names = [pathway.name for pathway in circuit.owners]
    before = {name: weights_of(circuit, state, name) for name in names}

    def once() -> dict[str, np.ndarray]:
        after, _ = engine.train(state, data, np.arange(trials)[None], seed=0, first=0)
        return {name: weights_of(circuit, after, name) - before[name] for name in names}

    return Learner(once, before)


def by_hand(kind: Kind, weights: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray]) -> Learner:
    """The same loop over time as one writes it in JAX for this network alone."""
    compiled = jax.jit(_of_rates if kind == "rate" else lambda *given: _of_spikes(kind == "alif", *given))
    given = tuple(jnp.asarray(weights[name], jnp.float32) for name in ("R1", "Win1", "Wout"))
    courses = tuple(jnp.asarray(batch[name]) for name in ("x", "target"))

    def once() -> dict[str, np.ndarray]:
        changed = jax.device_get(compiled(*given, *courses))
        scale = -RATE / batch["x"].shape[1]
        return dict(zip(("R1", "Win1", "Wout"), (scale * np.asarray(each) for each in changed), strict=True))

    return Learner(once, dict(weights))


def _of_spikes(adapts: bool, w: Any, w_in: Any, w_out: Any, x: Any, target: Any) -> Any:
    """Sums over steps and trials of learning signal times filtered eligibility, autapses left out."""
    (steps, trials, _), units = x.shape, len(w)
    keep, slow_keep = np.float32(np.exp(-DT / TAU)), np.float32(np.exp(-DT / TAU_THETA))
    beta = BETA if adapts else 0.0

    def filtered(eligibility: Any, slow: Any, psi: Any, pre: Any) -> Any:
        term = psi[:, :, None] * (pre[:, None, :] - beta * slow if adapts else pre[:, None, :])
        return keep * eligibility + (1 - keep) * term, slow_keep * slow + term if adapts else slow

    def step(before: Any, now: Any) -> Any:
        v, a, z, read, pre, pre_in, eligible, eligible_in, slow, slow_in, *sums = before
        shown, wanted = now
        v = keep * v + z @ w.T + shown @ w_in.T - V_TH * z
        a = slow_keep * a + z if adapts else a
        pre, pre_in = keep * pre + z, keep * pre_in + shown
        margin = v - V_TH - beta * a
        psi = DAMPING / V_TH * jnp.maximum(0, 1 - jnp.abs(margin) / V_TH)
        z = (margin > 0).astype(jnp.float32)
        read = keep * read + (1 - keep) * z
        error = (read @ w_out.T - wanted) / steps
        signal = error @ w_out
        eligible, slow = filtered(eligible, slow, psi, pre)
        eligible_in, slow_in = filtered(eligible_in, slow_in, psi, pre_in)
        grown = (
            jnp.einsum("bi,bij->ij", signal, eligible),
            jnp.einsum("bi,bij->ij", signal, eligible_in),
            error.T @ read,
        )
        sums = [total + each for total, each in zip(sums, grown, strict=True)]
        return (v, a, z, read, pre, pre_in, eligible, eligible_in, slow, slow_in, *sums), None

    here, there = jnp.zeros((trials, units)), jnp.zeros((trials, INPUTS))
    pairs, pairs_in = jnp.zeros((trials, units, units)), jnp.zeros((trials, units, INPUTS))
    kept = (pairs, pairs_in) if adapts else (jnp.zeros(()), jnp.zeros(()))
    begun = (here, here, here, here, here, there, pairs, pairs_in, *kept)
    sums = (jnp.zeros_like(w), jnp.zeros_like(w_in), jnp.zeros_like(w_out))
    after, _ = jax.lax.scan(step, (*begun, *sums), (x, target))
    return _without_autapses(*after[-3:])


def _of_rates(w: Any, w_in: Any, w_out: Any, x: Any, target: Any) -> Any:
    """The same of rate neurons, whose eligibility is a product of the neurons at both ends."""
    (steps, trials, _), units = x.shape, len(w)
    share = np.float32(DT / TAU)

    def step(before: Any, now: Any) -> Any:
        u, pre, pre_in, *sums = before
        shown, wanted = now
        r = jnp.tanh(u)
        u = u + share * (r @ w.T + shown @ w_in.T - u)
        pre, pre_in = pre + share * (r - pre), pre_in + share * (shown - pre_in)
        r = jnp.tanh(u)
        error = (r @ w_out.T - wanted) / steps
        signal = (error @ w_out) * (1 - r**2)
        grown = (signal.T @ pre, signal.T @ pre_in, error.T @ r)
        return (u, pre, pre_in, *(total + each for total, each in zip(sums, grown, strict=True))), None

    here, there = jnp.zeros((trials, units)), jnp.zeros((trials, INPUTS))
    sums = (jnp.zeros_like(w), jnp.zeros_like(w_in), jnp.zeros_like(w_out))
    after, _ = jax.lax.scan(step, (here, here, there, *sums), (x, target))
    return _without_autapses(*after[-3:])


def _without_autapses(recurrent_sum: Any, input_sum: Any, output_sum: Any) -> Any:
    return recurrent_sum * (1 - jnp.eye(len(recurrent_sum))), input_sum, output_sum


def apart(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> float:
    """The greatest relative distance of the changes of a pathway."""
    return max(float(np.linalg.norm(one[name] - other[name]) / np.linalg.norm(other[name])) for name in other)
