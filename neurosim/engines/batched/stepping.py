"""A phase in time: one compiled loop over its steps.

The order within a step is Brian2's: pathways sum their input from the state at t; state update; threshold;
spikes travel; reset; rules that act at every step. `_advance` is that order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from neurosim.circuit.description import UNTIL_STEPS
from neurosim.circuit.moments import INTEGRAL, STEP
from neurosim.engines.batched.conditions import updates
from neurosim.engines.batched.hoisting import keeps_synapses, prepare
from neurosim.engines.batched.learning import increments
from neurosim.engines.batched.probes import NO_PROBES, Probes, sent
from neurosim.engines.batched.sampling import at_every_step, empty, split_off, written
from neurosim.engines.batched.snapshot import Arrays, Snapshot, time_of
from neurosim.engines.batched.spiking import (
    cross_threshold,
    draws_of,
    last_spikes,
    leave_refractoriness,
    reset,
    unless_clamped,
)
from neurosim.engines.batched.stretch import Fixed, Stretch
from neurosim.engines.batched.travel import move_synapses, travel
from neurosim.engines.bounds import all_within_bounds
from neurosim.engines.finite import NEVER
from neurosim.engines.slots import Slot, last_step, slots

#: Name of the first step at which a variable was not finite.
BROKEN = "|broken"
#: Name of the sum of a variable's increments.
SUM = "|sum"


#: Makes a step from the changing variables, the step's number, and what courses and probes are then; gives the new
#: variables and what is recorded.
Step = Callable[[Arrays, tuple[Any, Arrays, Probes]], tuple[Arrays, Arrays]]


def carried(stretch: Stretch, values: Mapping[str, Any]) -> Arrays:
    """The variables that change from step to step, at full shape."""
    carry = {slot.name: _full_slot(stretch, slot, values) for slot in stepped_slots(stretch)}
    for name in stretch.watched:
        first = jnp.asarray(values.get(f"{name}{BROKEN}", NEVER), jnp.int32)
        carry[f"{name}{BROKEN}"] = jnp.broadcast_to(first, jnp.shape(carry[name]))
    circuit = stretch.plan.circuit
    for pathway, variable in _summed(stretch):
        shape = circuit.variable_shape(pathway, variable)
        carry[f"{pathway}.{variable}{SUM}"] = jnp.zeros(shape, stretch.dtype)
    return carry


def _summed(stretch: Stretch) -> list[tuple[str, str]]:
    """The variables of pathways whose increments at each step add up."""
    pathways = stretch.plan.circuit.pathway
    each = {name: pathways[name].synapse.at(INTEGRAL) for name in stretch.integrated}
    return [(name, v) for name, rule in each.items() if rule is not None for v in rule.changed if v in rule.learned]


def split_sums(after: Mapping[str, Any]) -> tuple[Arrays, Arrays]:
    """What steps leave behind: without the sums of increments, and these alone, by the variable's name."""
    left = {name: array for name, array in after.items() if not name.endswith(SUM)}
    return left, {name.removesuffix(SUM): array for name, array in after.items() if name.endswith(SUM)}


def stepped_slots(stretch: Stretch) -> tuple[Slot, ...]:
    """The slots that the steps of a stretch change."""
    owners = {
        "refractory": {*stretch.spiking},
        "trace": {*stretch.learn, *stretch.integrated, *stretch.synapses},
        "flight": {*stretch.synapses},
        "synapse": stretch.changing,
    }
    return tuple(
        slot
        for slot in slots(stretch.plan.circuit, stretch.dt).values()
        if slot.name in stretch.live or slot.owner in owners.get(slot.kind, ())
    )


def _full_slot(stretch: Stretch, slot: Slot, values: Mapping[str, Any]) -> Any:
    value = values[slot.name] if slot.start is None else values.get(slot.name, slot.start)
    if not slot.per_trial:
        return value
    return jnp.broadcast_to(value, (stretch.trials, *slot.shape)).astype(slot.dtype or stretch.dtype)


def run_steps(
    stretch: Stretch,
    start: Fixed,
    courses: Mapping[str, Any],
    first_step: Any,
    *,
    row: Any = None,
    probes: Probes = NO_PROBES,
) -> tuple[Arrays, Arrays, Any]:
    """Advance by all steps of the stretch, or until it ends early.

    Parameters
    ----------
    start
        What is there at its beginning, with all leaves among the values.
    courses
        Stimuli that change in time, ``(step, trial, n)``.
    first_step
        The number of its first step within the presentation.
    row
        The first trial of courses that have more trials than are presented.
    probes
        Of its steps.

    Returns
    -------
    tuple
        The carried variables at its end, the recordings ``(sample, trial, place)``, and the number of steps made.
    """
    carry = carried(stretch, start.values)
    still = {name: value for name, value in start.values.items() if name not in carry and name not in courses}
    moving = {*carry, *courses, "t", *(f"{population}.lastspike" for population in stretch.spiking)}
    moving |= probes.moves(stretch.plan.circuit)
    fixed = prepare(stretch, replace(start, values=still, probes=probes), changing=moving)
    ready = {name: value for name, value in fixed.values.items() if name not in moving}
    ready |= {"dt": jnp.asarray(stretch.dt, stretch.dtype)}
    fixed = replace(fixed, updates=updates(stretch.plan, stretch.spiking, fixed.snapshot(stretch.plan, ready)))

    def step(before: Arrays, inputs: tuple[Any, Arrays, Probes]) -> tuple[Arrays, Arrays]:
        number, course, probe = inputs
        course = {name: moment_of(stretch, name, array, row) for name, array in course.items()}
        now = {name: before[name] for name in carry}
        values = {**fixed.values, **course, **now}
        values |= probe.leaves_moved(stretch.plan.nodes, values)
        after, spiked, begun = _advance(stretch, fixed.at(probe), values, number)
        kept = written(stretch, before, begun, number, first_step)
        recorded = at_every_step(stretch, begun, spiked) | sent(stretch, probe, begun, spiked)
        return {name: after[name] for name in carry} | kept, recorded

    if stretch.differentiated and keeps_synapses(stretch):
        # Computed once more on the way back: what each synapse does in each step is too much to keep.
        step = jax.checkpoint(step, prevent_cse=False)
    if stretch.until is None:
        begun = carry | empty(stretch)
        if stretch.steps == 1:
            after, recorded = _one_step(step, begun, (courses, probes), first_step)
        else:
            numbers = first_step + jnp.arange(stretch.steps, dtype=jnp.int32)
            after, recorded = jax.lax.scan(step, begun, (numbers, dict(courses), probes), length=stretch.steps)
        after, kept = split_off(after)
        return after, recorded | kept, stretch.steps
    first = {name: moment_of(stretch, name, course[0], None) for name, course in courses.items()}
    known = replace(fixed, values={**fixed.values, **first})
    after, steps = _until_settled(stretch, step, carry, known, first_step)
    return after, {}, steps


def rows(array: Any, first: Any, trials: int) -> Any:
    """So many trials of an array from the first one on; all if that is ``None``."""
    # Within the loop, which reads one step at a time anyway: before it, all steps would be copied.
    return array if first is None else jax.lax.dynamic_slice_in_dim(array, first, trials)


def moment_of(stretch: Stretch, name: str, array: Any, row: Any) -> Any:
    """The values of a course in one step, for the trials presented; events become a truth value for each neuron."""
    values = rows(array, row, stretch.trials)
    if not jnp.issubdtype(values.dtype, jnp.integer):
        return values
    size = stretch.plan.circuit.population[name.split(".")[0]].size
    trials = values.shape[0]
    return jnp.zeros((trials, size), bool).at[jnp.arange(trials)[:, None], values].set(True, mode="drop")


def _one_step(
    step: Step, carry: Arrays, moving: tuple[Mapping[str, Any], Probes], number: Any
) -> tuple[Arrays, Arrays]:
    """One step, rounded as in a longer loop: a loop of one is no loop to the compiler, and fused differently."""

    def keep(before: Arrays, inputs: Any) -> tuple[Arrays, Any]:
        after, recorded = step(before, inputs)
        return after, (after, recorded)

    courses, probes = jax.tree.map(lambda course: jnp.concatenate([course, course]), (dict(moving[0]), moving[1]))
    numbers = number + jnp.arange(2, dtype=jnp.int32)
    _, (after, recorded) = jax.lax.scan(keep, carry, (numbers, courses, probes))
    return {name: array[0] for name, array in after.items()}, {name: array[:1] for name, array in recorded.items()}


def _until_settled(stretch: Stretch, step: Step, carry: Arrays, fixed: Fixed, first_step: Any) -> tuple[Arrays, Any]:
    """Step until a variable has fallen below its threshold everywhere, or the stretch is over."""
    variable, threshold = stretch.until or ("", 0.0)
    dt = jnp.asarray(stretch.dt, stretch.dtype)

    def moves(reached: tuple[Arrays, Any]) -> Any:
        now, done = reached
        times = {"t": time_of(first_step + done, stretch.dt), **last_spikes(stretch.plan, now, stretch.dt)}
        values = {**fixed.values, **now, "dt": dt, **times}
        there = Snapshot(stretch.plan, values, weights=fixed.weights, prepared=fixed.prepared)[variable]
        return (done < stretch.steps) & ((done == 0) | jnp.any(jnp.abs(there) >= threshold))

    def on(reached: tuple[Arrays, Any]) -> tuple[Arrays, Any]:
        now, done = reached
        count = jnp.minimum(UNTIL_STEPS, stretch.steps - done)

        def once(number: Any, state: Arrays) -> Arrays:
            return step(state, (first_step + done + number, {}, NO_PROBES))[0]

        return jax.lax.fori_loop(0, count, once, now), done + count

    return jax.lax.while_loop(moves, on, (carry, jnp.asarray(0, jnp.int32)))


def _advance(stretch: Stretch, fixed: Fixed, values: Arrays, number: Any) -> tuple[Arrays, Arrays, Snapshot]:
    """One time step; returns the new state, the spikes, and the snapshot at its beginning."""
    plan = stretch.plan
    values = {**values, "dt": jnp.asarray(stretch.dt, stretch.dtype), "t": time_of(number, stretch.dt)}
    values |= last_spikes(plan, values, stretch.dt)
    for population in stretch.spiking:
        leave_refractoriness(stretch, fixed, population, values, number)
    start = fixed.snapshot(plan, values)
    state = dict(values)
    for population in plan.models:
        state |= _update(stretch, fixed, population, start, number)
    state |= move_synapses(stretch, start)
    state |= _integrated(stretch, start, state)
    spiked: Arrays = {}
    moved = fixed.snapshot(plan, state, inputs=start)
    for population in stretch.spiking:
        spikes = cross_threshold(stretch, fixed, population, moved, number)
        spiked[f"{population}.spikes"] = spikes
        crossed = spikes > 0
        last = last_step(population)
        state[last] = jnp.where(crossed, number, values[last])
        ready = f"{population}.not_refractory"
        if ready in values:
            state[ready] = values[ready] & ~crossed
    state |= last_spikes(plan, state, stretch.dt)
    travel(stretch, fixed, state, spiked, start)
    for population in stretch.spiking:
        after = fixed.snapshot(plan, state, inputs=start)
        state |= reset(stretch, fixed, population, after, spiked[f"{population}.spikes"], number)
    if stretch.learn:
        ended = Snapshot(plan, {**state, **spiked}, weights=fixed.weights, inputs=start)
        changes = [increments(ended, pathway, stretch.trials, STEP) for pathway in stretch.learn]
        changed = {name: state[name] + change for added in changes for name, change in added.items()}
        state = all_within_bounds(jnp, plan.circuit, state, {**state, **changed}, changed)
    for name in stretch.watched:
        broken = jnp.where(jnp.isfinite(state[name]), NEVER, number + 1)
        state[f"{name}{BROKEN}"] = jnp.minimum(values[f"{name}{BROKEN}"], broken)
    return state, spiked, start


def _integrated(stretch: Stretch, start: Snapshot, state: Arrays) -> Arrays:
    """Traces and sums with the increments of this instant added."""
    added: Arrays = {}
    for pathway in stretch.integrated:
        for name, change in increments(start, pathway, stretch.trials, INTEGRAL).items():
            kept = name if f"{name}{SUM}" not in state else f"{name}{SUM}"
            added[kept] = state[kept] + change
    return added


def _update(stretch: Stretch, fixed: Fixed, population: str, start: Snapshot, number: Any) -> Arrays:
    """The state variables of a population, one step on."""
    model, values = stretch.plan.models[population], start.values
    mine = [name for name in model.state_variables if f"{population}.{name}" in stretch.live]
    if not mine:
        return {}
    function = model.functions["advance"]
    draws = draws_of(stretch, fixed, population, "advance", function, number)
    if population in fixed.updates:
        clamped = frozenset(n for n in mine if "unless refractory" in model.equation_set.by_name[n].flags)
        stepped = fixed.updates[population].of(population, start, draws, clamped=clamped)
    else:
        results = start.local(population, function, **draws)
        results = results if len(function.returns) > 1 else (results,)
        stepped = dict(zip(function.returns, results, strict=True))
    updated: Arrays = {}
    for name in mine:
        # An update that does not depend on the state is a bare number.
        before = values[f"{population}.{name}"]
        after = jnp.broadcast_to(stepped[name], jnp.shape(before)).astype(before.dtype)
        updated[f"{population}.{name}"] = unless_clamped(model, population, name, after, values)
    return updated
