"""How far what feedback delivers over time is from credit, total and immediate, layer by layer and step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.noiseless import undisturbed
from neurosim.circuit.roles import drives
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import weights_of
from neurosim.gradients._arguments import of_circuit, phase_of
from neurosim.gradients.credit_in_time import CreditInTime, credit_in_time
from neurosim.gradients.feedback import (
    feedback_pathway,
    feedback_pathways,
    incoming_weights,
    wanted_weights,
    weight_numbers,
)
from neurosim.gradients.layer_credit import kicked_for, layer_credit
from neurosim.gradients.linear_feedback import LinearFeedback, best_feedback
from neurosim.gradients.update_angles import angles_of
from neurosim.metrics import angle, matrix_angle, norm_ratio, r_squared

#: The numbers of `LayerInTime`.
NUMBERS_IN_TIME = (
    "signal_total_angle_deg",
    "signal_immediate_angle_deg",
    "signal_total_norm_ratio",
    "signal_total_r2",
    "immediate_total_angle_deg",
    "update_angle_deg",
    "update_immediate_angle_deg",
    "immediate_update_angle_deg",
    "weight_angle_deg",
    "weight_norm_ratio",
    "best_weight_angle_deg",
    "best_wanted_angle_deg",
    "best_r2",
)


@dataclass(frozen=True)
class LayerInTime:
    """A layer's signal and update beside credit and gradient.

    Attributes
    ----------
    numbers
        Pooled over trials, steps and neurons; not a number where it does not exist. ``signal_total_*`` and
        ``signal_immediate_*`` compare what feedback delivers with the two kinds of credit, and
        ``immediate_total_angle_deg`` these with each other; the norm ratio is that of the signal times the time step.
        ``update_angle_deg`` compares the update of the layer's incoming weights with minus the gradient,
        ``update_immediate_angle_deg`` with minus the gradient without recurrent transmissions, and
        ``immediate_update_angle_deg`` that one with the gradient: what e-prop with symmetric feedback reaches.
        ``weight_*`` compares feedback weights with the transposed readout, ``best_weight_angle_deg`` with those that
        predict total credit best, ``best_wanted_angle_deg`` these with the transposed readout; ``best_r2`` is how much
        of it these deliver.
    courses
        By step: ``signal_total_cosine`` and ``signal_immediate_cosine`` over all trials and neurons of the step, and
        the root of the mean square over trials of the norms ``signal_norm`` (times the time step), ``total_norm`` and
        ``immediate_norm``.
    best
        The weights that predict total credit from the error that the layer's feedback reads; none without feedback.
    """

    numbers: dict[str, float]
    courses: dict[str, np.ndarray]
    best: LinearFeedback | None


@of_circuit()
def alignment_in_time(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    *,
    phase: str | None = None,
    seed: int = 0,
    first: int = 0,
) -> dict[str, LayerInTime]:
    """Measure every layer whose activity is passed on, on one batch of trials, with weights that stay as they are.

    Credit is that of the variable that a layer sends; of one that sends its spikes and a filtered version of them, that
    of a spike, and its signal is handed back through the filter.

    Parameters
    ----------
    circuit, setting, state, stimuli, seed, first
        As for `BatchedEngine.run`; the circuit is over time. Signals and credit are those without injected noise.
    phase
        The phase at whose end the loss is read; the first by default.

    Returns
    -------
    dict
        Layer -> `LayerInTime`.

    Raises
    ------
    CircuitError
        As `neurosim.gradients.credit_in_time.credit_in_time`.

    Examples
    --------
    >>> import neurosim
    >>> from neurosim.engines.stimuli import stimuli_of
    >>> model = neurosim.load("learned_in_time/teacher+symmetric", ["task.n_train=8", "task.n_validation=8"])
    >>> circuit, setting = model.circuit, model.engine.setting
    >>> shown = stimuli_of(circuit, model.load_task(seed=0).validation, slice(8), dt=setting.dt)
    >>> state = neurosim.initial_state(circuit, 0)
    >>> numbers = neurosim.alignment_in_time(circuit, setting, state, shown)["hidden1"].numbers
    >>> bool(numbers["signal_immediate_angle_deg"] < 1e-6)  # symmetric feedback delivers immediate credit
    True
    """
    quiet = undisturbed(circuit)
    credit = credit_in_time(quiet, setting, state, stimuli, phase=phase, kicked=kicked_for(quiet))
    signals, errors = delivered_in_time(quiet, setting, state, stimuli, phase)
    after, _ = BatchedEngine(circuit, setting).run(state, stimuli, seed=seed, first=first)
    layers: dict[str, LayerInTime] = {}
    for population in circuit.populations:
        layer = population.name
        sent = layer_credit(quiet, setting, state, credit, layer)
        if sent is None:
            continue
        total, immediate = sent.total, sent.immediate
        signal = sent.through_filter(signals[layer]) if layer in signals else None
        numbers = dict.fromkeys(NUMBERS_IN_TIME, math.nan)
        numbers |= {"immediate_total_angle_deg": _angle(immediate, total)}
        numbers |= _of_signal(signal, total, immediate) if signal is not None else {}
        numbers |= _of_update(circuit, state, after, credit, layer)
        through = {name: sent.errors(course) for name, course in errors.items()}
        handed = {name: course for name, course in through.items() if course is not None}
        best, more = _of_weights(circuit, state, layer, handed, total / credit.dt)
        layers[layer] = LayerInTime(numbers | more, _courses(signal, total, immediate), best)
    return layers


def delivered_in_time(
    circuit: Circuit, setting: Setting, state: Mapping[str, Any], stimuli: Mapping[str, Any], phase: str | None
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What feedback delivers to each layer in a step, and what its pathways read, each (trial, step, n).

    Signals are multiplied by the time step, as credit is that of a step.
    """
    names = {p.name: name for p in circuit.populations if (name := signal_of(circuit, p.name)) is not None}
    sources = [p.source for layer in names for p in feedback_pathways(circuit, layer) if not p.at_spikes]
    phases = [each.name for each in circuit.phases]
    run = phases[: phases.index(phase_of(circuit, phase).name) + 1]
    record = tuple(dict.fromkeys([*names.values(), *sources]))
    _, outputs = BatchedEngine(circuit, setting).run(state, stimuli, record=record, learn=False, phases=run)
    courses = {name: np.swapaxes(outputs.recordings[name], 0, 1).astype(float) for name in record}
    return {layer: setting.dt * courses[name] for layer, name in names.items()}, {
        name: courses[name] for name in sources
    }


def signal_of(circuit: Circuit, layer: str) -> str | None:
    """The variable in which a layer's feedback arrives: what the neuron makes of it, where it says so."""
    pathway = feedback_pathway(circuit, layer)
    if pathway is None or pathway.at_spikes:
        return None
    ports = circuit.population[layer].neuron.ports
    if pathway.target == f"{layer}.{ports.get('feedback')}" and "signal" in ports:
        return f"{layer}.{ports['signal']}"
    return pathway.target


def _angle(delivered: np.ndarray, true: np.ndarray) -> float:
    return float(angle.measure(delivered.ravel(), true.ravel()))


def _of_signal(signal: np.ndarray, total: np.ndarray, immediate: np.ndarray) -> dict[str, float]:
    return {
        "signal_total_angle_deg": _angle(signal, total),
        "signal_immediate_angle_deg": _angle(signal, immediate),
        "signal_total_norm_ratio": float(norm_ratio.measure(signal.ravel(), total.ravel())),
        "signal_total_r2": float(r_squared.measure(signal, total)),
    }


def _of_update(
    circuit: Circuit, before: Mapping[str, Any], after: Mapping[str, Any], credit: CreditInTime, layer: str
) -> dict[str, float]:
    """The angles of a layer's update, and of the gradient without transmissions, to the gradient."""
    names = incoming_weights(circuit, layer)
    references = {"update_angle_deg": credit.weights, "update_immediate_angle_deg": credit.immediate_weights}
    numbers = angles_of(names, before, after, references)
    driving = [f"{p.name}.w" for p in circuit.pathways if p.post == layer and drives(circuit, p)]
    compared = names or tuple(name for name in driving if name in credit.weights)
    if compared:
        both = (credit.immediate_weights, credit.weights)
        local, full = (np.concatenate([weights[name].ravel() for name in compared]) for weights in both)
        numbers["immediate_update_angle_deg"] = _angle(local, full)
    return numbers


def _of_weights(
    circuit: Circuit, state: Mapping[str, Any], layer: str, errors: Mapping[str, np.ndarray], credit: np.ndarray
) -> tuple[LinearFeedback | None, dict[str, float]]:
    """The best weights of a layer's first feedback pathway, and the angles between the three kinds of weights."""
    pathway = feedback_pathway(circuit, layer)
    if pathway is None or pathway.source not in errors:
        return None, {}
    numbers = weight_numbers(circuit, state, layer)
    best = best_feedback(errors[pathway.source], credit)
    angles = {name: numbers[name] for name in ("weight_angle_deg", "weight_norm_ratio")} | {"best_r2": best.r2}
    weights = weights_of(circuit, state, pathway.name) if circuit.connectivity(pathway.name).weighted else None
    if weights is not None and np.shape(weights) == best.weights.shape:
        angles["best_weight_angle_deg"] = float(matrix_angle.measure(np.asarray(weights, float), best.weights))
    wanted = wanted_weights(circuit, state, layer)
    if wanted is not None and np.shape(wanted) == best.weights.shape:
        angles["best_wanted_angle_deg"] = float(matrix_angle.measure(best.weights, np.asarray(wanted, float)))
    return best, angles


def _courses(signal: np.ndarray | None, total: np.ndarray, immediate: np.ndarray) -> dict[str, np.ndarray]:
    by_step = {name: np.swapaxes(array, 0, 1) for name, array in (("total", total), ("immediate", immediate))}
    if signal is not None:
        by_step["signal"] = np.swapaxes(signal, 0, 1)
    courses = {f"{name}_norm": np.sqrt(np.mean(np.sum(array**2, axis=-1), axis=-1)) for name, array in by_step.items()}
    if signal is not None:
        flat = {name: array.reshape(len(array), -1) for name, array in by_step.items()}
        for name in ("total", "immediate"):
            courses[f"signal_{name}_cosine"] = np.cos(np.radians(angle.measure(flat["signal"], flat[name])))
    return courses
