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
from neurosim.engines.batched.presentation import Outcome, present
from neurosim.engines.noise import noise_keys
from neurosim.engines.outputs import Outputs
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, check_stimuli, learned_names
from neurosim.errors import CircuitError


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
            Held noise to use instead: ``phase -> population.variable -> (trial, n)``, and for noise on weights
            ``pathway.noise -> (trial, n_post, n_pre)``.
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
        if self.circuit.carry:
            after |= {name: np.asarray(a) for name, a in final.items() if name in after}
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
            presentation, in order.
        """
        if self.circuit.carry:
            raise CircuitError("a circuit whose state carries over is trained with 'run', step by step")
        check_stimuli(self.circuit, stimuli)
        with self.precision():
            values = {name: self.array(a) for name, a in state.items()}
            data = {name: self.array(a) for name, a in stimuli.items()}
            names = set(learned_names(self.circuit))
            learned = {name: values.pop(name) for name in sorted(names)}
            keys = noise_keys(self.circuit, seed)
            learned, ends = _train(
                self.circuit,
                self.setting,
                learned,
                values,
                data,
                jnp.asarray(order, jnp.int32),
                keys,
                jnp.uint32(first),
            )
            learned, ends = jax.device_get((learned, ends))
        return {**{n: np.asarray(a) for n, a in state.items()}, **learned}, Outputs(ends=ends)

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
    final = outcome.final if circuit.carry else {}
    return outcome.changes, final, outcome.ends, outcome.recordings


@functools.partial(jax.jit, static_argnums=(0, 1), donate_argnums=(2,))
def _train(
    circuit: Circuit,
    setting: Setting,
    learned: Any,
    values: Any,
    data: Any,
    order: Any,
    keys: Any,
    first: Any,
) -> Any:
    batch = order.shape[1]
    report = ("loss", f"{circuit.output_population}.y")

    def step(learned: Any, inputs: Any) -> Any:
        number, chosen = inputs
        stimuli = {name: array[chosen] for name, array in data.items()}
        presentations = first + number * batch + jnp.arange(batch, dtype=jnp.uint32)
        outcome = present(circuit, setting, {**values, **learned}, stimuli, keys, presentations, report=report)
        return {name: array + outcome.changes[name] for name, array in learned.items()}, outcome.ends

    numbers = jnp.arange(order.shape[0], dtype=jnp.uint32)
    learned, ends = jax.lax.scan(step, learned, (numbers, order))
    # (step, batch, neuron) -> (presentation, neuron)
    flat = {p: {n: a.reshape(-1, a.shape[-1]) for n, a in found.items()} for p, found in ends.items()}
    return learned, flat
