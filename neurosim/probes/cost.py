"""How many presentations learned feedback needs until it points where it should, the forward weights fixed.

For one hidden layer of n units below m linear outputs with errors of no preferred direction, both in closed form:
with a scalar loss and exact least squares the squared relative error after T presentations is about
``(n + 1)(m + 2)/T``, with the outputs' own responses ``(n + 1)/T``; 45 degrees is where it passes one.
"""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from neurosim.circuit.description import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.batched.presentation import present
from neurosim.engines.noise import noise_keys
from neurosim.engines.setting import Setting
from neurosim.engines.state import learned_names
from neurosim.engines.stimuli import stimuli_of
from neurosim.gradients.feedback import feedback_pathway, wanted_weights
from neurosim.metrics import matrix_angle
from neurosim.probes._findings import Findings, OnStep
from neurosim.probes._learning import feedback_alone, learned_layers, random_order, seed_of_repetition, start_of
from neurosim.tasks._task import Task

# Looks in one compiled call.
_CHECKS_PER_CALL = 25


class Config(BaseModel):
    """Settings of the cost probe.

    Attributes
    ----------
    degrees
        The angle between feedback weights and what they should be that has to be passed.
    every
        Presentations between two looks, a multiple of `batch_size`: the resolution of the answer.
    batch_size
        Trials between two updates, drawn from the training split with replacement.
    most
        Presentations at most.
    repetitions
        With other initial weights, order and noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    degrees: float = Field(default=45.0, gt=0, lt=180)
    every: PositiveInt = 20
    batch_size: PositiveInt = 1
    most: PositiveInt = 100_000
    repetitions: PositiveInt = 10

    @model_validator(mode="after")
    def _whole_batches(self) -> Config:
        if self.every % self.batch_size:
            raise ValueError(f"got every {self.every}, expected a multiple of the batch size {self.batch_size}")
        return self


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """Let the feedback of untrained networks learn, and count presentations.

    Parameters
    ----------
    config, engine, task
        The settings, what runs the circuit, and where its trials come from.
    seed
        Of everything that is drawn.
    on_step
        Told about progress, repetition by repetition.

    Returns
    -------
    Findings
        For every layer with learned feedback ``<layer>.presentations``, the mean over repetitions, and
        ``<layer>.presentations_sd``, their standard deviation (of one repetition, not of the mean); not a number
        if one repetition never gets there. Curves: ``presentations`` with dims ``repetition`` and ``layer``.

    Raises
    ------
    CircuitError
        If no feedback learns, or the circuit's state carries over.
    """
    import xarray

    circuit = feedback_alone(engine.circuit)
    fixed, layers = replace(engine, circuit=circuit), learned_layers(circuit)
    found = []
    for number in range(config.repetitions):
        found.append(_repetition(config, fixed, task, layers, seed_of_repetition(seed, number)))
        if on_step is not None:
            on_step(number + 1, config.repetitions)
    counts = np.array(found)
    numbers = {f"{layer}.presentations": float(counts[:, i].mean()) for i, layer in enumerate(layers)}
    if config.repetitions > 1:
        numbers |= {f"{layer}.presentations_sd": float(counts[:, i].std(ddof=1)) for i, layer in enumerate(layers)}
    curves = xarray.Dataset(
        {"presentations": (("repetition", "layer"), counts)},
        {"repetition": np.arange(config.repetitions), "layer": list(layers)},
    )
    return Findings(numbers, curves)


def _repetition(config: Config, engine: BatchedEngine, task: Task, layers: tuple[str, ...], seed: int) -> np.ndarray:
    """The presentations each layer needs."""
    circuit, state = engine.circuit, start_of(engine, seed)
    steps = config.every // config.batch_size
    counts, done = np.full(len(layers), math.nan), 0
    with engine.precision():
        values = {name: engine.array(array) for name, array in state.items()}
        learned = {name: values.pop(name) for name in sorted(set(learned_names(circuit)))}
        wanted = {layer: engine.array(wanted_weights(circuit, state, layer)) for layer in layers}
        data = {name: engine.array(array) for name, array in stimuli_of(circuit, task.train, slice(None)).items()}
        keys = noise_keys(circuit, seed)
        while done < config.most and np.isnan(counts).any():
            order = random_order(seed, done, len(task.train), _CHECKS_PER_CALL * steps, config.batch_size)
            shaped = jnp.asarray(order.reshape(_CHECKS_PER_CALL, steps, config.batch_size), jnp.int32)
            learned, angles = _learn(
                circuit, engine.setting, layers, learned, values, data, shaped, keys, jnp.uint32(done), wanted
            )
            passed = np.asarray(jax.device_get(angles)) < config.degrees
            new = passed.any(axis=0) & np.isnan(counts)
            reached = done + (np.argmax(passed, axis=0) + 1) * config.every
            counts[new & (reached <= config.most)] = reached[new & (reached <= config.most)]
            done += order.size
    return counts


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _learn(
    circuit: Circuit,
    setting: Setting,
    layers: tuple[str, ...],
    learned: Any,
    values: Any,
    data: Any,
    order: Any,
    keys: Any,
    first: Any,
    wanted: Any,
) -> Any:
    """Learn from `order`, (look, step, batch); the angles in degrees at every look, (look, layer)."""
    checks, steps, batch = order.shape
    pathways = {layer: feedback_pathway(circuit, layer) for layer in layers}

    def step(learned: Any, inputs: Any) -> Any:
        number, chosen = inputs
        stimuli = {name: array[chosen] for name, array in data.items()}
        presentations = first + number * batch + jnp.arange(batch, dtype=jnp.uint32)
        outcome = present(circuit, setting, {**values, **learned}, stimuli, keys, presentations)
        return {name: array + outcome.changes[name] for name, array in learned.items()}, None

    def look(learned: Any, inputs: Any) -> Any:
        learned, _ = jax.lax.scan(step, learned, inputs)
        angles = [matrix_angle.measure(learned[f"{p.name}.w"], wanted[n]) for n, p in pathways.items() if p]
        return learned, jnp.stack(angles)

    numbers = jnp.arange(checks * steps, dtype=jnp.uint32).reshape(checks, steps)
    return jax.lax.scan(look, learned, (numbers, order))
