"""Steps of forward weights by Optax, with the optimiser's memory among the arrays of the state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from neurosim.circuit.description import Circuit
from neurosim.engines.optimiser import Optimiser
from neurosim.engines.state import learned_names

#: What the optimiser remembers stands in the state under names that begin so: ``optimiser.mu.W1.w``.
PREFIX = "optimiser."


def optimised_names(circuit: Circuit) -> tuple[str, ...]:
    """The weights an optimiser steps: those that learn with a rate and carry no feedback."""
    names = []
    for name in learned_names(circuit):
        pathway = circuit.pathway[name.removesuffix(".w")] if name.endswith(".w") else None
        if pathway is None or "learning_rate" not in pathway.rule.parameters:
            continue
        if circuit.population[pathway.post].neuron.ports.get("feedback") != pathway.target.split(".")[1]:
            names.append(name)
    return tuple(names)


def initial_memory(circuit: Circuit, optimiser: Optimiser, values: Mapping[str, Any]) -> dict[str, Any]:
    """The optimiser's memory before the first step, or as the state has it."""
    memory = _transform(optimiser).init({name: values[name] for name in optimised_names(circuit)})
    return {name: jnp.asarray(values.get(name, a), a.dtype) for name, a in _named(memory).items()}


def steps(
    circuit: Circuit,
    optimiser: Optimiser,
    changes: Mapping[str, Any],
    values: Mapping[str, Any],
    memory: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Turn increments into steps.

    A rule's increment is its learning rate times a direction; the optimiser sees the direction, so that a rate
    that changes does not upset what it remembers.

    Returns
    -------
    tuple
        The steps of all changed variables, and the new memory.
    """
    if optimiser.kind == "sgd":
        return dict(changes), {}
    names = optimised_names(circuit)
    rates = {name: values[f"{name.removesuffix('.w')}.learning_rate"] for name in names}
    directions = {name: jnp.where(rates[name] > 0, changes[name] / rates[name], 0.0) for name in names}
    transform = _transform(optimiser)
    before = _unnamed(transform.init(directions), memory)
    found, after = transform.update(directions, before)
    return {**changes, **{name: rates[name] * found[name] for name in names}}, _named(after)  # pyright: ignore


def _transform(optimiser: Optimiser) -> optax.GradientTransformation:
    if optimiser.kind == "adam":
        return optax.scale_by_adam(optimiser.beta1, optimiser.beta2, optimiser.epsilon)
    return optax.trace(optimiser.momentum) if optimiser.kind == "momentum" else optax.identity()


def _named(memory: Any) -> dict[str, Any]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(memory)
    return {_name(path): leaf for path, leaf in leaves}


def _unnamed(like: Any, memory: Mapping[str, Any]) -> Any:
    return jax.tree_util.tree_map_with_path(lambda path, _: memory[_name(path)], like)


def _name(path: Any) -> str:
    return PREFIX + ".".join(str(getattr(step, "name", getattr(step, "key", step))) for step in path)
