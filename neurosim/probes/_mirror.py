"""The probe `mirror` at work; apart from its settings, which are checked where nothing is compiled."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Dense
from neurosim.circuit.description import Pathway, hold
from neurosim.circuit.roles import drives
from neurosim.circuit.update_noise import with_update_noise
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.state import State, weights_of
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import CircuitError, ConfigError, NumericalError
from neurosim.gradients.feedback import feedback_pathway, wanted_weights
from neurosim.metrics import matrix_angle
from neurosim.probes import _mirror_limits
from neurosim.probes._findings import Findings, OnStep
from neurosim.probes._learning import learned_layers, random_order, seed_of_repetition, start_of
from neurosim.random import stream
from neurosim.stability.feedback import sampling_angle
from neurosim.stability.mirror import MatrixFlow
from neurosim.tasks._task import Task

if TYPE_CHECKING:
    from neurosim.probes.mirror import Config

# Long stretches are cut into calls of so many steps, to show progress.
_STEPS_PER_CALL = 1000
# Trials on which the moments of activities are taken, where a batch is not an expectation already.
_TRIALS = 4096


@dataclass(frozen=True)
class _Look:
    """A layer's weights at a moment."""

    forward: np.ndarray
    feedback: np.ndarray


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """See `neurosim.probes.mirror.measure`."""
    layers = learned_layers(engine.circuit)
    _refuse_kernels(engine.circuit, layers)
    circuit = _mirroring(engine.circuit, layers, forward=config.forward == "learned")
    if config.weight_noise is not None:
        circuit = with_update_noise(circuit, config.weight_noise)
    fixed = replace(engine, circuit=circuit)
    looks = []
    for number in range(config.repetitions):

        def told(done: int, number: int = number) -> None:
            if on_step is not None:
                on_step(number * config.marks[-1] + done, config.repetitions * config.marks[-1])

        looks.append(_repetition(config, fixed, task, layers, seed_of_repetition(seed, number), told))
    return _findings(config, layers, looks, engine.circuit)


def _mirroring(circuit: Circuit, layers: tuple[str, ...], *, forward: bool) -> Circuit:
    """The phases in which the layers' feedback learns; without the forward weights, unless these should learn.

    What other phases would have held is zero: of the task there is no error.
    """
    feedback = {pathway.name for layer in layers if (pathway := feedback_pathway(circuit, layer)) is not None}

    def learning(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if forward or not drives(circuit, name))

    phases = [replace(p, learn=learning(p.learn)) for p in circuit.phases if feedback & set(p.learn)]
    kept = {held.target for phase in phases for held in phase.hold}
    nothing = dict.fromkeys(held.target for phase in circuit.phases for held in phase.hold if held.target not in kept)
    phases[0] = replace(phases[0], hold=(*(hold(f"{target} = 0") for target in nothing), *phases[0].hold))
    return replace(circuit, phases=tuple(phases))


def _repetition(
    config: Config, engine: BatchedEngine, task: Task, layers: tuple[str, ...], seed: int, told: Any
) -> dict[str, dict[str, Any]]:
    """Numbers by layer; those of every look as lists."""
    circuit, batch, state = engine.circuit, config.batch_size, start_of(engine, seed)
    whole = config.noise == "whitened" or batch == len(task.train)
    if config.noise == "whitened":
        if not any(population.noise for population in circuit.populations):
            raise ConfigError.at("probe.noise", "got 'whitened', expected 'drawn': the circuit holds no noise")
        engine, given = _white(engine, task, batch, seed)
    else:
        given = stimuli_of(circuit, task.train, slice(None), dt=engine.setting.dt)
    data, done = engine.placed(given, batch), 0
    looks = [{layer: _look(circuit, state, layer) for layer in layers}]
    for mark in config.marks:
        steps = (mark - done) // batch
        if whole:
            order = np.tile(np.arange(batch), (steps, 1))
        else:
            order = random_order(seed, done, len(task.train), steps, batch)
        for part in np.split(order, range(_STEPS_PER_CALL, steps, _STEPS_PER_CALL)):
            state, _ = engine.train(state, data, part, seed=seed, first=done)
            done += part.size
            told(done)
        looks.append({layer: _look(circuit, state, layer) for layer in layers})

    def moments_of(layer: str, pathway: Pathway) -> _mirror_limits.Moments:
        where = (engine, given) if whole else _white(engine, task, _TRIALS, seed)
        return _mirror_limits.moments_of(*where, state, layer, pathway)

    numbers: dict[str, dict[str, Any]] = {}
    updates = np.diff([0, *config.marks])[-1] // batch
    for layer in layers:
        course = [look[layer] for look in looks]
        numbers[layer] = _course(course)
        numbers[layer] |= _end(course, rate=_rate(state, circuit, layer) * updates)
        numbers[layer] |= _against_theory(circuit, state, layer, course, moments_of, updates)
    return numbers


def _refuse_kernels(circuit: Circuit, layers: Sequence[str]) -> None:
    """The theory is that of matrices."""
    for layer in layers:
        pathway = feedback_pathway(circuit, layer)
        if pathway is not None and circuit.connectivity(pathway.name) != Dense():
            raise CircuitError(
                f"this probe compares matrices, and the feedback '{pathway.name}' to '{layer}' is "
                f"{circuit.connectivity(pathway.name)}; use a network whose hidden layers are sizes"
            )


def _look(circuit: Circuit, state: State, layer: str) -> _Look:
    pathway, wanted = feedback_pathway(circuit, layer), wanted_weights(circuit, state, layer)
    assert pathway is not None and wanted is not None
    look = _Look(wanted.T.astype(float), weights_of(circuit, state, pathway.name).astype(float))
    if not (np.isfinite(look.forward).all() and np.isfinite(look.feedback).all()):
        raise NumericalError(
            f"the weights between '{layer}' and '{pathway.pre}' are no longer finite; lower the learning rate or amp, "
            "or raise decay or null"
        )
    return look


def _rate(state: State, circuit: Circuit, layer: str) -> float:
    """The feedback's learning rate; one where a rule has none."""
    pathway = feedback_pathway(circuit, layer)
    assert pathway is not None
    return float(state.get(f"{pathway.name}.learning_rate", 1.0))


def _course(looks: list[_Look]) -> dict[str, list[float]]:
    """Numbers of every look."""
    return {
        "angle_deg": [_angle(look.feedback, look.forward.T) for look in looks],
        "gain": [_gain(look.feedback, look.forward) for look in looks],
        "norm_ratio": [_norm(look.feedback) / _norm(look.forward) for look in looks],
        "forward_norm": [_norm(look.forward) for look in looks],
        "asymmetry": [_norm(look.forward - look.feedback.T) / _norm(look.forward) for look in looks],
    }


def _end(looks: list[_Look], *, rate: float) -> dict[str, float]:
    """Numbers that take several looks; `rate` is the feedback's, times the updates between the last two."""
    first, before, last = looks[0], looks[-2], looks[-1]
    mean = (first.forward.T + first.feedback) / 2
    gone = math.hypot(_norm(last.forward.T - mean), _norm(last.feedback - mean))
    sums = [_norm(look.forward.T + look.feedback) for look in (before, last)]
    return {"from_mean": gone / (math.sqrt(2) * _norm(mean)), "growth_rate": math.log(sums[1] / sums[0]) / rate}


def _against_theory(
    circuit: Circuit,
    state: State,
    layer: str,
    looks: list[_Look],
    moments_of: Callable[[str, Pathway], _mirror_limits.Moments],
    updates: int,
) -> dict[str, float]:
    """Numbers that need the limit of the feedback weights beside the forward weights at the end."""
    pathway, last = feedback_pathway(circuit, layer), looks[-1]
    assert pathway is not None
    values = {name: float(state[key]) for name, key in _mirror_limits.coefficients(pathway, state).items()}
    settles = "amp" in values and (values.get("decay", 0) > 0 or values.get("sparse", 0) > 0)
    moments = moments_of(layer, pathway) if settles else None
    limit = _mirror_limits.limit(values, moments, looks[0].feedback, last.forward)
    if limit is None:
        return {"residual": _norm(last.feedback - last.forward.T) / math.sqrt(last.feedback.size)}
    off = [_norm(look.feedback - limit) for look in looks]
    numbers = {
        "predicted_angle_deg": _angle(limit, last.forward.T),
        "predicted_gain": _gain(limit, last.forward),
        "distance": off[-1] / _norm(limit),
        "residual": off[-1] / math.sqrt(limit.size),
        "efold_updates": updates / math.log(off[-2] / off[-1]) if off[-1] not in (0, off[-2]) else math.nan,
    }
    unit = None if moments is None else _mirror_limits.linear_gain(values, moments)
    if moments is not None and moments.slopes is not None and unit is not None:
        own = np.sum(last.feedback * last.forward.T, axis=0) / np.sum(last.forward**2, axis=1)
        numbers["column_error"] = float(np.max(np.abs(own / (unit * moments.slopes) - 1)))
    if moments is not None and _mirror_limits.flows(circuit, pathway):
        flow = MatrixFlow(
            values["amp"], values.get("decay", 0.0), moments.covariance, len(last.forward), values.get("null", 0.0)
        )
        if np.isfinite(flow.sizes).all() and flow.sizes.any():
            sizes = np.zeros(flow.outputs)
            singular = np.linalg.svd(last.forward, compute_uv=False)
            sizes[: len(singular)] = singular
            numbers["sizes_error"] = float(np.max(np.abs(sizes - flow.sizes)) / np.max(flow.sizes))
    return numbers


def _white(engine: BatchedEngine, task: Task, trials: int, seed: int) -> tuple[BatchedEngine, dict[str, np.ndarray]]:
    """The circuit with its held noise among the stimuli, white over the trials; and these stimuli."""
    circuit = engine.circuit
    sizes = {f"{p.name}.{variable}": p.size for p in circuit.populations for variable in p.noise}
    count = sum(sizes.values())
    if trials <= count:
        raise ConfigError.at(
            "probe.batch_size",
            f"got {trials}, expected more than the {count} numbers of noise of a trial, so that a batch can be white",
        )
    drawn = stream(seed, "white noise").standard_normal((trials, count))
    drawn -= drawn.mean(axis=0)
    white = np.linalg.solve(np.linalg.cholesky(drawn.T @ drawn / trials), drawn.T).T if count else drawn
    parts = np.split(white, np.cumsum(list(sizes.values()))[:-1], axis=1) if count else []
    given = stimuli_of(circuit, task.train, np.arange(trials) % len(task.train), dt=engine.setting.dt)
    phases = tuple(replace(phase, draw_noise=False) for phase in circuit.phases)
    populations = tuple(replace(population, noise=()) for population in circuit.populations)
    quiet = replace(engine, circuit=replace(circuit, phases=phases, populations=populations))
    return quiet, {**given, **dict(zip(sizes, parts, strict=True))}


def _findings(
    config: Config, layers: tuple[str, ...], looks: list[dict[str, dict[str, Any]]], circuit: Circuit
) -> Findings:
    import xarray

    numbers: dict[str, float] = {}
    variables: dict[str, Any] = {}
    presentations = np.array([0, *config.marks])
    for layer in layers:
        for name, first in looks[0][layer].items():
            rows = np.array([repetition[layer][name] for repetition in looks])
            numbers[f"{layer}.{name}"] = float(rows[:, -1].mean() if isinstance(first, list) else rows.mean())
            if isinstance(first, list):
                variables.setdefault(name, []).append(rows.mean(axis=0))
    laws = [
        [sampling_angle(circuit.population[layer].size, n) if n else 90.0 for n in presentations] for layer in layers
    ]
    variables = {**variables, "sampling_angle_deg": laws}
    curves = {name: (("presentations", "layer"), np.array(rows).T) for name, rows in variables.items()}
    return Findings(numbers, xarray.Dataset(curves, {"presentations": presentations, "layer": list(layers)}))


def _angle(first: np.ndarray, second: np.ndarray) -> float:
    return float(matrix_angle.measure(first, second))


def _gain(feedback: np.ndarray, forward: np.ndarray) -> float:
    """The factor of the transposed forward weights in the feedback weights."""
    return float(np.sum(feedback * forward.T) / np.sum(forward**2))


def _norm(array: np.ndarray) -> float:
    return float(np.linalg.norm(array))
