"""The probe `cost` at work; apart from its settings, which are checked where nothing is compiled."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.engines.batched.differentiable import Differentiable, GivenArrays, compiled
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.state import learned_names
from neurosim.engines.stimuli import stimuli_of
from neurosim.gradients.feedback import feedback_pathway, wanted_weights
from neurosim.metrics import matrix_angle
from neurosim.probes._findings import Findings, OnStep
from neurosim.probes._learning import feedback_alone, learned_layers, random_order, seed_of_repetition, start_of
from neurosim.tasks._task import Task

if TYPE_CHECKING:
    from neurosim.probes.cost import Config

# Looks in one compiled call.
_CHECKS_PER_CALL = 25


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """See `neurosim.probes.cost.measure`."""
    import xarray

    circuit = feedback_alone(engine.circuit)
    fixed, layers = replace(engine, circuit=circuit), learned_layers(circuit)
    repetitions = []
    for number in range(config.repetitions):
        repetitions.append(_repetition(config, fixed, task, layers, seed_of_repetition(seed, number)))
        if on_step is not None:
            on_step(number + 1, config.repetitions)
    counts = np.array(repetitions)
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
    through = Differentiable(circuit, engine.setting, learn=True)
    with engine.precision():
        stimuli = stimuli_of(circuit, task.train, slice(None), dt=engine.setting.dt)
        data = through.given(state, stimuli, seed=seed)
        learned, data = data.without(sorted(set(learned_names(circuit))))
        wanted = {layer: engine.array(wanted_weights(circuit, state, layer)) for layer in layers}
        while done < config.most and np.isnan(counts).any():
            order = random_order(seed, done, len(task.train), _CHECKS_PER_CALL * steps, config.batch_size)
            shaped = jnp.asarray(order.reshape(_CHECKS_PER_CALL, steps, config.batch_size), jnp.int32)
            learned, angles = _learn(learned, data, shaped, jnp.uint32(done), wanted, through=through, layers=layers)
            passed = np.asarray(jax.device_get(angles)) < config.degrees
            new = passed.any(axis=0) & np.isnan(counts)
            reached = done + (np.argmax(passed, axis=0) + 1) * config.every
            counts[new & (reached <= config.most)] = reached[new & (reached <= config.most)]
            done += order.size
    return counts


@compiled
def _learn(
    learned: Any,
    data: GivenArrays,
    order: Any,
    first: Any,
    wanted: Any,
    *,
    through: Differentiable,
    layers: tuple[str, ...],
) -> Any:
    """Learn from `order`, (look, step, batch); the angles in degrees at every look, (look, layer)."""
    checks, steps, batch = order.shape
    pathways = {layer: feedback_pathway(through.circuit, layer) for layer in layers}

    def step(learned: Any, inputs: Any) -> Any:
        number, chosen = inputs
        given = replace(data, stimuli={name: array[chosen] for name, array in data.stimuli.items()})
        presentations = first + number * batch + jnp.arange(batch, dtype=jnp.uint32)
        outcome = through.present(given, values=learned, presentations=presentations)
        return {name: array + outcome.changes[name] for name, array in learned.items()}, None

    def look(learned: Any, inputs: Any) -> Any:
        learned, _ = jax.lax.scan(step, learned, inputs)
        angles = [matrix_angle.measure(learned[f"{p.name}.w"], wanted[n]) for n, p in pathways.items() if p]
        return learned, jnp.stack(angles)

    numbers = jnp.arange(checks * steps, dtype=jnp.uint32).reshape(checks, steps)
    return jax.lax.scan(look, learned, (numbers, order))
