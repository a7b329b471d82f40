"""How far what feedback delivers is from the true gradient, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.circuit.description import Circuit, Pathway
from neurosim.circuit.undisturbed import undisturbed
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import weights_of
from neurosim.gradients.true_gradient import Gradients, true_gradients
from neurosim.metrics import (
    angle,
    batch_angle,
    matrix_angle,
    norm_ratio,
    r_squared,
    relative_error,
    sign_agreement,
)

_SIGNAL = {
    "signal_angle_deg": angle,
    "batch_signal_angle_deg": batch_angle,
    "signal_relative_error": relative_error,
    "signal_norm_ratio": norm_ratio,
    "signal_sign_agreement": sign_agreement,
    "signal_r2": r_squared,
}


def alignment(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    *,
    seed: int = 0,
    first: int = 0,
) -> dict[str, dict[str, float]]:
    """Measure every layer that learns on one batch of trials.

    Parameters
    ----------
    circuit, setting, state, stimuli, seed, first
        As for `BatchedEngine.run`.

    Returns
    -------
    dict
        Layer -> number: ``signal_*`` compares what the feedback delivers at the end of the first phase, without
        noise and from rest, with the true gradient at the layer's site of noise, per trial and then averaged
        (``batch_*``: of the means over trials); ``update_angle_deg`` the update of the layer's incoming weights with
        minus the gradient; ``weight_angle_deg`` the feedback weights into the layer with the matrix they should
        be. Not a number where it does not exist.
    """
    quiet = undisturbed(circuit)
    truth = true_gradients(quiet, setting, state, stimuli)
    signals = _delivered(quiet, setting, state, stimuli)
    after, _ = BatchedEngine(circuit, setting).run(state, stimuli, seed=seed, first=first)
    found: dict[str, dict[str, float]] = {}
    for population in circuit.populations:
        layer = population.name
        update = _update_angle(circuit, state, after, truth, layer)
        numbers = dict.fromkeys(_SIGNAL, math.nan)
        if layer in signals and layer in truth.sites and _feedback_pathway(circuit, layer) is not None:
            numbers = {n: float(np.mean(m.measure(signals[layer], truth.sites[layer]))) for n, m in _SIGNAL.items()}
        elif update is None:
            continue
        numbers["update_angle_deg"] = math.nan if update is None else update
        numbers["weight_angle_deg"] = weight_angle(circuit, state, layer)
        found[layer] = numbers
    return found


def weight_angle(circuit: Circuit, state: Mapping[str, Any], layer: str) -> float:
    """The angle in degrees between a layer's feedback weights and the matrix they should be.

    For feedback from the layer above that is the transpose of the forward weights; for feedback from further
    up, the transposed product of all forward weights in between (exact for linear layers). Not a number where
    there is no feedback or no such chain of forward pathways.
    """
    pathway = _feedback_pathway(circuit, layer)
    if pathway is None:
        return math.nan
    chain = _forward_product(circuit, state, layer, pathway.pre)
    return math.nan if chain is None else float(matrix_angle.measure(weights_of(circuit, state, pathway.name), chain.T))


def _feedback_pathway(circuit: Circuit, layer: str) -> Pathway | None:
    target = f"{layer}.{circuit.population[layer].neuron.ports.get('feedback')}"
    return next((pathway for pathway in circuit.pathways if pathway.target == target), None)


def _forward_product(circuit: Circuit, state: Mapping[str, Any], start: str, end: str) -> np.ndarray | None:
    """The product of forward weights from one population to another, (n_end, n_start)."""
    if start == end:
        return np.eye(circuit.population[start].size)
    for pathway in circuit.pathways:
        drive = circuit.population[pathway.post].neuron.ports.get("drive")
        if pathway.pre == start and pathway.target == f"{pathway.post}.{drive}" and pathway.post != start:
            rest = _forward_product(circuit, state, pathway.post, end)
            if rest is not None:
                return rest @ weights_of(circuit, state, pathway.name)
    return None


def _delivered(
    circuit: Circuit, setting: Setting, state: Mapping[str, Any], stimuli: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    names = {
        p.name: f"{p.name}.{p.neuron.ports['signal']}"
        for p in circuit.populations
        if "signal" in p.neuron.ports and p.name != circuit.output_population
    }
    phase = circuit.phases[0].name
    _, outputs = BatchedEngine(circuit, setting).run(
        state, stimuli, report=tuple(names.values()), learn=False, phases=(phase,)
    )
    return {layer: outputs.ends[phase][name] for layer, name in names.items()}


def _update_angle(
    circuit: Circuit, before: Mapping[str, Any], after: Mapping[str, Any], truth: Gradients, layer: str
) -> float | None:
    """The angle of the update of all forward weights into a layer, taken together, to minus the gradient."""
    drive = circuit.population[layer].neuron.ports.get("drive")
    names = [f"{p.name}.w" for p in circuit.pathways if p.target == f"{layer}.{drive}" and p.rule.learns]
    if not names:
        return None
    update = np.concatenate([np.ravel(after[name] - np.asarray(before[name])) for name in names])
    gradient = np.concatenate([np.ravel(truth.weights[name]) for name in names])
    return float(angle.measure(update, -gradient))
