"""What the batched engine compiles: one batch, and training by many."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp

from neurosim.circuit.batch_schedule import cycle, needed_phases
from neurosim.circuit.description import Circuit
from neurosim.engines.batched import optimiser_updates as optimisation
from neurosim.engines.batched.host.program import program
from neurosim.engines.batched.presentation import Outcome, Watch, present, update_noise
from neurosim.engines.noise import draw_pairs, drawn_shapes, named_noise
from neurosim.engines.optimiser import Optimiser
from neurosim.engines.setting import Setting
from neurosim.engines.state import neuron_variables


@program(static=(0, 1, 2, 3, 4, 5, 6, 7))
def run_batch(
    circuit: Circuit,
    setting: Setting,
    report: tuple[str, ...],
    record: tuple[str, ...],
    learn: frozenset[str],
    phases: tuple[str, ...] | None,
    watch: Watch,
    sparse: tuple[str, ...],
    values: Any,
    stimuli: Any,
    keys: Any,
    presentations: Any,
    noise: Any,
    begin: Any,
    clamps: Any,
    row: Any,
) -> Any:
    """One batch; see `BatchedEngine.run`.

    `watch` is that of `present`, `sparse` names the stimuli that change in time and are mostly zero, `begin` is the
    number of its first step, `clamps` what is known of refractoriness there, and `row`, if not ``None``, the first
    trial of courses whose other trials are not in the batch.
    """
    trials = jnp.shape(presentations)[0]
    drawn, left = update_noise(circuit, learn, keys, presentations[:1] // trials, values, setting.dtype)
    outcome: Outcome = present(
        circuit,
        setting,
        {**values, **drawn, **clamps},
        stimuli,
        keys,
        presentations,
        noise=noise,
        report=report,
        record=record,
        learn=learn,
        phases=phases,
        begin=begin,
        sparse=sparse,
        row=row,
        watch=watch,
    )
    final = outcome.final if circuit.carry else {}
    changes = {name: change + left.get(name, 0.0) for name, change in outcome.changes.items()}
    clamps = outcome.clamps if circuit.carry else {}
    return changes, final, outcome.ends, outcome.recordings, clamps, outcome.broken


@program(static=(0, 1, 2, 3), donated=(4,))
def train_batches(
    circuit: Circuit,
    setting: Setting,
    report: tuple[str, ...],
    optimiser: Optimiser,
    learned: Any,
    moving: Any,
    values: Any,
    data: Any,
    order: Any,
    keys: Any,
    first: Any,
) -> Any:
    """Many batches; see `BatchedEngine.train`."""
    steps, batch = order.shape
    patterns = cycle(circuit)
    distinct = tuple(dict.fromkeys(patterns))
    # What only some batches need is drawn in those.
    always = set[str].intersection(*(set(needed_phases(circuit, acting)) for acting in distinct))
    drawing = {
        phase.name: (phase, shapes)
        for phase in circuit.phases
        if phase.name in always and (shapes := drawn_shapes(circuit, phase))
    }

    watched = () if setting.steady else neuron_variables(circuit)

    def learn(acting: frozenset[str], carry: Any, inputs: Any) -> Any:
        (learned, moving), (number, chosen, pairs) = carry, inputs
        stimuli = {name: array[chosen] for name, array in data.items()}
        presentations = first + number * batch + jnp.arange(batch, dtype=jnp.uint32)
        noise = {name: named_noise(drawing[name][1], drawn, setting.dtype) for name, drawn in pairs.items()}
        before = {**values, **learned, **moving}
        drawn, left = update_noise(circuit, acting, keys, presentations[:1] // batch, before, setting.dtype)
        outcome = present(
            circuit,
            setting,
            {**before, **drawn},
            stimuli,
            keys,
            presentations,
            noise=noise,
            report=report,
            learn=acting,
            phases=needed_phases(circuit, acting),
            watch="ends",
        )
        memory = {name: array for name, array in learned.items() if name.startswith(optimisation.PREFIX)}
        changes, memory = optimisation.steps(circuit, optimiser, outcome.changes, before, memory)
        for name, change in changes.items():
            learned = learned | {name: learned[name] + change + left.get(name, 0.0)}
        ends = _all_ends(circuit, outcome)
        # Which pathways learn says which variables are advanced; they differ between batches.
        broken = {name: jnp.asarray(outcome.broken.get(name, False)) for name in watched}
        return ({**learned, **memory}, {name: outcome.final[name] for name in moving}), (ends, broken)

    def step(carry: Any, inputs: Any) -> Any:
        if len(distinct) == 1:
            return learn(distinct[0], carry, inputs)
        branches = [functools.partial(learn, acting) for acting in distinct]
        chosen = jnp.asarray([distinct.index(acting) for acting in patterns])
        return jax.lax.switch(chosen[(first // batch + inputs[0]) % len(patterns)], branches, carry, inputs)

    def block(carry: Any, inputs: Any) -> Any:
        # Noise is drawn for many steps at once: in one go for each step it would cost as much as the network itself.
        numbers, chosen = inputs
        presentations = (first + numbers[:, None] * batch + jnp.arange(batch, dtype=jnp.uint32)).ravel()
        pairs = {name: draw_pairs(shapes, phase, keys, presentations) for name, (phase, shapes) in drawing.items()}
        rows = jax.tree.map(lambda array: array.reshape(len(numbers), batch, -1), pairs)
        return jax.lax.scan(step, carry, (numbers, chosen, rows))

    numbers_a_step = batch * sum(math.prod(shape) for _, shapes in drawing.values() for shape in shapes.values())
    length = _block_length(steps, numbers_a_step)
    numbers = jnp.arange(steps, dtype=jnp.uint32)
    blocks = (numbers.reshape(-1, length), order.reshape(-1, length, batch))
    (learned, moving), (ends, broken) = jax.lax.scan(block, (learned, moving), blocks)
    # (block, step, batch, neuron) -> (presentation, neuron)
    flat = {p: {n: a.reshape(-1, a.shape[-1]) for n, a in found.items()} for p, found in ends.items()}
    return learned, moving, flat, {name: steps.reshape(-1) for name, steps in broken.items()}


def _all_ends(circuit: Circuit, outcome: Outcome) -> dict[str, Any]:
    """What is reported of every phase; not a number where a phase was left out because nothing learns in it."""
    ends = outcome.ends
    missing = {name: jnp.full_like(array, jnp.nan) for name, array in ends[circuit.phases[0].name].items()}
    return {phase.name: ends.get(phase.name, missing) for phase in circuit.phases}


def _block_length(steps: int, numbers_a_step: int) -> int:
    """For how many steps noise is drawn at once: a divisor of all of them that needs no more than 32 MB."""
    most = max(1, (1 << 23) // max(1, numbers_a_step))
    return max(length for length in range(1, min(steps, most) + 1) if steps % length == 0)
