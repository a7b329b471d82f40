"""The probe `spiking_inversion` at work; apart from its settings, which are checked where nothing is compiled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import ControlLoop
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state, weights_of
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import ConfigError
from neurosim.metrics import angle
from neurosim.probes._findings import Findings, OnStep
from neurosim.probes._learning import seed_of_repetition
from neurosim.probes._spiking_loop import ERROR, TARGET, Taus, loop_state, spiking_loop
from neurosim.random import stream
from neurosim.stability.decoded_loop import Decoded, decoded_fixed_point
from neurosim.stability.population_code import FiringCurve, PopulationCode, population_code
from neurosim.tasks._task import Task
from neurosim.units import format_quantity, parse_quantity

if TYPE_CHECKING:
    from neurosim.probes.spiking_inversion import Config

# Trials from whose fixed points ranges are taken.
_OTHERS = 256
# The error of the loop without spikes over the noise of the one with, from which on that counts as still settling.
_SETTLING = 3.0


@dataclass(frozen=True)
class Bench:
    """One draw: the loop's weights, the targets that are measured, and how large its numbers become.

    Attributes
    ----------
    w, b, leak, taus
        The loop's: ``tau_u`` and ``tau_x`` in seconds.
    targets
        (trial, n_post).
    fixed
        The exact fixed point of the error, (trial, n_pre).
    ranges
        Ranges of the ``controller`` and of the ``error``, one for each number.
    course
        The error of the loop without spikes, at the times that are asked for, (time, trial, n_pre).
    """

    w: np.ndarray
    b: np.ndarray
    leak: float
    taus: Mapping[str, float]
    targets: np.ndarray
    fixed: np.ndarray
    ranges: Mapping[str, np.ndarray]
    course: np.ndarray


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """See `neurosim.probes.spiking_inversion.measure`."""
    loop = _loop_of(engine.circuit)
    dims = (config.draws, len(config.neurons), len(config.settling))
    measured = {name: np.empty(dims) for name in ("error", "angle_deg")}
    measured |= {name: np.empty((dims[0], dims[2])) for name in ("rate_error", "rate_angle_deg")}
    measured["static_error"] = np.empty(dims[:2])
    for draw in range(config.draws):
        own = seed_of_repetition(seed, draw)
        bench = bench_of(config, engine, task, loop, own)
        measured["rate_error"][draw], measured["rate_angle_deg"][draw] = _against(bench.course, bench.fixed)
        for place, neurons in enumerate(config.neurons):
            codes = codes_of(config, bench, neurons, own)
            course = _spiking_course(config, bench, codes, loop, str(engine.setting.dtype))
            measured["error"][draw, place], measured["angle_deg"][draw, place] = _against(course, bench.fixed)
            measured["static_error"][draw, place] = _static_error(bench, codes)
            if on_step is not None:
                on_step(draw * dims[1] + place + 1, dims[0] * dims[1])
    return Findings(_numbers(config, measured), _curves(config, measured))


def _loop_of(circuit: Circuit) -> ControlLoop:
    if not circuit.loops or not circuit.loops[0].linear or len(circuit.loops[0].forward) > 1:
        raise ConfigError.at(
            "probe.kind",
            f"got 'spiking_inversion' for the scheme '{circuit.name}', expected one whose errors settle in "
            "linear loops around one layer: dynamic_inversion with convention 'gated'",
        )
    return circuit.loops[0]


def bench_of(config: Config, engine: BatchedEngine, task: Task, loop: ControlLoop, seed: int) -> Bench:
    """Present trials to the loop without spikes."""
    circuit = engine.circuit
    state = initial_state(circuit, seed, dtype=engine.setting.dtype)
    rows = stream(seed, "measure").permutation(len(task.train))[: config.trials + _OTHERS]
    stimuli = stimuli_of(circuit, task.train, rows, dt=engine.setting.dt)
    course, ends = _rate_course(config, engine, loop, state, stimuli)
    w, b = (np.asarray(weights_of(circuit, state, name), dtype=float) for name in (loop.forward[0], loop.feedback))
    targets = np.asarray(ends[loop.target], dtype=float)
    controller = targets @ np.linalg.inv(w @ b - loop.leak * np.eye(len(w))).T
    settled = {"controller": controller, "error": controller @ b.T}
    others = slice(config.trials, None) if len(rows) > config.trials else slice(None)
    ranges = {n: config.headroom * np.sqrt(np.mean(a[others] ** 2, axis=0)) for n, a in settled.items()}
    own = slice(config.trials)
    taus = {"tau_u": loop.tau_u, "tau_x": loop.tau_x}
    return Bench(w, b, loop.leak, taus, targets[own], settled["error"][own], ranges, course[:, own])


def _rate_course(
    config: Config, engine: BatchedEngine, loop: ControlLoop, state: State, stimuli: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
    circuit, dt = engine.circuit, engine.setting.dt
    name = str(circuit.delivered_at)
    number = [phase.name for phase in circuit.phases].index(name)
    steps = _steps(config, dt)
    if circuit.phases[number].until is not None or circuit.phases[number].steps(dt) < steps[-1]:
        raise ConfigError.at(
            "scheme.inversion_duration",
            f"got {circuit.phases[number].duration}, expected at least the last of "
            f"probe.settling ({config.settling[-1]}), and no tolerance",
        )
    _, outputs = engine.run(state, stimuli, report=(loop.target, loop.activity), record=(loop.activity,), learn=False)
    start = sum(phase.steps(dt) for phase in circuit.phases[:number])
    length = circuit.phases[number].steps(dt)
    return _read(outputs.recordings, outputs.ends[name], loop.activity, start, length, steps), outputs.ends[name]


def _read(
    recordings: Mapping[str, np.ndarray],
    ends: Mapping[str, np.ndarray],
    name: str,
    start: int,
    length: int,
    steps: np.ndarray,
) -> np.ndarray:
    """A variable after so many steps of a phase; recordings are of the states before each step."""
    course = np.concatenate([recordings[name][start : start + length], ends[name][None]])
    return np.asarray(course[steps], dtype=float)


def _steps(config: Config, dt: float) -> np.ndarray:
    times = np.array([parse_quantity(text, "second") for text in config.settling])
    steps = np.round(times / dt).astype(int)
    if (np.abs(steps * dt - times) > 1e-6 * dt).any() or (np.diff(times) <= 0).any():
        raise ConfigError.at(
            "probe.settling",
            f"got {', '.join(config.settling)}, expected rising whole numbers of time steps of "
            f"{format_quantity(dt, 'second')}",
        )
    return steps


def codes_of(config: Config, bench: Bench, neurons: int, seed: int) -> dict[str, list[PopulationCode]]:
    """Draw the populations of the ``controller`` and of the ``error``, one for each number."""
    generator = stream(seed, "codes", neurons)
    curve = FiringCurve(*(parse_quantity(text, "second") for text in (config.tau_m, config.tau_ref, config.dt)))
    rates = (parse_quantity(config.lowest_rate, "Hz"), parse_quantity(config.highest_rate, "Hz"))
    sizes = dict(zip(("controller", "error"), bench.w.shape, strict=True))
    return {
        name: [population_code(generator, neurons, curve, rates=rates) for _ in range(size)]
        for name, size in sizes.items()
    }


def _spiking_course(
    config: Config, bench: Bench, codes: Mapping[str, list[PopulationCode]], loop: ControlLoop, dtype: str
) -> np.ndarray:
    """The error of the loop with spikes, (time, trial, n_pre)."""
    circuit, state = circuit_of(config, bench, codes)
    dt = parse_quantity(config.dt, "second")
    setting = Setting("spiking", dt, "float64" if dtype == "float64" else "float32")
    _, outputs = BatchedEngine(circuit, setting).run(
        state, {TARGET: bench.targets}, report=(ERROR,), record=(ERROR,), learn=False
    )
    before, length = (phase.steps(dt) for phase in circuit.phases)
    return _read(outputs.recordings, outputs.ends["inversion"], ERROR, before, length, _steps(config, dt))


def circuit_of(config: Config, bench: Bench, codes: Mapping[str, list[PopulationCode]]) -> tuple[Circuit, State]:
    """The loop with spikes, and its state."""
    taus = {name: format_quantity(value, "second") for name, value in bench.taus.items()}
    neurons = len(codes["error"][0].gain)
    circuit = spiking_loop(
        (bench.w.shape[0], bench.w.shape[1]),
        neurons,
        bench.leak,
        Taus(taus["tau_u"], taus["tau_x"], config.tau_m, config.tau_ref),
        background=config.background,
        settling=config.settling[-1],
    )
    weights = loop_state(bench.w, bench.b, codes, bench.ranges, bench.taus)
    return circuit, initial_state(circuit, 0) | weights


def _static_error(bench: Bench, codes: Mapping[str, list[PopulationCode]]) -> float:
    taus = {"controller": bench.taus["tau_x"], "error": bench.taus["tau_u"]}
    read = {name: Decoded(codes[name], bench.ranges[name], taus[name]) for name in codes}
    fixed_point = decoded_fixed_point(bench.w, bench.b, bench.leak, bench.targets, read["controller"], read["error"])
    return float(_against(fixed_point[None], bench.fixed)[0][0])


def _against(course: np.ndarray, fixed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Relative error and angle to the fixed point, (time,), means over trials."""
    error = np.linalg.norm(course - fixed, axis=-1) / np.linalg.norm(fixed, axis=-1)
    degrees = np.array([np.mean(angle.measure(part, fixed)) for part in course])
    return error.mean(axis=-1), degrees


def _numbers(config: Config, measured: Mapping[str, np.ndarray]) -> dict[str, float]:
    mean = {name: array.mean(axis=0) for name, array in measured.items()}
    numbers: dict[str, float] = {}
    for place, neurons in enumerate(config.neurons):
        numbers[f"error_{neurons}"] = float(mean["error"][place, -1])
        numbers[f"angle_deg_{neurons}"] = float(mean["angle_deg"][place, -1])
        numbers[f"static_error_{neurons}"] = float(mean["static_error"][place])
    numbers["neurons_slope"] = _slope(np.log(config.neurons), mean["error"][:, -1])
    most = int(np.argmax(config.neurons))
    for place, text in enumerate(config.settling):
        name = text.replace(" ", "")
        numbers[f"error_at_{name}"] = float(mean["error"][most, place])
        numbers[f"rate_error_at_{name}"] = float(mean["rate_error"][place])
    times = np.array([parse_quantity(text, "second") for text in config.settling])
    still = mean["rate_error"] > _SETTLING * mean["error"][most, -1]
    without, with_spikes = (_slope(times[still], e[still]) for e in (mean["rate_error"], mean["error"][most]))
    numbers["settling_rate_ratio"] = with_spikes / without if without else math.nan
    return numbers


def _slope(abscissa: np.ndarray, values: np.ndarray) -> float:
    """The slope of the values' logarithm; NaN for fewer than two."""
    return float(np.polyfit(abscissa, np.log(values), 1)[0]) if len(values) > 1 else math.nan


def _curves(config: Config, measured: Mapping[str, np.ndarray]) -> xarray.Dataset:
    static, rates = ("draw", "neurons"), ("draw", "settling")
    dims = {"static_error": static, "rate_error": rates, "rate_angle_deg": rates}
    variables = {}
    for name, array in measured.items():
        over = dims.get(name, ("draw", "neurons", "settling"))
        angles = name.endswith("angle_deg")
        named = "angle to the fixed point" if angles else "relative error"
        variables[name] = (over, array, {"units": "deg" if angles else "1", "long_name": named})
    times = [1e3 * parse_quantity(text, "second") for text in config.settling]
    coords = {
        "draw": np.arange(config.draws),
        "neurons": ("neurons", list(config.neurons), {"long_name": "neurons for each number"}),
        "settling": ("settling", times, {"units": "ms", "long_name": "time to settle"}),
    }
    return xarray.Dataset(variables, coords)
