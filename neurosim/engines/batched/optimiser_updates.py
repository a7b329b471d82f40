"""Steps of forward weights by Optax, with the optimiser's memory among the arrays of the state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Role
from neurosim.circuit.roles import role
from neurosim.engines.optimiser import MEMORY, Optimiser
from neurosim.engines.state import learned_names


def optimised_names(circuit: Circuit) -> tuple[str, ...]:
    """The weights an optimiser steps: those that learn with a rate and, unless a pathway says so, carry no feedback.

    Nor those that learn at the beginning of a presentation: there the rule's own step has its effect at once.
    """
    names = []
    for name in learned_names(circuit):
        pathway = circuit.pathway[name.removesuffix(".w")] if name.endswith(".w") else None
        if pathway is None or "learning_rate" not in pathway.synapse.parameters:
            continue
        if not any(moment.optimised for moment in pathway.synapse.moments):
            continue
        feedback = role(circuit, pathway) is Role.FEEDBACK
        if pathway.optimised or (pathway.optimised is None and not feedback):
            names.append(name)
    return tuple(names)


def initial_memory(circuit: Circuit, optimiser: Optimiser, values: Mapping[str, Any]) -> dict[str, Any]:
    """The optimiser's memory before the first step, or as the state has it."""
    memory: dict[str, Any] = {}
    for name in optimised_names(circuit):
        memory |= _named(_transform(optimiser).init(values[name]), name)
    return {name: jnp.asarray(values.get(name, a), a.dtype) for name, a in memory.items()}


def steps(
    circuit: Circuit,
    optimiser: Optimiser,
    changes: Mapping[str, Any],
    values: Mapping[str, Any],
    memory: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Turn increments into steps.

    A rule's increment is its learning rate times a direction; the optimiser sees the direction, so that a rate
    that changes does not upset what it remembers. What does not learn in a batch (because its rule is switched off, or
    its rate is zero) neither moves nor loses any memory: each weight matrix has a memory of its own.

    Returns
    -------
    tuple
        The steps of all changed variables, and the new memory.
    """
    if optimiser.plain:
        return dict(changes), {}
    increments, after = dict(changes), dict(memory)
    transform = _transform(optimiser)
    for name in optimised_names(circuit):
        if name not in changes:
            continue
        rate = values[f"{name.removesuffix('.w')}.learning_rate"]
        direction = jnp.where(rate > 0, changes[name] / rate, 0.0)
        before = _unnamed(transform.init(direction), name, memory)
        step, kept = transform.update(direction, before)
        step = rate * jnp.asarray(step)
        increments[name] = step if optimiser.clip is None else jnp.clip(step, -optimiser.clip, optimiser.clip)
        after |= {n: jnp.where(rate > 0, array, memory[n]) for n, array in _named(kept, name).items()}
    return increments, after


def _transform(optimiser: Optimiser) -> optax.GradientTransformation:
    if optimiser.kind == "adam":
        return optax.scale_by_adam(optimiser.beta1, optimiser.beta2, optimiser.epsilon)
    if optimiser.kind == "normalised":
        return optax.stateless_with_tree_map(_direction)
    return optax.trace(optimiser.momentum) if optimiser.kind == "momentum" else optax.identity()


def _direction(update: jax.typing.ArrayLike, _: jax.typing.ArrayLike | None) -> jax.Array:
    """An update of length one; of zero it stays zero."""
    array = jnp.asarray(update)
    return array / jnp.maximum(jnp.linalg.norm(array), 1e-30)


def _named(memory: Any, owner: str) -> dict[str, Any]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(memory)
    return {_name(path, owner): leaf for path, leaf in leaves}


def _unnamed(like: Any, owner: str, memory: Mapping[str, Any]) -> Any:
    return jax.tree_util.tree_map_with_path(lambda path, _: memory[_name(path, owner)], like)


def _name(path: Any, owner: str) -> str:
    return MEMORY + ".".join([*(str(getattr(step, "name", getattr(step, "key", step))) for step in path), owner])
