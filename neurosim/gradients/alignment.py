"""How far what feedback delivers is from the true gradient, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.noiseless import undisturbed
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.gradients._arguments import check_layer, check_presented, check_weights, of_circuit
from neurosim.gradients.alignment_in_time import delivered_in_time
from neurosim.gradients.credit_in_time import credit_in_time
from neurosim.gradients.feedback import (
    WEIGHT_NUMBERS,
    feedback_pathway,
    feedback_pathways,
    incoming_weights,
    local_angle,
    weight_numbers,
)
from neurosim.gradients.gauss_newton import gauss_newton_signals
from neurosim.gradients.layer_credit import kicked_for, layer_credit
from neurosim.gradients.loops import LOOP_NUMBERS, loop_numbers
from neurosim.gradients.rate_limit import Losses, losses_of, share_of_limit
from neurosim.gradients.saturation import SATURATION_NUMBERS, shares, variables_of
from neurosim.gradients.true_gradient import Gradients, true_gradients
from neurosim.gradients.update_angles import GAUSS_NEWTON_ANGLES, angles_of, references_of
from neurosim.metrics import (
    angle,
    batch_angle,
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
#: Numbers measured against Gauss-Newton directions, where that is asked for.
GAUSS_NEWTON_NUMBERS = ("gauss_newton_angle_deg", *GAUSS_NEWTON_ANGLES)
#: The numbers that `alignment` gives for each layer.
MEASURES = (
    *_SIGNAL,
    "update_angle_deg",
    *WEIGHT_NUMBERS,
    "local_angle_deg",
    "feedback_rate_share",
    *SATURATION_NUMBERS,
    *LOOP_NUMBERS,
    *GAUSS_NEWTON_NUMBERS,
)

#: The gradient, each layer's signal, the errors that feedback reads, what loops make, and variables when feedback has
#: delivered.
_Compared = tuple[Gradients, Mapping[str, np.ndarray], Mapping[str, np.ndarray], dict[str, Any], Mapping[str, Any]]


@of_circuit()
def alignment(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    *,
    seed: int = 0,
    first: int = 0,
    gauss_newton: float | None = None,
) -> dict[str, dict[str, float]]:
    """Measure every layer that learns on one batch of trials.

    Parameters
    ----------
    circuit, setting, state, stimuli, seed, first
        As for `BatchedEngine.run`.
    gauss_newton
        If given, signals are compared with the Gauss-Newton direction of each trial as well, and updates with that of
        weights, both damped by this much.

    Returns
    -------
    dict
        Layer -> number. Of a circuit over time, signals are those of all steps, and are compared with total credit:
        `neurosim.gradients.alignment_in_time` has more of them. Of others, ``signal_*`` compares what the feedback
        delivers at the end of the first phase (or of the one in which the circuit says that it has delivered), without
        noise and from rest, with the true gradient at the
        layer's site of noise, per trial and then averaged over trials that have one (``batch_*``: of the means over
        them); ``update_angle_deg`` the update of the layer's incoming weights with minus the gradient; ``weight_*`` the
        feedback weights into the layer with the matrix they should be; ``local_angle_deg`` what the feedback delivers
        with what that matrix would deliver from the same error, per trial and then averaged; ``feedback_rate_share``
        how much of its stable limit the rate of learned feedback has (`neurosim.gradients.rate_limit`);
        ``silent_share``, ``saturated_share`` of rate neurons (`neurosim.gradients.saturation`); of layers in control
        loops, what `neurosim.gradients.loops` says. If that was asked for, ``gauss_newton_angle_deg`` of the signal to
        each trial's Gauss-Newton direction, and of the update that ``update_angle_deg`` compares with the gradient, the
        angle to minus the Gauss-Newton update (`neurosim.gradients.gauss_newton_update`):
        ``update_gauss_newton_angle_deg`` of all layers together over the batch,
        ``update_trial_gauss_newton_angle_deg`` to the mean of each trial's own, ``update_layer_gauss_newton_angle_deg``
        to that of this layer alone. Not a number where it does not exist.

    Raises
    ------
    ConfigError
        If the system that Gauss-Newton updates solve is too large (trials times outputs).

    Examples
    --------
    >>> import numpy as np
    >>> from neurosim import Setting, initial_state, load
    >>> circuit = load("lansdell2020/schemes+bp").circuit
    >>> stimuli = {"input.r": np.ones((4, 64)), "output.target": np.eye(10)[:4]}
    >>> state = initial_state(circuit, 0)
    >>> layers = alignment(circuit, Setting(level="steady", dtype="float64"), state, stimuli)
    >>> bool(layers["hidden1"]["signal_angle_deg"] < 1e-6)  # backpropagation delivers the gradient
    True
    """
    check_presented(circuit, setting, state, stimuli)
    quiet = undisturbed(circuit)
    compared = _over_time if circuit.over_time else _at_end
    truth, signals, errors, loops, ends = compared(quiet, setting, state, stimuli)
    newton: Mapping[str, np.ndarray] = {}
    if gauss_newton is not None:
        newton = gauss_newton_signals(quiet, setting, state, stimuli, damping=gauss_newton)
    references = references_of(quiet, setting, state, stimuli, truth, gauss_newton)
    after, _ = BatchedEngine(circuit, setting).run(state, stimuli, seed=seed, first=first)
    # A layer inside a loop gets its error from the layer below.
    looped = {circuit.pathway[name].pre for loop in circuit.loops for name in loop.forward}
    layers: dict[str, dict[str, float]] = {}
    for population in circuit.populations:
        layer = population.name
        learned = incoming_weights(circuit, layer)
        numbers = dict.fromkeys(_SIGNAL, math.nan)
        fed = feedback_pathway(circuit, layer) is not None or layer in looped
        if layer in signals and layer in truth.sites and fed:
            numbers = _signal_numbers(signals[layer], truth.sites[layer])
        elif not learned and not fed:
            continue
        numbers |= angles_of(learned, state, after, references)
        numbers |= weight_numbers(circuit, state, layer)
        numbers["local_angle_deg"] = local_angle(circuit, state, layer, errors)
        numbers["feedback_rate_share"] = _rate_share(circuit, state, layer, ends)
        numbers |= shares(circuit, layer, ends)
        if gauss_newton is not None:
            both = layer in signals and layer in newton and fed
            off = float(np.mean(angle.measure(signals[layer], newton[layer]))) if both else math.nan
            numbers["gauss_newton_angle_deg"] = off
        layers[layer] = numbers | (dict.fromkeys(LOOP_NUMBERS, math.nan) | loops.get(layer, {}) if loops else {})
    return layers


def _losses(circuit: Circuit, layer: str) -> dict[str, Losses]:
    """What increments of the feedback into a layer lose, by pathway."""
    losses = {pathway.name: losses_of(circuit, pathway) for pathway in feedback_pathways(circuit, layer)}
    return {name: each for name, each in losses.items() if each is not None}


def _rate_share(circuit: Circuit, state: Mapping[str, Any], layer: str, ends: Mapping[str, Any]) -> float:
    """The largest share of its limit that the rate of a feedback pathway into a layer has."""
    if not ends:
        return math.nan
    losses = _losses(circuit, layer).items()
    return max((share_of_limit(each, circuit.pathway[name], state, ends) for name, each in losses), default=math.nan)


def _signal_numbers(signals: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """How near a layer's signals are to the gradient, in the mean over the trials that have one.

    A trial whose error has vanished in rounding has no direction: with one of them, the mean would be no number.
    """
    rows = np.any(true != 0, axis=-1)
    if not rows.any():
        return dict.fromkeys(_SIGNAL, math.nan)
    return {name: float(np.mean(metric.measure(signals[rows], true[rows]))) for name, metric in _SIGNAL.items()}


@of_circuit()
def weight_angle(circuit: Circuit, state: Mapping[str, Any], layer: str) -> float:
    """The angle in degrees between a layer's feedback weights and the matrix they should be.

    See `neurosim.gradients.feedback.wanted_weights`; not a number where there is no such matrix.
    """
    check_layer(circuit, layer)
    check_weights(circuit, state)
    return weight_numbers(circuit, state, layer)["weight_angle_deg"]


def _over_time(circuit: Circuit, setting: Setting, state: Mapping[str, Any], stimuli: Mapping[str, Any]) -> _Compared:
    """Total credit and signals of all steps, (trial, step and neuron), and the errors that are not zero."""
    credit = credit_in_time(circuit, setting, state, stimuli, immediate=False, kicked=kicked_for(circuit))
    signals, errors = delivered_in_time(circuit, setting, state, stimuli, None)
    every = {layer: layer_credit(circuit, setting, state, credit, layer) for layer in circuit.population}
    sent = {layer: each for layer, each in every.items() if each is not None}
    sites = {layer: each.total.reshape(len(credit.loss), -1) for layer, each in sent.items()}
    handed = {layer: sent[layer].through_filter(signal) for layer, signal in signals.items() if layer in sent}
    flat = {layer: signal.reshape(len(signal), -1) for layer, signal in handed.items()}
    rows = {name: error.reshape(-1, error.shape[-1]) for name, error in errors.items()}
    some = {name: error[np.any(error != 0, axis=-1)] for name, error in rows.items()}
    return Gradients(credit.loss, sites, credit.weights), flat, some, {}, {}


def _at_end(circuit: Circuit, setting: Setting, state: Mapping[str, Any], stimuli: Mapping[str, Any]) -> _Compared:
    """The gradient, and when feedback has delivered: signals, the errors feedback reads, and what loops make."""
    truth = true_gradients(circuit, setting, state, stimuli)
    signals = {
        p.name: f"{p.name}.{p.neuron.ports['signal']}"
        for p in circuit.populations
        if "signal" in p.neuron.ports and p.name != circuit.output_population
    }
    back = [pathway for p in circuit.populations for pathway in feedback_pathways(circuit, p.name)]
    sources = [pathway.source for pathway in back if not pathway.at_spikes]
    names = [phase.name for phase in circuit.phases]
    phase = circuit.delivered_at or names[0]
    inside = [name for loop in circuit.loops for name in (loop.target, loop.activity)]
    judged = [n for p in circuit.populations for each in _losses(circuit, p.name).values() for n in each.names.values()]
    judged += [name for layer in signals for name in variables_of(circuit, layer) or ()]
    report = tuple(dict.fromkeys([*signals.values(), *sources, *inside, *judged]))
    upto = tuple(names[: names.index(phase) + 1])
    _, outputs = BatchedEngine(circuit, setting).run(state, stimuli, report=report, learn=False, phases=upto)
    ends = outputs.ends[phase]
    delivered = {layer: ends[name] for layer, name in signals.items()}
    errors = {name: ends[name] for name in sources}
    return truth, delivered, errors, loop_numbers(circuit, state, ends), ends
