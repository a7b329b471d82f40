"""Bounds of weights, applied after every change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from neurosim.circuit.spike_texts import bounds_of
from neurosim.circuit.wiring import Wiring
from neurosim.untyped import Array, ArrayModule


def within_bounds(xp: ArrayModule, circuit: Wiring, pathway: str, values: Mapping[str, Array], weights: Array) -> Any:
    """Weights brought into the bounds of their pathway, if it has any.

    Parameters
    ----------
    xp
        The array module that computes them.
    values
        The state, with the parameters of the pathway's rules.
    """
    bounds = bounds_of(circuit, pathway)
    if bounds is None:
        return weights
    least, most = (values[f"{pathway}.{bound}"] if isinstance(bound, str) else bound for bound in bounds)
    return xp.clip(weights, least, most)


def all_within_bounds(
    xp: ArrayModule, circuit: Wiring, values: Mapping[str, Array], state: Mapping[str, Array], changed: Collection[str]
) -> dict[str, Any]:
    """A state in which weights that have changed are within their bounds.

    Parameters
    ----------
    values
        The state with the parameters of rules.
    changed
        The variables that have changed, qualified.
    """
    bounded = [pathway.name for pathway in circuit.owners if pathway.bounds is not None]
    kept = {f"{name}.w": name for name in bounded if f"{name}.w" in changed}
    return {**state, **{w: within_bounds(xp, circuit, name, values, state[w]) for w, name in kept.items()}}
