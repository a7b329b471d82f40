"""The compiled programs of the batched engine: one batch, and training by many."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp

from neurosim.circuit.batch_schedule import cycle, needed_phases
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase
from neurosim.circuit.moments import waiting
from neurosim.engines.batched import optimiser_updates as optimisation
from neurosim.engines.batched.batch import Arrays, Batch, Outcome, Request, pytree
from neurosim.engines.batched.host.program import program
from neurosim.engines.batched.own_networks import each_by_itself
from neurosim.engines.batched.presentation import Run, present
from neurosim.engines.batched.update_noise import update_noise
from neurosim.engines.bounds import all_within_bounds
from neurosim.engines.noise import draw_pairs, drawn_shapes, named_noise
from neurosim.engines.optimiser import Optimiser
from neurosim.engines.slots import neuron_variables


@program()
def run_batch(batch: Batch, *, request: Request) -> Outcome:
    """One batch; see `BatchedEngine.run`."""
    one = functools.partial(one_batch, request)
    return each_by_itself(request, batch, one) if request.own_weights else one(batch)


def one_batch(request: Request, batch: Batch, run: Run | None = None) -> Outcome:
    """One batch that shares its weights; `run` as for `present`."""
    outcome, after = _presented(request, batch, run)
    if request.unfinished:
        after = {}
    changes = {name: change + after.get(name, 0.0) for name, change in outcome.changes.items()}
    late = () if request.unfinished else {p.name for p in waiting(request.circuit, request.run, request.learn)}
    exact = {n: a for n, a in outcome.stepped.items() if n not in after and n.rpartition(".")[0] not in late}
    final = outcome.final if request.circuit.carry else {}
    return replace(outcome, changes=changes, final=final, stepped=exact if request.own_weights else {}, steps={})


def _presented(request: Request, batch: Batch, run: Run | None = None) -> tuple[Outcome, Arrays]:
    """The results of a presentation with the noise of its update, and the noise that stays on the weights."""
    number = batch.presentations[:1] // batch.trials
    learn = request.learn if isinstance(request.learn, frozenset) else frozenset()
    noise = update_noise(request.circuit, learn, batch.keys, number, batch.values, request.setting.dtype)
    given = replace(batch, values={**batch.values, **noise.read}, left=noise.before)
    return present(request, given, run), noise.after


@pytree
@dataclass(frozen=True)
class Learning:
    """The arrays that training changes.

    Attributes
    ----------
    weights
        The synaptic variables that learn.
    memory
        What the optimiser remembers of them.
    moving
        What carries over from batch to batch, of each trial.
    """

    weights: Arrays
    memory: Arrays
    moving: Arrays = field(default_factory=dict)


@pytree
@dataclass(frozen=True)
class Data:
    """The arrays that training reads.

    Attributes
    ----------
    values
        What of the state stays as it is.
    stimuli
        All trials, ``population.variable -> (trial, n)``.
    courses
        The same of what changes in time, ``(trial, step, n)``.
    order
        Which trials each step presents, shape (step, batch).
    keys
        Of `noise_keys`.
    first
        Running number of the first presentation.
    """

    values: Arrays
    stimuli: Arrays
    courses: Arrays
    order: Any
    keys: Mapping[str, Any]
    first: Any


@pytree
@dataclass(frozen=True)
class Trained:
    """Results of training.

    Attributes
    ----------
    learning
        What was learned.
    ends
        ``phase -> variable -> (presentation, neuron)``.
    broken
        Which variables were not finite in which steps.
    """

    learning: Learning
    ends: dict[str, Arrays]
    broken: Arrays


#: Draws of phases: phase -> itself, and the shapes of one trial's variables.
Drawing = Mapping[str, tuple[Phase, Mapping[str, tuple[int, ...]]]]


@program(donated=(0,))
def train_batches(learned: Learning, moving: Arrays, data: Data, *, request: Request, optimiser: Optimiser) -> Trained:
    """Many batches; see `BatchedEngine.train`. The memory of what is learned is reused."""
    steps, batch = data.order.shape
    drawing = _drawn_in_every_batch(request.circuit)
    step = functools.partial(_step, request, optimiser, data, drawing)

    def block(carry: Learning, inputs: Any) -> Any:
        # Noise is drawn for many steps at once: in one go for each step it would cost as much as the network itself.
        numbers, chosen = inputs
        presentations = (data.first + numbers[:, None] * batch + jnp.arange(batch, dtype=jnp.uint32)).ravel()
        pairs = {name: draw_pairs(shapes, phase, data.keys, presentations) for name, (phase, shapes) in drawing.items()}
        rows = jax.tree.map(lambda array: array.reshape(len(numbers), batch, -1), pairs)
        return jax.lax.scan(step, carry, (numbers, chosen, rows))

    numbers_a_step = batch * sum(math.prod(shape) for _, shapes in drawing.values() for shape in shapes.values())
    length = _block_length(steps, numbers_a_step)
    numbers = jnp.arange(steps, dtype=jnp.uint32)
    blocks = (numbers.reshape(-1, length), data.order.reshape(-1, length, batch))
    learning, (ends, broken) = jax.lax.scan(block, replace(learned, moving=moving), blocks)
    # (block, step, batch, neuron) -> (presentation, neuron)
    flat = {p: {n: a.reshape(-1, a.shape[-1]) for n, a in values.items()} for p, values in ends.items()}
    return Trained(learning, flat, {name: steps.reshape(-1) for name, steps in broken.items()})


def _drawn_in_every_batch(circuit: Circuit) -> Drawing:
    """The phases with noise that every batch needs. What only some batches need is drawn in those."""
    always = set[str].intersection(*(set(needed_phases(circuit, acting)) for acting in cycle(circuit)))
    return {
        phase.name: (phase, shapes)
        for phase in circuit.phases
        if phase.name in always and (shapes := drawn_shapes(circuit, phase))
    }


def _step(
    request: Request, optimiser: Optimiser, data: Data, drawing: Drawing, carry: Learning, inputs: Any
) -> tuple[Learning, Any]:
    """Learn from one batch with the rules that act in it."""
    circuit, patterns = request.circuit, cycle(request.circuit)
    distinct = tuple(dict.fromkeys(patterns))
    branches = [
        functools.partial(
            _learn,
            replace(request, learn=acting, phases=tuple(needed_phases(circuit, acting)), watch="ends"),
            optimiser,
            data,
            drawing,
        )
        for acting in distinct
    ]
    if len(distinct) == 1:
        return branches[0](carry, inputs)
    chosen = jnp.asarray([distinct.index(acting) for acting in patterns])
    number = data.first // data.order.shape[1] + inputs[0]
    return jax.lax.switch(chosen[number % len(patterns)], branches, carry, inputs)


def _learn(
    request: Request, optimiser: Optimiser, data: Data, drawing: Drawing, carry: Learning, inputs: Any
) -> tuple[Learning, Any]:
    """Present one batch and step the weights; also what is reported, and which variables were not finite."""
    number, chosen, pairs = inputs
    circuit, setting, (trials,) = request.circuit, request.setting, chosen.shape
    batch = Batch(
        values={**data.values, **carry.weights, **carry.moving},
        stimuli={name: array[chosen] for name, array in data.stimuli.items()},
        # Only these trials are turned, so that steps come first.
        courses={name: array[chosen].swapaxes(0, 1) for name, array in data.courses.items()},
        keys=data.keys,
        presentations=data.first + number * trials + jnp.arange(trials, dtype=jnp.uint32),
        noise={name: named_noise(drawing[name][1], drawn, setting.dtype) for name, drawn in pairs.items()},
    )
    outcome, after = _presented(request, batch)
    changes, memory = optimisation.steps(circuit, optimiser, outcome.changes, batch.values, carry.memory)
    weights = dict(carry.weights)
    for name, change in changes.items():
        weights[name] = weights[name] + change + after.get(name, 0.0)
    weights = all_within_bounds(jnp, circuit, batch.values, weights, changes)
    # Which pathways learn says which variables are advanced; they differ between batches.
    watched = () if setting.steady else neuron_variables(circuit)
    broken = {name: jnp.asarray(outcome.broken.get(name, False)) for name in watched}
    moving = {name: outcome.final[name] for name in carry.moving}
    return Learning(weights, {**carry.memory, **memory}, moving), (_all_ends(circuit, outcome), broken)


def _all_ends(circuit: Circuit, outcome: Outcome) -> dict[str, Any]:
    """Reported variables of every phase; NaN where a phase was left out because nothing learns in it."""
    ends = outcome.ends
    missing = {name: jnp.full_like(array, jnp.nan) for name, array in ends[circuit.phases[0].name].items()}
    return {phase.name: ends.get(phase.name, missing) for phase in circuit.phases}


def _block_length(steps: int, numbers_a_step: int) -> int:
    """For how many steps noise is drawn at once: a divisor of all of them that needs no more than 32 MB."""
    most = max(1, (1 << 23) // max(1, numbers_a_step))
    return max(length for length in range(1, min(steps, most) + 1) if steps % length == 0)
