"""The batched engine: all trials of a mini-batch at once, compiled by JAX."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.description import Circuit
from neurosim.circuit.plan import plan
from neurosim.engines.batched.presentation import Outcome, present
from neurosim.engines.noise import noise_keys
from neurosim.engines.outputs import Outputs
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, carried_shapes, check_stimuli, learned_names


@dataclass(frozen=True)
class BatchedEngine:
    """Runs a circuit on arrays with a trial axis.

    Each method compiles once for each circuit, set of arguments and shape of the batch.

    Attributes
    ----------
    circuit, setting
        What to run and how.
    """

    circuit: Circuit
    setting: Setting

    def run(
        self,
        state: Mapping[str, Any],
        stimuli: Mapping[str, Any],
        *,
        seed: int = 0,
        first: int = 0,
        noise: Mapping[str, Mapping[str, Any]] | None = None,
        report: Sequence[str] = (),
        record: Sequence[str] = (),
        learn: bool = True,
        phases: Sequence[str] | None = None,
        trials: int | None = None,
    ) -> tuple[State, Outputs]:
        """Present one batch of trials.

        Parameters
        ----------
        state
            See `neurosim.engines.state`.
        stimuli
            ``population.variable -> (trial, n)``, or ``(step, trial, n)`` for a course over the presentation;
            the targets of a readout are ``<output population>.target``.
        seed
            Of the noise.
        first
            Running number of the first trial's presentation: noise depends on (seed, number) alone.
        noise
            Held noise to use instead: ``phase -> population.variable -> (trial, n)``.
        report, record
            Variables wanted at the end of each phase, and at every step.
        learn
            Whether rules act.
        phases
            Run these phases only.
        trials
            Size of the batch, where no stimulus tells it.

        Returns
        -------
        tuple
            The new state and the `Outputs`.
        """
        check_stimuli(self.circuit, stimuli)
        with self.precision():
            arrays = {name: self.array(a) for name, a in stimuli.items()}
            trials = trials or _trials(arrays)
            outcome = _run(
                self.circuit,
                self.setting,
                tuple(report),
                tuple(record),
                learn,
                None if phases is None else tuple(phases),
                {name: self.array(a) for name, a in state.items()},
                arrays,
                noise_keys(self.circuit, seed),
                first + jnp.arange(trials, dtype=jnp.uint32),
                {p: {n: self.array(a) for n, a in given.items()} for p, given in noise.items()} if noise else None,
            )
            changes, final, ends, recordings = jax.device_get(outcome)
        after = {name: np.asarray(array) for name, array in state.items()}
        after |= {name: after[name] + change for name, change in changes.items()}
        after |= {name: np.asarray(array) for name, array in final.items()}
        return after, Outputs(ends=ends, recordings=recordings)

    def train(
        self,
        state: Mapping[str, Any],
        stimuli: Mapping[str, Any],
        order: np.ndarray,
        *,
        seed: int,
        first: int,
    ) -> tuple[State, Outputs]:
        """Learn from mini-batches, all in one compiled call.

        Parameters
        ----------
        stimuli
            All trials of the data, ``population.variable -> (trial, n)``.
        order
            Which trials each step presents, shape (step, batch).
        seed, first
            As for `run`.

        Returns
        -------
        tuple
            The new state, and outputs whose `ends` have ``loss`` and the readout's ``y`` of every
            presentation, in order. Where state carries over, each trial of a mini-batch goes on from the same
            place of the one before, and the state returned is that of the last, for the next call.
        """
        check_stimuli(self.circuit, stimuli)
        with self.precision():
            values = {name: self.array(a) for name, a in state.items()}
            data = {name: self.array(a) for name, a in stimuli.items()}
            names = set(learned_names(self.circuit))
            learned = {name: values.pop(name) for name in sorted(names)}
            keys = noise_keys(self.circuit, seed)
            learned, final, ends = _train(
                self.circuit,
                self.setting,
                learned,
                self._moving(values, order.shape[1]),
                values,
                data,
                jnp.asarray(order, jnp.int32),
                keys,
                jnp.uint32(first),
            )
            learned, final, ends = jax.device_get((learned, final, ends))
        return {**{n: np.asarray(a) for n, a in state.items()}, **learned, **final}, Outputs(ends=ends)

    def _moving(self, values: dict[str, Any], batch: int) -> dict[str, Any]:
        """Take out what carries over from batch to batch, one array a trial."""
        if not self.circuit.carry:
            return {}
        computed = plan(self.circuit, steady=self.setting.steady).nodes
        shapes = {n: s for n, s in carried_shapes(self.circuit).items() if n in values and n not in computed}
        return {name: jnp.broadcast_to(values.pop(name), (batch, *shape)) for name, shape in shapes.items()}

    def precision(self) -> Any:
        """A context in which JAX has the setting's precision."""
        return jax.enable_x64(True) if self.setting.dtype == "float64" else contextlib.nullcontext()

    def array(self, array: Any) -> Any:
        """An array of the setting's precision on the device."""
        if not isinstance(array, jax.Array):
            # Converted on the host: on the device even that would be compiled.
            array = np.asarray(array, dtype=self.setting.dtype)
        return jnp.asarray(array, dtype=self.setting.dtype)


def _trials(stimuli: Mapping[str, Any]) -> int:
    return next((array.shape[-2] for array in stimuli.values() if array.ndim >= 2), 1)


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4, 5))
def _run(
    circuit: Circuit,
    setting: Setting,
    report: tuple[str, ...],
    record: tuple[str, ...],
    learn: bool,
    phases: tuple[str, ...] | None,
    values: Any,
    stimuli: Any,
    keys: Any,
    presentations: Any,
    noise: Any,
) -> Any:
    outcome: Outcome = present(
        circuit,
        setting,
        values,
        stimuli,
        keys,
        presentations,
        noise=noise,
        report=report,
        record=record,
        learn=learn,
        phases=phases,
    )
    return outcome.changes, outcome.final, outcome.ends, outcome.recordings


@functools.partial(jax.jit, static_argnums=(0, 1), donate_argnums=(2,))
def _train(
    circuit: Circuit,
    setting: Setting,
    learned: Any,
    moving: Any,
    values: Any,
    data: Any,
    order: Any,
    keys: Any,
    first: Any,
) -> Any:
    batch = order.shape[1]
    report = ("loss", f"{circuit.output_population}.y")

    def step(carry: Any, inputs: Any) -> Any:
        (learned, moving), (number, chosen) = carry, inputs
        stimuli = {name: array[chosen] for name, array in data.items()}
        presentations = first + number * batch + jnp.arange(batch, dtype=jnp.uint32)
        before = {**values, **learned, **moving}
        outcome = present(circuit, setting, before, stimuli, keys, presentations, report=report)
        learned = {name: array + outcome.changes[name] for name, array in learned.items()}
        return (learned, {name: outcome.final[name] for name in moving}), outcome.ends

    numbers = jnp.arange(order.shape[0], dtype=jnp.uint32)
    (learned, moving), ends = jax.lax.scan(step, (learned, moving), (numbers, order))
    # (step, batch, neuron) -> (presentation, neuron)
    flat = {p: {n: a.reshape(-1, a.shape[-1]) for n, a in found.items()} for p, found in ends.items()}
    return learned, moving, flat
