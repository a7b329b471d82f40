"""Feedback pathways, and the weights they should have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.circuit.connectivity import Dense, is_linear
from neurosim.circuit.description import Circuit, Pathway
from neurosim.engines.batched.linear_maps import delivered, returned
from neurosim.engines.state import weights_of
from neurosim.metrics import angle, matrix_angle, norm_ratio, relative_error, sign_agreement

#: What is measured of feedback weights, as ``weight_<name>``.
WEIGHT_NUMBERS = {
    "weight_angle_deg": matrix_angle,
    "weight_relative_error": relative_error,
    "weight_sign_agreement": sign_agreement,
    "weight_norm_ratio": norm_ratio,
}


def feedback_pathway(circuit: Circuit, layer: str) -> Pathway | None:
    """The pathway that brings feedback to a population, if any."""
    target = f"{layer}.{circuit.population[layer].neuron.ports.get('feedback')}"
    return next((pathway for pathway in circuit.pathways if pathway.target == target), None)


def incoming_weights(circuit: Circuit, layer: str) -> tuple[str, ...]:
    """The names of the forward weights into a population that learn, biases included: ``W1.w``, ``b1.w``."""
    drive = circuit.population[layer].neuron.ports.get("drive")
    return tuple(f"{p.name}.w" for p in circuit.pathways if p.target == f"{layer}.{drive}" and p.rule.learns)


def wanted_weights(circuit: Circuit, state: Mapping[str, Any], layer: str) -> np.ndarray | None:
    """What a layer's feedback weights should be, in their shape.

    Along the synapses of one forward pathway that is its weights, transposed, for kernels in their first two axes. For
    dense feedback from further up it is the transposed product of all forward maps in between, pools and convolutions
    included (exact for linear layers). None through maxima, and where there is no feedback or no such chain of forward
    pathways.
    """
    pathway = feedback_pathway(circuit, layer)
    if pathway is None or not circuit.connectivity(pathway.name).weighted:
        return None
    chain = _forward_chain(circuit, layer, pathway.pre)
    if chain is None:
        return None
    connectivity = circuit.connectivity(pathway.name)
    if len(chain) == 1 and circuit.connectivity(chain[0]).reversed == connectivity:
        return np.swapaxes(weights_of(circuit, state, chain[0]), 0, 1)
    if connectivity != Dense() or not all(is_linear(circuit.connectivity(name)) for name in chain):
        return None
    # Each sender by itself, on its way back.
    return returned(circuit, state, chain, np.eye(circuit.population[pathway.pre].size)).T


def weight_numbers(circuit: Circuit, state: Mapping[str, Any], layer: str) -> dict[str, float]:
    """Angle (degrees), relative error, sign agreement (percent) and norm ratio of a layer's feedback weights.

    Each matrix is taken as one long vector, against `wanted_weights`; not a number where these do not exist.
    """
    pathway, wanted = feedback_pathway(circuit, layer), wanted_weights(circuit, state, layer)
    if pathway is None or wanted is None:
        return dict.fromkeys(WEIGHT_NUMBERS, np.nan)
    weights = weights_of(circuit, state, pathway.name).ravel()
    return {name: float(metric.measure(weights, wanted.ravel())) for name, metric in WEIGHT_NUMBERS.items()}


def local_angle(circuit: Circuit, state: Mapping[str, Any], layer: str, error: np.ndarray) -> float:
    """The mean angle in degrees between what the feedback delivers and what the right weights would.

    Both from the same error of the sender, so that what is wrong further up does not count: the measure of
    Lansdell, Prakash & Kording (2020), but from 0 to 180 degrees and over many trials.

    Parameters
    ----------
    error
        What the layer's feedback pathway reads, shape (trial, n_pre).
    """
    pathway, wanted = feedback_pathway(circuit, layer), wanted_weights(circuit, state, layer)
    if pathway is None or wanted is None:
        return np.nan
    weights = weights_of(circuit, state, pathway.name)
    connectivity, ends = circuit.connectivity(pathway.name), circuit.ends(pathway.name)
    return float(np.mean(angle.measure(*(delivered(connectivity, ends, w, error) for w in (weights, wanted)))))


def _forward_chain(circuit: Circuit, start: str, end: str) -> tuple[str, ...] | None:
    """The forward pathways from one population to another, from the lowest up."""
    if start == end:
        return ()
    for pathway in circuit.pathways:
        drive = circuit.population[pathway.post].neuron.ports.get("drive")
        if pathway.pre == start and pathway.target == f"{pathway.post}.{drive}" and pathway.post != start:
            rest = _forward_chain(circuit, pathway.post, end)
            if rest is not None:
                return (pathway.name, *rest)
    return None
