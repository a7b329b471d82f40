"""Held noise: drawn once for (seed, presentation, phase, population), handed to either engine."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from neurosim.circuit.description import Circuit, Phase
from neurosim.random import held_pairs, key_words, normals_of


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
        for purpose, function in population.neuron.functions.items():
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
    sizes = drawn_sizes(circuit, phase)
    if not sizes:
        return {}
    return named_noise(sizes, draw_pairs(sizes, phase, keys, presentations), dtype)


def drawn_sizes(circuit: Circuit, phase: Phase) -> dict[str, int]:
    """The variables that a phase draws, with the number of their neurons."""
    drawing = circuit.populations if phase.draw_noise else ()
    return {f"{population.name}.{variable}": population.size for population in drawing for variable in population.noise}


def draw_pairs(sizes: Mapping[str, int], phase: Phase, keys: Mapping[str, Any], presentations: Any) -> tuple[Any, Any]:
    """The numbers of a phase as `held_pairs` gives them, for any number of presentations."""
    words = [keys[f"{phase.name}:{name}"] for name in sizes]
    return _pairs()(words, presentations, tuple(sizes.values()))


def named_noise(sizes: Mapping[str, int], pairs: tuple[Any, Any], dtype: Any) -> dict[str, Any]:
    """What `draw_pairs` drew, by variable."""
    return {name: a.astype(dtype) for name, a in zip(sizes, normals_of(pairs, list(sizes.values())), strict=True)}


@functools.cache
def _pairs() -> Any:
    import jax

    # Outside of compiled code its fifty operations would be compiled one by one.
    return jax.jit(held_pairs, static_argnums=2)
