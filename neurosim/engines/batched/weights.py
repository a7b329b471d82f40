"""Weights as a step finds them, and what a pathway delivers by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from neurosim.circuit.connectivity import Dense
from neurosim.circuit.description import PERTURB, Phase
from neurosim.circuit.wiring import Wiring
from neurosim.engines.batched.kernels import events, linear_maps


@dataclass(frozen=True)
class Weights:
    """Weights beside those of the state.

    Attributes
    ----------
    derived
        Pathway -> weights that are a function of others, ``(n_post, n_pre)``.
    noise
        Owner -> per-trial noise on its weights, ``(trial, n_post, n_pre)``; only in phases that draw it.
    rows
        Pathway -> its weights sender by sender, of `events.rows_of`; only where its activity is sparse.
    """

    derived: Mapping[str, Any] = field(default_factory=dict)
    noise: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, Any] = field(default_factory=dict)


#: Where all weights are those of the state.
PLAIN = Weights()


def noise_on_weights(circuit: Wiring, phase: Phase, values: Mapping[str, Any]) -> dict[str, Any]:
    """Owner -> what held noise adds to its weights in each trial, if the phase switches it on and any was drawn."""
    on = phase.switches.get(PERTURB, 0.0)
    noise = {pathway.name: values[f"{pathway.name}.noise"] for pathway in circuit.perturbed if on}
    return {name: on * values[f"{name}.sigma"] * drawn for name, drawn in noise.items() if jnp.ndim(drawn)}


def weights_matrix(circuit: Wiring, pathway: str, values: Mapping[str, Any], weights: Weights) -> Any:
    """The weights a pathway delivers by, (n_post, n_pre); none if they are not one dense matrix for all trials."""
    declared = circuit.pathway[pathway]
    if circuit.connectivity(pathway) != Dense() or circuit.owner(pathway) in weights.noise:
        return None
    matrix = weights_of(circuit, pathway, values, weights)
    return matrix.T if declared.tie is not None and declared.tie.transposed else matrix


def weights_of(circuit: Wiring, pathway: str, values: Mapping[str, Any], weights: Weights) -> Any:
    """The weights that a pathway uses, its own, tied or derived, in the shape of their owner's."""
    if circuit.pathway[pathway].derived is not None:
        return weights.derived[pathway]
    return values[f"{circuit.owner(pathway)}.w"]


def deliver(
    circuit: Wiring, pathway: str, values: Mapping[str, Any], weights: Weights, activity: Any, *, choice: Any = None
) -> Any:
    """The input that a pathway adds to its target: weights times activity.

    Parameters
    ----------
    values
        The state, with the pathway's own weights.
    weights
        Those beside the state.
    activity
        Of the source, shape (trial, n_pre) or broadcastable to it.
    choice
        Of the target, for pathways that lead back from maxima.

    Returns
    -------
    jax.Array
        Shape (trial, n_post), or without the trial axis where the activity has none.
    """
    declared = circuit.pathway[pathway]
    connectivity, ends = circuit.connectivity(pathway), circuit.ends(pathway)
    if not connectivity.weighted:
        return linear_maps.apply(connectivity, ends, None, activity, choice=choice)
    rows = weights.rows.get(pathway)
    if rows is not None:
        full = jnp.broadcast_to(activity, (*jnp.shape(activity)[:-1], ends.n_pre))
        return events.product(full, rows)[:, : ends.n_post]
    matrix, noise = weights_of(circuit, pathway, values, weights), weights.noise.get(circuit.owner(pathway))
    if declared.tie is not None and declared.tie.transposed:
        matrix = linear_maps.transposed_weights(matrix)
        noise = None if noise is None else jax.vmap(linear_maps.transposed_weights)(noise)
    delivered = linear_maps.apply(connectivity, ends, matrix, activity)
    return delivered if noise is None else delivered + linear_maps.apply_each(connectivity, ends, noise, activity)
