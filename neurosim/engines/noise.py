"""Held noise: drawn once for (seed, presentation, phase, population), handed to either engine."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from neurosim.circuit.composition import compose
from neurosim.circuit.description import Circuit, Phase
from neurosim.random import held_normal, key_words


def noise_keys(circuit: Circuit, seed: int) -> dict[str, Any]:
    """Words of all noise streams of a circuit.

    Returns
    -------
    dict
        Held noise as ``phase:population.variable``; continuous noise, drawn at every step, as
        ``population.purpose.draw`` (the purpose being ``advance``, ``threshold`` or ``reset``).
    """
    keys = {}
    for population in circuit.populations:
        for phase in circuit.phases:
            for variable in population.noise:
                name = f"{phase.name}:{population.name}.{variable}"
                keys[name] = key_words(seed, "noise", phase.name, population.name, variable)
        for purpose, function in compose(circuit)[population.name].functions.items():
            for draw, _ in function.draws:
                name = f"{population.name}.{purpose}.{draw}"
                keys[name] = key_words(seed, "continuous", population.name, purpose, draw)
    return keys


def draw_noise(
    circuit: Circuit, phase: Phase, keys: Mapping[str, Any], presentations: Any, dtype: Any
) -> dict[str, Any]:
    """The held noise of a phase; empty if the phase draws none.

    Returns
    -------
    dict
        ``population.variable -> (trial, n)``.
    """
    if not phase.draw_noise:
        return {}
    drawn = {}
    for population in circuit.populations:
        for variable in population.noise:
            key = keys[f"{phase.name}:{population.name}.{variable}"]
            drawn[f"{population.name}.{variable}"] = _normal()(key, presentations, population.size).astype(dtype)
    return drawn


@functools.cache
def _normal() -> Any:
    import jax

    # Outside of compiled code its fifty operations would be compiled one by one.
    return jax.jit(held_normal, static_argnums=2)
