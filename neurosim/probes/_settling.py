"""Measuring what control loops settle to; see `neurosim.probes.settling`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import ControlLoop
from neurosim.engines.state import State, initial_state, weights_of
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import ConfigError
from neurosim.metrics import angle
from neurosim.probes._findings import Findings, OnStep
from neurosim.random import stream
from neurosim.stability.abscissa import abscissa_gradient, stabilised
from neurosim.stability.inverse import inverse, pseudo_inverse, single_loop_fixed_point
from neurosim.stability.inversion import abscissa, is_stable
from neurosim.stability.inversion_steps import is_stable_in_steps
from neurosim.stability.single_loop import single_loop_abscissa, single_loop_eigenvalues
from neurosim.tasks._task import Task

if TYPE_CHECKING:
    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.probes.settling import Config


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """See `neurosim.probes.settling.measure`."""
    circuit = engine.circuit
    if not circuit.loops or not all(loop.linear for loop in circuit.loops):
        raise ConfigError.at(
            "probe.kind",
            f"got 'settling' for the scheme '{circuit.name}', expected one whose errors settle in linear "
            "loops: dynamic_inversion or single_loop_dynamic_inversion with convention 'gated'",
        )
    state = initial_state(circuit, seed, dtype=engine.setting.dtype)
    rows = stream(seed, "measure").permutation(len(task.train))[: config.trials]
    bench = _Bench(engine, stimuli_of(circuit, task.train, rows, dt=engine.setting.dt))
    numbers: dict[str, float] = {}
    ends = bench.settle(state)
    for loop in circuit.loops:
        numbers |= _of_loop(circuit, loop, state, ends)
    total = config.systems + 2 * config.gains
    if config.systems:
        numbers |= bench.systems(config.systems, state, seed, on_step, total)
    if config.gains:
        for number, (name, sign) in enumerate({"largest_gain": -1.0, "largest_positive_gain": 1.0}.items()):
            numbers[name] = bench.largest_gain(state, sign, config.highest_gain, config.gains)
            if on_step is not None:
                on_step(config.systems + (number + 1) * config.gains, total)
    if config.repairs:
        numbers |= _repairs(config.repairs, circuit.shape(circuit.loops[0].forward[0]), seed)
    return Findings(numbers)


#: What moves by less than this fraction of how it moved at first has settled.
_SETTLED = 1e-9


class _Bench:
    """The circuit's loops on a few trials."""

    def __init__(self, engine: BatchedEngine, stimuli: Mapping[str, np.ndarray]) -> None:
        self.engine, self.circuit, self.stimuli = engine, engine.circuit, stimuli
        self.loop = self.circuit.loops[0]
        self.controller = self.loop.target.split(".")[0]
        self.phase = str(self.circuit.delivered_at)

    def settle(self, state: State) -> Mapping[str, np.ndarray]:
        """All loops' targets and activities when the last has settled."""
        names = {name for loop in self.circuit.loops for name in (loop.target, loop.activity)}
        names |= {f"{self.circuit.pathway[p].pre}.error_x" for loop in self.circuit.loops for p in loop.forward}
        _, outputs = self.engine.run(state, self.stimuli, report=tuple(sorted(names)), learn=False)
        return outputs.ends[self.phase]

    def moves(self, state: State, *variables: str) -> np.ndarray:
        """By how much variables of the first loop's controller change in each step, (step, trial, n).

        How they move obeys the loop without its target.
        """
        names = tuple(f"{self.controller}.{variable}" for variable in variables)
        _, outputs = self.engine.run(state, self.stimuli, record=names, learn=False)
        phases = [phase.steps(self.engine.setting.dt) for phase in self.circuit.phases]
        number = [phase.name for phase in self.circuit.phases].index(self.phase)
        course = np.concatenate([outputs.recordings[name] for name in names], axis=-1).astype(float)
        with np.errstate(all="ignore"):
            return np.diff(course[sum(phases[:number]) : sum(phases[: number + 1])], axis=0)

    def radius(self, state: State) -> float:
        """The factor by which the slowest mode of the first loop changes in a step, by the map that fits its course."""
        moves = self.moves(state, "u", "z")
        before, after = (part.reshape(-1, moves.shape[-1]) for part in (moves[:-1], moves[1:]))
        # Late ones are small or large beyond measure.
        size = np.linalg.norm(before, axis=1, keepdims=True)
        seen = np.isfinite(after).all(axis=1) & (size[:, 0] > _SETTLED * np.nanmax(size[: moves.shape[1]]))
        fitted = np.linalg.lstsq(before[seen] / size[seen], after[seen] / size[seen], rcond=None)[0]
        return float(np.abs(np.linalg.eigvals(fitted)).max())

    def grows(self, state: State) -> bool:
        """Whether the first loop's controller moves ever faster."""
        with np.errstate(all="ignore"):
            size = np.sqrt(np.sum(self.moves(state, "z") ** 2, axis=(1, 2)))
        if not np.isfinite(size).all():
            return True
        fifth = len(size) // 5
        # Windows, because a mode that oscillates comes and goes; what has settled moves by rounding alone.
        last = size[-fifth:].max()
        return bool(last > size[-2 * fifth : -fifth].max() and last > _SETTLED * size.max())

    def systems(self, count: int, state: State, seed: int, on_step: OnStep | None, total: int) -> dict[str, float]:
        """Random systems, predicted and run."""
        generator = stream(seed, "systems")
        (above, below), dt = self.circuit.shape(self.loop.forward[0]), self.engine.setting.dt
        wrong = naive = stable = 0
        order = "controller_first" if self.loop.controller_first else "together"
        for number in range(count):
            w = generator.standard_normal((above, below)) / math.sqrt(below)
            b = -generator.uniform(0, 1) * w.T + generator.uniform(0, 1) * generator.standard_normal((below, above)) / 3
            leak = 10 ** generator.uniform(-2, 0.5)
            tau_u, tau_x = dt * 10 ** generator.uniform(0.5, 1.5, 2)
            taus = {"tau_u": float(tau_u), "tau_x": float(tau_x)}
            predicted = is_stable_in_steps(w, b, leak, dt, order=order, **taus)
            exact = bool(is_stable(w, b, leak, **taus))
            naive += bool((np.linalg.eigvals(w @ b).real < leak).all()) != exact
            changed = {
                f"{self.loop.forward[0]}.w": w,
                f"{self.loop.feedback}.w": b,
                f"{self.controller}.leak": np.asarray(leak),
                f"{self.controller}.tau_u": np.asarray(tau_u),
                f"{self.controller}.tau_x": np.asarray(tau_x),
            }
            wrong += (self.radius({**state, **changed}) < 1) != predicted.stable
            stable += predicted.stable
            if on_step is not None:
                on_step(number + 1, total)
        return {"systems_wrong": float(wrong), "naive_wrong": float(naive), "systems_stable": float(stable)}

    def largest_gain(self, state: State, sign: float, highest: float, halvings: int) -> float:
        """The gain up to which the first loop decays, by halving an interval; infinite if it does everywhere."""
        forward = np.eye(1)
        for name in self.loop.forward:
            forward = (
                np.asarray(state[f"{name}.w"], dtype=float)
                if name == self.loop.forward[0]
                else (np.asarray(state[f"{name}.w"], dtype=float) @ forward)
            )
        unit = sign * forward.T / np.linalg.norm(forward, 2) ** 2
        low, high = 0.0, highest
        if not self.grows({**state, f"{self.loop.feedback}.w": high * unit}):
            return math.inf
        for _ in range(halvings):
            middle = (low + high) / 2
            if self.grows({**state, f"{self.loop.feedback}.w": middle * unit}):
                high = middle
            else:
                low = middle
        return (low + high) / 2


def _of_loop(circuit: Circuit, loop: ControlLoop, state: State, ends: Mapping[str, np.ndarray]) -> dict[str, float]:
    weights = [np.asarray(weights_of(circuit, state, name), dtype=float) for name in loop.forward]
    feedback = np.asarray(weights_of(circuit, state, loop.feedback), dtype=float)
    target, reached = np.asarray(ends[loop.target], dtype=float), np.asarray(ends[loop.activity], dtype=float)
    taus = {"tau_u": loop.tau_u, "tau_x": loop.tau_x}
    numbers: dict[str, float] = {}
    if len(weights) > 1:
        numbers["abscissa"] = loop.tau_u * single_loop_abscissa(
            single_loop_eigenvalues(weights, feedback), len(weights), loop.leak, **taus
        )
        numbers["fixed_point_error"] = _error(
            reached, target @ single_loop_fixed_point(weights, feedback, loop.leak)[0].T
        )
        return _named(loop.layer, numbers) | _sequential(circuit, loop, weights, target, ends)
    (w,) = weights
    above, below = w.shape
    numbers["abscissa"] = loop.tau_u * abscissa(w, feedback, loop.leak, **taus)
    settles = loop.leak > 0 or above <= below
    matrix = inverse(w, feedback, loop.leak)
    numbers["fixed_point_error"] = _error(reached, target @ matrix.T) if settles else math.nan
    forms = [inverse(w, feedback, loop.leak, form) for form in ("right", "left")] if loop.leak else [matrix, matrix]
    numbers["forms_error"] = _error(forms[0], forms[1]) if loop.leak else math.nan
    numbers["residual"] = _error(reached @ w.T, target)
    numbers["pseudo_inverse_error"] = _error(reached, target @ pseudo_inverse(w, loop.leak).T)
    numbers["nondynamic_error"] = _error(inverse(w, -w.T, 0.0), pseudo_inverse(w))
    return _named(loop.layer, numbers)


def _sequential(
    circuit: Circuit, loop: ControlLoop, weights: list[np.ndarray], target: np.ndarray, ends: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """The angles of a single loop's errors to those of loops one after the other, with minus the transposes."""
    angles = {}
    for name, w in zip(reversed(loop.forward), reversed(weights), strict=True):
        target = target @ inverse(w, -w.T, loop.leak).T
        layer = circuit.pathway[name].pre
        off = float(np.mean(angle.measure(np.asarray(ends[f"{layer}.error_x"], dtype=float), target)))
        angles[f"{layer}.sequential_angle_deg"] = off
    return angles


def _repairs(count: int, shape: tuple[int, int], seed: int) -> dict[str, float]:
    generator = stream(seed, "repairs")
    done, cosines = 0, []
    for _ in range(count):
        w, b = generator.uniform(-0.01, 0.01, shape), generator.uniform(-0.01, 0.01, shape[::-1])
        done += stabilised(w, b, 0.0).succeeded
        (_, gradient), step = abscissa_gradient(w, b, 0.0), 1e-7
        differences = np.empty_like(b)
        for index in np.ndindex(*b.shape):
            moved = np.zeros_like(b)
            moved[index] = step
            differences[index] = (abscissa(w, b + moved, 0.0) - abscissa(w, b - moved, 0.0)) / (2 * step)
        product = np.sum(gradient * differences)
        cosines.append(product / (np.linalg.norm(gradient) * np.linalg.norm(differences)))
    return {"repaired": done / count, "gradient_cosine": float(min(cosines))}


def _named(layer: str, numbers: Mapping[str, float]) -> dict[str, float]:
    return {f"{layer}.{name}": float(value) for name, value in numbers.items()}


def _error(reached: Any, expected: Any) -> float:
    """The largest distance of any row, over the row's length."""
    distance = np.linalg.norm(np.asarray(reached) - expected, axis=-1)
    return float(np.max(distance / np.linalg.norm(expected, axis=-1)))
