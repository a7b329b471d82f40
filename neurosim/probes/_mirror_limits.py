"""Where a sum of primitives should take feedback weights, from what the engine shows of a mirror phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.state import State
from neurosim.rules._primitives import coefficient
from neurosim.stability.feedback import activation_weights, mirror_weights, weight_mirror_gain


@dataclass(frozen=True)
class Moments:
    """Second moments of what a layer shows (x) and the layer above answers (y), and mean slopes above, if known."""

    covariance: np.ndarray
    cross: np.ndarray
    power: np.ndarray
    slopes: np.ndarray | None


def moments_of(
    engine: BatchedEngine, given: Mapping[str, np.ndarray], state: State, layer: str, pathway: Pathway
) -> Moments:
    """Moments of what the rule reads, on the given trials."""
    circuit, above = engine.circuit, pathway.pre
    wanted = (f"{layer}.mirror_x", f"{above}.mirror_y")
    phase = next(p for p in circuit.phases if pathway.name in p.learn)
    shown = {h.target: f"{h.population}.{h.statement.expression}" for h in phase.hold if h.target in wanted}
    equations, slope = circuit.population[above].model.equation_set.by_name, f"{above}.slope"
    answer = equations.get(shown[wanted[1]].partition(".")[2])
    # A layer that answers with its summed input has no slope in its answer.
    sloped = (
        "slope" in equations and answer is not None and circuit.population[above].neuron.ports["output"] in answer.names
    )
    report = [*shown.values(), *([slope] if sloped else [])]
    _, outputs = engine.run(state, given, report=report, learn=False)
    ends = {name: np.asarray(array, dtype=float) for name, array in outputs.ends[phase.name].items()}
    x, y = ends[shown[wanted[0]]], ends[shown[wanted[1]]]
    if pathway.synapse.name == "batch_centred":
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    slopes = ends[slope].mean(axis=0) if slope in ends else None
    return Moments(x.T @ x / len(x), x.T @ y / len(x), y.T @ y / len(x), slopes)


def coefficients(pathway: Pathway, state: State) -> dict[str, str]:
    """The primitives of a pathway's rule, with the names of their coefficients in the state."""
    primitives = ("amp", "null", "decay", "sparse", "self")
    keys = {name: f"{pathway.name}.{coefficient(name)}" for name in primitives}
    return {
        name: key
        for name, key in keys.items()
        if key in state and not any(moment.within_steps for moment in pathway.synapse.moments)
    }


def flows(circuit: Circuit, pathway: Pathway) -> bool:
    """Whether the forward weights beside learn by the same primitives, those of the symmetrised flow."""
    learning = [circuit.pathway[name] for phase in circuit.phases for name in phase.learn]
    beside = [p for p in learning if (p.pre, p.post) == (pathway.post, pathway.pre)]
    primitives = {name for name in pathway.synapse.parameters if name.startswith("c_")}
    return bool(beside) and primitives <= {coefficient(name) for name in ("amp", "null", "decay")}


def limit(
    values: Mapping[str, float], moments: Moments | None, start: np.ndarray, forward: np.ndarray
) -> np.ndarray | None:
    """Where a sum of primitives lets feedback weights stand still, if that is one of the known sums."""
    if values.keys() == {"self", "decay"} and values["decay"] > 0:
        return values["self"] / values["decay"] * forward.T
    if moments is None or "amp" not in values:
        return None
    if values.keys() == {"amp", "sparse"} and values["sparse"] > 0:
        return activation_weights(
            moments.cross, moments.covariance, amp=values["amp"], sparse=values["sparse"], start=start
        )
    null, decay = values.get("null", 0.0), values.get("decay", 0.0)
    if values.keys() <= {"amp", "null", "decay"} and decay > 0:
        return mirror_weights(moments.cross, moments.power, amp=values["amp"], decay=decay, null=null)
    return None


def linear_gain(values: Mapping[str, float], moments: Moments) -> float | None:
    """How many times W^T feedback weights would settle at below linear units, for white activity."""
    if values.keys() == {"amp", "sparse"} and values["sparse"] > 0:
        return values["amp"] / values["sparse"]
    if values.keys() == {"amp", "decay"} and values["decay"] > 0:
        return weight_mirror_gain(values["amp"], values["decay"], float(np.mean(np.diag(moments.covariance))))
    return None
