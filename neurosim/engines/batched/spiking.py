"""Spikes within a step: refractoriness, threshold, travel, reset. `stepping` has their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from neurosim.circuit.plan import Plan
from neurosim.engines.batched.snapshot import Arrays, Snapshot, time_of
from neurosim.engines.batched.stretch import Fixed, Stretch
from neurosim.engines.batched.surrogate import expected_spikes, soft_spikes, told_spikes
from neurosim.engines.slots import LONG_AGO, last_step
from neurosim.equations.array_code import ArrayFunction, expression_function, margin_of
from neurosim.neurons._model import NeuronModel
from neurosim.random import held_normal, held_uniform

#: When a neuron spiked that has not, in seconds, as in Brian2.
NO_SPIKE = -1e4


def last_spikes(plan: Plan, values: Mapping[str, Any], dt: float) -> Arrays:
    """The time of each neuron's last spike, of populations with a refractory period; long ago if there was none."""
    times: Arrays = {}
    for population, model in plan.models.items():
        step = values.get(last_step(population))
        if step is not None and model.refractory is not None:
            with jax.enable_x64(True):
                times[f"{population}.lastspike"] = jnp.where(step <= LONG_AGO // 2, NO_SPIKE, time_of(step, dt))
    return times


def unless_clamped(model: NeuronModel, population: str, name: str, after: Any, values: Arrays) -> Any:
    """A state variable's new value, or its old one where refractoriness clamps it.

    Most methods stop it by a factor of zero in its equation; exponential_euler, which would divide by that, relies
    on this.
    """
    ready = f"{population}.not_refractory"
    if ready not in values or "unless refractory" not in model.equation_set.by_name[name].flags:
        return after
    return jnp.where(values[ready], after, values[f"{population}.{name}"])


def leave_refractoriness(stretch: Stretch, fixed: Fixed, population: str, values: Arrays, number: Any) -> None:
    """Update in `values` which neurons are past their refractory period."""
    model = stretch.plan.models[population]
    if model.refractory is None:
        return
    if model.refractory_seconds is not None:
        period: Any = jnp.asarray(model.refractory_seconds, stretch.dtype)
    else:
        period = fixed.snapshot(stretch.plan, values).local(population, model.functions["refractory"])
    if model.refractory_is_condition:
        values[f"{population}.not_refractory"] |= ~period
    else:
        # Whole steps, with Brian2's margin for periods that are a multiple of dt but for rounding.
        steps = jnp.floor((period + 1e-3 * stretch.dt) / stretch.dt).astype(jnp.int32)
        values[f"{population}.not_refractory"] = number - values[last_step(population)] >= steps


def cross_threshold(stretch: Stretch, fixed: Fixed, population: str, moved: Snapshot, number: Any) -> Any:
    """Spikes as numbers, one or zero."""
    model = stretch.plan.models[population]
    function = model.functions["threshold"]
    if stretch.surrogate_width is not None:
        margin = expression_function("margin", margin_of(model.threshold or ""))
        draws = draws_of(stretch, fixed, population, "threshold", margin, number)
        difference = moved.local(population, margin, **draws)
        pseudo = model.ports.get("pseudo_derivative")
        if pseudo is not None:
            crossed = moved.local(population, function, **draws)
            spikes = told_spikes(difference, crossed, moved[f"{population}.{pseudo}"])
        elif draws:
            spikes = expected_spikes(difference)
        else:
            spikes = soft_spikes(difference, stretch.surrogate_width)
    else:
        draws = draws_of(stretch, fixed, population, "threshold", function, number)
        spikes = jnp.asarray(moved.local(population, function, **draws)).astype(stretch.dtype)
    spikes = jnp.broadcast_to(spikes, (stretch.trials, stretch.plan.circuit.population[population].size))
    if model.refractory is None:
        return spikes
    return jnp.where(moved[f"{population}.not_refractory"], spikes, jnp.zeros_like(spikes))


def reset(stretch: Stretch, fixed: Fixed, population: str, after: Snapshot, spikes: Any, number: Any) -> Arrays:
    """The variables that a population's reset assigns."""
    function = stretch.plan.models[population].functions.get("reset")
    if function is None:
        return {}
    draws = draws_of(stretch, fixed, population, "reset", function, number)
    soft = stretch.surrogate_width is not None
    results = after.local(population, function, spikes=True if soft else spikes > 0, **draws)
    results = results if len(function.returns) > 1 else (results,)
    assigned = {f"{population}.{name}": value for name, value in zip(function.returns, results, strict=True)}
    if soft:
        # A sum weighted by the spike lets its derivative through, where a choice would not.
        cut = set() if stretch.surrogate_reset else _put_back(stretch, population)
        weight = {name: jax.lax.stop_gradient(spikes) if name in cut else spikes for name in assigned}
        assigned = {name: after[name] + weight[name] * (value - after[name]) for name, value in assigned.items()}
    return assigned


def _put_back(stretch: Stretch, population: str) -> set[str]:
    """The variables that a reset brings back: those it assigns, and those below the threshold by a decrement."""
    model = stretch.plan.models[population]
    crossing = set(model.functions["threshold"].arguments)
    return {
        f"{population}.{statement.target}"
        for statement in model.reset_statements
        if statement.operator == "=" or (statement.operator == "-=" and statement.target in crossing)
    }


def draws_of(
    stretch: Stretch, fixed: Fixed, population: str, purpose: str, function: ArrayFunction, number: Any
) -> Arrays:
    """Random numbers of one step that a function of a population reads, by name."""
    size = stretch.plan.circuit.population[population].size
    return {
        name: (held_normal if law == "normal" else held_uniform)(
            fixed.keys[f"{population}.{purpose}.{name}"], fixed.presentations, size, step=number
        ).astype(stretch.dtype)
        for name, law in function.draws
    }
