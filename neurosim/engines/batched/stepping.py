"""A phase in time: one compiled loop over its steps.

The order within a step is Brian2's: pathways sum their input from the state at t; state update; threshold;
spikes travel; reset; rules that act at every step. (Over 300 lines: the order of these operations is what has to be
right, so they stand in one file, in that order.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from neurosim.circuit.description import UNTIL_STEPS
from neurosim.circuit.plan import Plan
from neurosim.engines.batched.hoisting import beforehand
from neurosim.engines.batched.learning import increments
from neurosim.engines.batched.snapshot import Arrays, Snapshot, deliver, time_of
from neurosim.engines.batched.surrogate import expected_spikes, soft_spikes
from neurosim.engines.finite import NEVER
from neurosim.equations.array_code import ArrayFunction, expression_function, margin_of
from neurosim.neurons._model import NeuronModel
from neurosim.random import held_normal, held_uniform

#: Under which name the first step stands at which a variable was not finite.
BROKEN = "|broken"
#: A step long before the first: no neuron starts refractory.
LONG_AGO = -(2**30)
#: When a neuron spiked that has not, in seconds, as in Brian2.
NO_SPIKE = -1e4


@dataclass(frozen=True)
class Stretch:
    """What a loop over time needs to know.

    Attributes
    ----------
    live
        What is advanced, state variables and what resets assign; the others stay as they are. Of populations that
        spike also ``population.spikes``.
    learn
        Pathways whose rule acts at every step.
    record
        Variables to return for every step.
    sparse
        Stimuli that change in time and are mostly zero.
    watch
        Whether to note the first step at which each live variable is not finite.
    """

    plan: Plan
    live: tuple[str, ...]
    learn: tuple[str, ...]
    record: tuple[str, ...]
    steps: int
    dt: float
    trials: int
    dtype: Any
    surrogate_width: float | None = None
    surrogate_reset: bool = False
    until: tuple[str, float] | None = None
    sparse: tuple[str, ...] = ()
    watch: bool = False


def carried(stretch: Stretch, values: Mapping[str, Any]) -> Arrays:
    """The variables that change from step to step, at full shape."""
    plan, trials = stretch.plan, stretch.trials
    sizes = {population.name: population.size for population in plan.circuit.populations}
    carry: Arrays = {}
    for name in (name for name in stretch.live if not name.endswith(".spikes")):
        carry[name] = jnp.broadcast_to(values[name], (trials, sizes[name.split(".")[0]])).astype(stretch.dtype)
    for name in _watched(stretch):
        first = jnp.asarray(values.get(f"{name}{BROKEN}", NEVER), jnp.int32)
        carry[f"{name}{BROKEN}"] = jnp.broadcast_to(first, jnp.shape(carry[name]))
    for population in _spiking(stretch):
        shape = (trials, sizes[population])
        last = values.get(f"{population}.last_step", LONG_AGO)
        carry[f"{population}.last_step"] = jnp.broadcast_to(jnp.asarray(last, jnp.int32), shape)
        if plan.models[population].refractory is not None:
            ready = values.get(f"{population}.not_refractory", True)
            carry[f"{population}.not_refractory"] = jnp.broadcast_to(jnp.asarray(ready), shape)
    for pathway in stretch.learn:
        rule = plan.circuit.pathway[pathway].rule
        for variable in rule.changed:
            value = values[f"{pathway}.{variable}"]
            if variable in rule.trace_variables:
                value = jnp.broadcast_to(value, (trials, *plan.circuit.weights_shape(pathway))).astype(stretch.dtype)
            carry[f"{pathway}.{variable}"] = value
    return carry


def run_steps(
    stretch: Stretch,
    values: Mapping[str, Any],
    courses: Mapping[str, Any],
    keys: Mapping[str, Any],
    presentations: Any,
    first_step: Any,
    perturbations: Mapping[str, Any] | None = None,
    row: Any = None,
) -> tuple[Arrays, Arrays, Any]:
    """Advance by all steps of the stretch, or until it ends early.

    Parameters
    ----------
    values
        All leaves at its beginning.
    courses
        Stimuli that change in time, each with a leading axis of steps.
    keys
        Words for the streams of continuous noise, by ``population.draw``.
    presentations
        Numbers of the trials' presentations, shape (trial,).
    first_step
        The number of its first step within the presentation.
    row
        The first trial of courses that have more trials than are presented.

    Returns
    -------
    tuple
        The carried variables at its end, the recordings ``(step, trial, neuron)``, and the number of steps made.
    """
    carry = carried(stretch, values)
    fixed = {name: value for name, value in values.items() if name not in carry and name not in courses}
    moving = {*carry, *courses, "t", *(f"{population}.lastspike" for population in _spiking(stretch))}
    fixed |= beforehand(stretch, fixed, perturbations, changing=moving)

    def step(before: Arrays, inputs: tuple[Any, Arrays]) -> tuple[Arrays, Arrays]:
        number, course = inputs
        course = {name: rows(array, row, stretch.trials) for name, array in course.items()}
        after, start = _advance(stretch, {**fixed, **course, **before}, number, keys, presentations, perturbations)
        recorded = {
            name: after["spiked"][name] > 0 if name.endswith(".spikes") else _full(stretch, name, start[name])
            for name in stretch.record
        }
        return {name: after["state"][name] for name in before}, recorded

    if stretch.until is None and stretch.steps == 1:
        return (*_one_step(step, carry, courses, first_step), 1)
    if stretch.until is None:
        numbers = first_step + jnp.arange(stretch.steps, dtype=jnp.int32)
        after, recorded = jax.lax.scan(step, carry, (numbers, dict(courses)), length=stretch.steps)
        return after, recorded, stretch.steps
    after, steps = _until_settled(stretch, step, carry, {**fixed, **_first(courses)}, first_step)
    return after, {}, steps


def rows(array: Any, first: Any, trials: int) -> Any:
    """So many trials of an array from the first one on; all if that is ``None``."""
    # Within the loop, which reads one step at a time anyway: before it, all steps would be copied.
    return array if first is None else jax.lax.dynamic_slice_in_dim(array, first, trials)


def _one_step(step: Any, carry: Arrays, courses: Mapping[str, Any], number: Any) -> tuple[Arrays, Arrays]:
    """One step, rounded as in a longer loop: a loop of one is no loop to the compiler, and fused differently."""

    def keep(before: Arrays, inputs: Any) -> tuple[Arrays, Any]:
        after, recorded = step(before, inputs)
        return after, (after, recorded)

    twice = {name: jnp.concatenate([course, course]) for name, course in courses.items()}
    numbers = number + jnp.arange(2, dtype=jnp.int32)
    _, (after, recorded) = jax.lax.scan(keep, carry, (numbers, twice))
    return {name: array[0] for name, array in after.items()}, {name: array[:1] for name, array in recorded.items()}


def _until_settled(stretch: Stretch, step: Any, carry: Arrays, fixed: Arrays, first_step: Any) -> tuple[Arrays, Any]:
    """Step until a variable has fallen below its threshold everywhere, or the stretch is over."""
    variable, threshold = stretch.until or ("", 0.0)
    dt = jnp.asarray(stretch.dt, stretch.dtype)

    def moves(reached: tuple[Arrays, Any]) -> Any:
        now, done = reached
        times = {"t": time_of(first_step + done, stretch.dt), **last_spikes(stretch.plan, now, stretch.dt)}
        there = Snapshot(stretch.plan, {**fixed, **now, "dt": dt, **times})[variable]
        return (done < stretch.steps) & ((done == 0) | jnp.any(jnp.abs(there) >= threshold))

    def on(reached: tuple[Arrays, Any]) -> tuple[Arrays, Any]:
        now, done = reached
        count = jnp.minimum(UNTIL_STEPS, stretch.steps - done)
        return jax.lax.fori_loop(0, count, lambda k, s: step(s, (first_step + done + k, {}))[0], now), done + count

    return jax.lax.while_loop(moves, on, (carry, jnp.asarray(0, jnp.int32)))


def _first(courses: Mapping[str, Any]) -> Arrays:
    return {name: course[0] for name, course in courses.items()}


def _advance(
    stretch: Stretch,
    values: Arrays,
    number: Any,
    keys: Mapping[str, Any],
    presentations: Any,
    perturbations: Mapping[str, Any] | None,
) -> tuple[dict[str, Arrays], Snapshot]:
    """One time step; returns the new state with the spikes, and the snapshot at its beginning."""
    plan = stretch.plan
    dt = jnp.asarray(stretch.dt, stretch.dtype)
    values = {**values, "dt": dt, "t": time_of(number, stretch.dt)}
    values |= last_spikes(plan, values, stretch.dt)
    for population in _spiking(stretch):
        _leave_refractoriness(stretch, population, values, number, perturbations)
    start = Snapshot(plan, values, perturbations=perturbations)
    state = dict(values)
    for population, model in plan.models.items():
        mine = [name for name in model.state_variables if f"{population}.{name}" in stretch.live]
        if mine:
            function = model.functions["advance"]
            draws = _draws(stretch, population, "advance", function, keys, presentations, number)
            results = start.local(population, function, **draws)
            results = results if len(function.returns) > 1 else (results,)
            found = dict(zip(function.returns, results, strict=True))
            for name in mine:
                # An update that does not depend on the state is a bare number.
                before = values[f"{population}.{name}"]
                after = jnp.broadcast_to(found[name], jnp.shape(before)).astype(before.dtype)
                state[f"{population}.{name}"] = _moved(model, population, name, after, values)
    spiked: Arrays = {}
    moved = Snapshot(plan, state, inputs=start, perturbations=perturbations)
    for population in _spiking(stretch):
        spikes = _cross_threshold(stretch, population, moved, keys, presentations, number)
        spiked[f"{population}.spikes"] = spikes
        crossed = spikes > 0
        state[f"{population}.last_step"] = jnp.where(crossed, number, values[f"{population}.last_step"])
        ready = f"{population}.not_refractory"
        if ready in values:
            state[ready] = values[ready] & ~crossed
    state |= last_spikes(plan, state, stretch.dt)
    _travel(stretch, state, spiked)
    for population in _spiking(stretch):
        after = Snapshot(plan, state, inputs=start, perturbations=perturbations)
        state |= _reset(stretch, population, after, spiked[f"{population}.spikes"], keys, presentations, number)
    if stretch.learn:
        ended = Snapshot(plan, {**state, **spiked}, inputs=start)
        changes = [increments(ended, pathway, stretch.trials) for pathway in stretch.learn]
        state |= {name: state[name] + change for found in changes for name, change in found.items()}
    for name in _watched(stretch):
        broken = jnp.where(jnp.isfinite(state[name]), NEVER, number + 1)
        state[f"{name}{BROKEN}"] = jnp.minimum(values[f"{name}{BROKEN}"], broken)
    return {"state": state, "spiked": spiked}, start


def last_spikes(plan: Plan, values: Mapping[str, Any], dt: float) -> Arrays:
    """The time of each neuron's last spike, of populations with a refractory period; long ago if there was none."""
    found: Arrays = {}
    for population, model in plan.models.items():
        step = values.get(f"{population}.last_step")
        if step is not None and model.refractory is not None:
            with jax.enable_x64(True):
                found[f"{population}.lastspike"] = jnp.where(step <= LONG_AGO // 2, NO_SPIKE, time_of(step, dt))
    return found


def _moved(model: NeuronModel, population: str, name: str, after: Any, values: Arrays) -> Any:
    """A state variable's new value, or its old one where refractoriness clamps it.

    Most methods stop it by a factor of zero in its equation; exponential_euler, which would divide by that, relies
    on this.
    """
    ready = f"{population}.not_refractory"
    if ready not in values or "unless refractory" not in model.equation_set.by_name[name].flags:
        return after
    return jnp.where(values[ready], after, values[f"{population}.{name}"])


def _watched(stretch: Stretch) -> list[str]:
    return [name for name in stretch.live if stretch.watch and not name.endswith(".spikes")]


def _spiking(stretch: Stretch) -> list[str]:
    return [population for population in stretch.plan.models if f"{population}.spikes" in stretch.live]


def _leave_refractoriness(
    stretch: Stretch, population: str, values: Arrays, number: Any, perturbations: Mapping[str, Any] | None
) -> None:
    model = stretch.plan.models[population]
    if model.refractory is None:
        return
    if model.refractory_seconds is not None:
        period: Any = jnp.asarray(model.refractory_seconds, stretch.dtype)
    else:
        period = Snapshot(stretch.plan, values, perturbations=perturbations).local(
            population, model.functions["refractory"]
        )
    if model.refractory_is_condition:
        values[f"{population}.not_refractory"] |= ~period
    else:
        # Whole steps, with Brian2's margin for periods that are a multiple of dt but for rounding.
        steps = jnp.floor((period + 1e-3 * stretch.dt) / stretch.dt).astype(jnp.int32)
        values[f"{population}.not_refractory"] = number - values[f"{population}.last_step"] >= steps


def _cross_threshold(
    stretch: Stretch,
    population: str,
    moved: Snapshot,
    keys: Mapping[str, Any],
    presentations: Any,
    number: Any,
) -> Any:
    """Spikes as numbers, one or zero."""
    model = stretch.plan.models[population]
    function = model.functions["threshold"]
    if stretch.surrogate_width is not None:
        margin = expression_function("margin", margin_of(model.threshold or ""))
        draws = _draws(stretch, population, "threshold", margin, keys, presentations, number)
        difference = moved.local(population, margin, **draws)
        spikes = expected_spikes(difference) if draws else soft_spikes(difference, stretch.surrogate_width)
    else:
        draws = _draws(stretch, population, "threshold", function, keys, presentations, number)
        spikes = jnp.asarray(moved.local(population, function, **draws)).astype(stretch.dtype)
    spikes = jnp.broadcast_to(spikes, (stretch.trials, stretch.plan.circuit.population[population].size))
    if model.refractory is None:
        return spikes
    return jnp.where(moved[f"{population}.not_refractory"], spikes, jnp.zeros_like(spikes))


def _reset(
    stretch: Stretch,
    population: str,
    after: Snapshot,
    spikes: Any,
    keys: Mapping[str, Any],
    presentations: Any,
    number: Any,
) -> Arrays:
    """The variables that a population's reset assigns."""
    function = stretch.plan.models[population].functions.get("reset")
    if function is None:
        return {}
    draws = _draws(stretch, population, "reset", function, keys, presentations, number)
    soft = stretch.surrogate_width is not None
    results = after.local(population, function, spikes=True if soft else spikes > 0, **draws)
    results = results if len(function.returns) > 1 else (results,)
    found = {f"{population}.{name}": value for name, value in zip(function.returns, results, strict=True)}
    if soft:
        # A sum weighted by the spike lets its derivative through, where a choice would not.
        cut = set() if stretch.surrogate_reset else _assigned(stretch, population)
        weight = {name: jax.lax.stop_gradient(spikes) if name in cut else spikes for name in found}
        found = {name: after[name] + weight[name] * (value - after[name]) for name, value in found.items()}
    return found


def _assigned(stretch: Stretch, population: str) -> set[str]:
    """The variables whose reset forgets their value before."""
    statements = stretch.plan.models[population].reset_statements
    return {f"{population}.{statement.target}" for statement in statements if statement.operator == "="}


def _travel(stretch: Stretch, state: Arrays, spiked: Arrays) -> None:
    """Spikes increment the state variables of their targets, unless those are clamped by refractoriness."""
    circuit = stretch.plan.circuit
    for pathway in circuit.pathways:
        if not pathway.at_spikes or pathway.target not in stretch.live:
            continue
        arriving = deliver(circuit, pathway.name, state, spiked[pathway.source])
        equation = stretch.plan.models[pathway.post].equation_set.by_name[pathway.target.split(".")[1]]
        ready = f"{pathway.post}.not_refractory"
        if "unless refractory" in equation.flags and ready in state:
            arriving = jnp.where(state[ready], arriving, jnp.zeros_like(arriving))
        state[pathway.target] = state[pathway.target] + arriving


def _draws(
    stretch: Stretch,
    population: str,
    purpose: str,
    function: ArrayFunction,
    keys: Mapping[str, Any],
    presentations: Any,
    number: Any,
) -> Arrays:
    size = stretch.plan.circuit.population[population].size
    return {
        name: (held_normal if law == "normal" else held_uniform)(
            keys[f"{population}.{purpose}.{name}"], presentations, size, step=number
        ).astype(stretch.dtype)
        for name, law in function.draws
    }


def _full(stretch: Stretch, name: str, value: Any) -> Any:
    """A recorded variable at shape (trial, neuron)."""
    population = stretch.plan.circuit.population.get(name.split(".")[0])
    size = population.size if population is not None and "." in name else 1
    full = jnp.broadcast_to(value, (stretch.trials, size))
    # Numbers that no array is part of may be whole.
    return full.astype(stretch.dtype) if jnp.issubdtype(full.dtype, jnp.number) else full
