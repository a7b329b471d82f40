"""Feedback pathways, and the weights they should have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Dense, OneToOne, is_linear
from neurosim.circuit.description import Initial, Pathway, Role
from neurosim.circuit.per_synapse import Values
from neurosim.circuit.roles import drives, with_role
from neurosim.engines.batched.kernels.by_arrays import delivered, returned
from neurosim.engines.state import weights_of
from neurosim.metrics import angle, matrix_angle, norm_ratio, relative_error, sign_agreement

#: Numbers measured of feedback weights, as ``weight_<name>``.
WEIGHT_NUMBERS = {
    "weight_angle_deg": matrix_angle,
    "weight_relative_error": relative_error,
    "weight_sign_agreement": sign_agreement,
    "weight_norm_ratio": norm_ratio,
}


def feedback_pathways(circuit: Circuit, layer: str) -> tuple[Pathway, ...]:
    """The pathways that bring feedback to a population: more than one where connections skip layers."""
    return tuple(pathway for pathway in with_role(circuit, Role.FEEDBACK) if pathway.post == layer)


def feedback_pathway(circuit: Circuit, layer: str) -> Pathway | None:
    """The first pathway that brings feedback to a population, if any: that from the next layer, or from the output."""
    return next(iter(feedback_pathways(circuit, layer)), None)


def incoming_weights(circuit: Circuit, layer: str) -> tuple[str, ...]:
    """The names of the forward weights into a population that learn, biases included: ``W1.w``, ``b1.w``."""
    return tuple(f"{p.name}.w" for p in circuit.pathways if p.post == layer and drives(circuit, p) and p.synapse.learns)


def wanted_weights(circuit: Circuit, state: Mapping[str, Any], layer: str) -> np.ndarray | None:
    """The ideal weights of a layer's (first) feedback pathway, see `wanted_of`."""
    pathway = feedback_pathway(circuit, layer)
    return None if pathway is None else wanted_of(circuit, state, pathway)


def wanted_of(circuit: Circuit, state: Mapping[str, Any], pathway: Pathway) -> np.ndarray | None:
    """The ideal weights of a feedback pathway, in their shape.

    Along the synapses of one forward pathway that is its weights, transposed, for kernels in their first two axes. For
    dense feedback from further up it is the transposed product of all forward maps in between, pools and convolutions
    included, summed over all ways up (exact for linear layers). None through maxima, and where there is no feedback or
    no such chain of forward pathways.
    """
    connectivity = circuit.connectivity(pathway.name)
    if not connectivity.weighted:
        return None
    beside = [p.name for p in _forward(circuit, pathway.post) if p.post == pathway.pre]
    if len(beside) == 1 and circuit.connectivity(beside[0]).reversed == connectivity:
        return np.swapaxes(weights_of(circuit, state, beside[0]), 0, 1)
    if connectivity != Dense():
        return None
    # Each sender by itself, on its way back.
    senders = np.eye(circuit.population[pathway.pre].size)
    back = _all_the_way(circuit, state, pathway.post, {pathway.pre: senders})
    return None if back is None or np.isnan(back).any() else back.T


def weight_numbers(circuit: Circuit, state: Mapping[str, Any], layer: str) -> dict[str, float]:
    """Angle (degrees), relative error, sign agreement (percent) and norm ratio of a layer's feedback weights.

    The matrices of all its feedback pathways are taken as one long vector, against `wanted_of`; identities along skips
    do not count. Not a number where one of them has no such weights, or there are none.
    """
    pathways = [p for p in feedback_pathways(circuit, layer) if not _is_identity(circuit, p)]
    numbers = [
        (weights_of(circuit, state, p.name), wanted_of(circuit, state, p)) for p in pathways if _weighted(circuit, p)
    ]
    pairs = [(weights.ravel(), wanted.ravel()) for weights, wanted in numbers if wanted is not None]
    if not pairs or len(pairs) < len(pathways):
        return dict.fromkeys(WEIGHT_NUMBERS, np.nan)
    weights, wanted = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return {name: float(metric.measure(weights, wanted)) for name, metric in WEIGHT_NUMBERS.items()}


def local_angle(circuit: Circuit, state: Mapping[str, Any], layer: str, errors: Mapping[str, np.ndarray]) -> float:
    """The mean angle in degrees between what the feedback delivers and what the right weights would.

    Both from the same error of the sender, so that what is wrong further up does not count: the measure of
    Lansdell, Prakash & Kording (2020), but from 0 to 180 degrees and over many trials.

    Parameters
    ----------
    errors
        What each of the layer's feedback pathways reads, shape (trial, n_pre), by the variable's qualified name.
    """
    sums = []
    for pathway in feedback_pathways(circuit, layer):
        wanted = wanted_of(circuit, state, pathway)
        if wanted is None or pathway.source not in errors:
            return np.nan
        connectivity, ends = circuit.connectivity(pathway.name), circuit.ends(pathway.name)
        both = (weights_of(circuit, state, pathway.name), wanted)
        sums.append([delivered(connectivity, ends, weights, errors[pathway.source]) for weights in both])
    if not sums:
        return np.nan
    return float(np.mean(angle.measure(*(np.sum(side, axis=0) for side in zip(*sums, strict=True)))))


def _weighted(circuit: Circuit, pathway: Pathway) -> bool:
    return circuit.connectivity(pathway.name).weighted


def _is_identity(circuit: Circuit, pathway: Pathway) -> bool:
    """Whether it passes on what it reads, and always will."""
    law = pathway.start
    constant = law.law == "constant" if isinstance(law, Initial) else isinstance(law, Values) and not law.array.ndim
    fixed = constant and pathway.tie is None and not pathway.synapse.learns
    return fixed and circuit.connectivity(pathway.name) == OneToOne()


def _forward(circuit: Circuit, start: str) -> tuple[Pathway, ...]:
    """The forward pathways out of a population."""
    return tuple(pathway for pathway in with_role(circuit, Role.FORWARD) if pathway.pre == start)


def _all_the_way(
    circuit: Circuit, state: Mapping[str, Any], start: str, arrived: dict[str, np.ndarray | None]
) -> np.ndarray | None:
    """The signal that comes back to a population by all ways; None where there is none, NaN through maxima.

    Parameters
    ----------
    arrived
        Signals of other populations, shape (trial, n). All ways of a population are summed once, before they go on.
    """
    if start not in arrived:
        arrived[start] = None
        ways = []
        for pathway in _forward(circuit, start):
            above = _all_the_way(circuit, state, pathway.post, arrived)
            if above is not None and is_linear(circuit.connectivity(pathway.name)):
                ways.append(returned(circuit, state, pathway.name, above))
            elif above is not None:
                ways.append(np.full((len(above), circuit.population[start].size), np.nan))
        arrived[start] = np.sum(ways, axis=0) if ways else None
    return arrived[start]
