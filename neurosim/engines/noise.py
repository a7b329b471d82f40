"""Held noise and lots, drawn for either engine.

Held noise is drawn once for (seed, presentation, phase, population or pathway), lots for all phases of a presentation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from numpy.typing import DTypeLike

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.circuit.description import Pathway, Phase
from neurosim.circuit.plasticity import UPDATE_NOISE
from neurosim.random import held_normal, held_pairs, key_words, normals_of
from neurosim.untyped import Array


def noise_keys(circuit: Circuit, seed: int) -> dict[str, Any]:
    """Words of all noise streams of a circuit.

    Returns
    -------
    dict
        Held noise as ``phase:population.variable`` and ``phase:pathway.noise``; continuous noise, drawn at every
        step, as ``population.purpose.draw`` (the purpose being a line that draws, ``threshold`` or ``reset``); noise
        of the updates of weights as ``update:pathway``.
    """
    keys = {}
    for population in circuit.populations:
        for phase in circuit.phases:
            for variable in population.noise:
                name = f"{phase.name}:{population.name}.{variable}"
                keys[name] = key_words(seed, "noise", phase.name, population.name, variable)
            for variable in population.lots:
                # Without the phase: the same numbers in all of them.
                keys[f"{phase.name}:{population.name}.{variable}"] = key_words(seed, "lot", population.name, variable)
        model = compose(circuit)[population.name]
        for purpose, function in (*model.expressions.items(), *model.functions.items()):
            for draw, _ in function.draws:
                name = f"{population.name}.{purpose}.{draw}"
                keys[name] = key_words(seed, "continuous", population.name, purpose, draw)
    for pathway in circuit.perturbed:
        for phase in circuit.phases:
            words = key_words(seed, "noise on weights", phase.name, pathway.name)
            keys[f"{phase.name}:{pathway.name}.noise"] = words
    for pathway in circuit.pathways:
        if needs_update_noise(pathway):
            keys[f"update:{pathway.name}"] = key_words(seed, "noise of updates", pathway.name)
    return keys


def needs_update_noise(pathway: Pathway) -> bool:
    """Whether a normal number is drawn for each of its weights in each batch."""
    return pathway.update_noise is not None or UPDATE_NOISE in pathway.synapse.names


def draw_update_noise(
    circuit: Circuit, pathway: str, keys: Mapping[str, Array], batch: Array, dtype: DTypeLike
) -> Array:
    """A standard normal number for each weight of a pathway, the same for all trials of a batch.

    Parameters
    ----------
    batch
        The batch's running number, shape (1,).
    """
    shape = circuit.weights_shape(pathway)
    return held_normal(keys[f"update:{pathway}"], batch, math.prod(shape))[0].reshape(shape).astype(dtype)


def draw_noise(
    circuit: Circuit, phase: Phase, keys: Mapping[str, Array], presentations: Array, dtype: DTypeLike
) -> dict[str, Any]:
    """The held noise of a phase, and the lots of the presentation; empty if there are none.

    Returns
    -------
    dict
        ``population.variable -> (trial, n)`` and ``pathway.noise -> (trial, n_post, n_pre)``, or ``(trial, n)`` for
        one-to-one.
    """
    shapes = drawn_shapes(circuit, phase)
    return named_noise(shapes, draw_pairs(shapes, phase, keys, presentations), dtype) if shapes else {}


def drawn_shapes(circuit: Circuit, phase: Phase) -> dict[str, tuple[int, ...]]:
    """The variables that a phase draws, with their shapes for one trial."""
    shapes: dict[str, tuple[int, ...]] = {f"{p.name}.{name}": (p.size,) for p in circuit.populations for name in p.lots}
    if not phase.draw_noise:
        return shapes
    shapes |= {f"{p.name}.{name}": (p.size,) for p in circuit.populations for name in p.noise}
    return shapes | {f"{p.name}.noise": circuit.weights_shape(p.name) for p in circuit.perturbed}


def draw_pairs(
    shapes: Mapping[str, tuple[int, ...]], phase: Phase, keys: Mapping[str, Array], presentations: Array
) -> tuple[Any, Any]:
    """The numbers of a phase as `held_pairs` gives them, for any number of presentations."""
    words = [keys[f"{phase.name}:{name}"] for name in shapes]
    return held_pairs(words, presentations, tuple(math.prod(shape) for shape in shapes.values()))


def named_noise(shapes: Mapping[str, tuple[int, ...]], pairs: tuple[Array, Array], dtype: DTypeLike) -> dict[str, Any]:
    """The numbers that `draw_pairs` drew, by variable."""
    drawn = normals_of(pairs, [math.prod(shape) for shape in shapes.values()])
    return {n: a.astype(dtype).reshape(-1, *shape) for (n, shape), a in zip(shapes.items(), drawn, strict=True)}
