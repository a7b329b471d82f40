"""The probe `credit_in_time` at work; apart from its settings, which are checked where nothing is compiled."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose, reported_loss
from neurosim.circuit.noiseless import undisturbed
from neurosim.circuit.roles import drives
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import NeurosimWarning
from neurosim.gradients.alignment_in_time import NUMBERS_IN_TIME, LayerInTime, alignment_in_time
from neurosim.gradients.credit_in_time import credit_in_time
from neurosim.gradients.lyapunov import lyapunov_exponent
from neurosim.metrics import angle
from neurosim.probes._findings import Findings, OnStep
from neurosim.probes._learning import feedback_alone, random_order, start_of
from neurosim.tasks._task import Task

if TYPE_CHECKING:
    import xarray

    from neurosim.probes.credit_in_time import Config

# Long stretches are cut into calls of so many updates, to show progress.
_UPDATES_PER_CALL = 200


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """See `neurosim.probes.credit_in_time.measure`."""
    circuit, setting = engine.circuit, engine.setting
    learning = replace(engine, circuit=feedback_alone(circuit)) if config.learn == "feedback" else engine
    state = start_of(engine, seed)
    split = task.validation if len(task.validation) else task.train
    shown = stimuli_of(circuit, split, slice(config.trials), dt=setting.dt)
    data = learning.placed(stimuli_of(circuit, task.train, slice(None), dt=setting.dt), config.batch_size)
    measured: list[dict[str, LayerInTime]] = []
    done = 0
    for mark in config.marks:
        updates = (mark - done) // config.batch_size
        order = random_order(seed, done, len(task.train), updates, config.batch_size)
        for part in np.split(order, range(_UPDATES_PER_CALL, updates, _UPDATES_PER_CALL)) if updates else ():
            state, _ = learning.train(state, data, part, seed=seed, first=done)
            done += part.size
            if on_step is not None:
                on_step(done, config.marks[-1])
        measured.append(alignment_in_time(circuit, setting, state, shown, seed=seed, first=done))
    numbers = {f"{layer}.{name}": value for layer, each in measured[-1].items() for name, value in each.numbers.items()}
    numbers["loss"] = _loss(engine, state, shown)
    numbers |= _by_hops(config, engine, state, shown)
    if config.lyapunov and all(model.threshold is None for model in compose(circuit).values()):
        exponent = lyapunov_exponent(undisturbed(circuit), setting, state, shown)
        numbers["lyapunov_exponent"] = exponent.exponent
        if exponent.warning:
            warnings.warn(exponent.warning, NeurosimWarning, stacklevel=2)
    return Findings(numbers, _curves(config, engine, measured))


def _loss(engine: BatchedEngine, state: Mapping[str, Any], shown: Mapping[str, Any]) -> float:
    name = reported_loss(engine.circuit)
    quiet = replace(engine, circuit=undisturbed(engine.circuit))
    _, outputs = quiet.run(state, shown, report=(name,), learn=False)
    return float(np.mean(outputs.ends[engine.circuit.phases[0].name][name]))


def _by_hops(
    config: Config, engine: BatchedEngine, state: Mapping[str, Any], shown: Mapping[str, Any]
) -> dict[str, float]:
    """The angle of the gradient through so many transmissions to the whole one, of all weights before the output."""
    if not config.hops:
        return {}
    quiet = undisturbed(engine.circuit)
    whole = _below_output(quiet, credit_in_time(quiet, engine.setting, state, shown, immediate=False).weights)
    angles = {}
    for hops in config.hops:
        part = credit_in_time(quiet, engine.setting, state, shown, hops=hops, immediate=False).weights
        angles[f"hops_{hops}_angle_deg"] = float(angle.measure(_below_output(quiet, part), whole))
    return angles


def _below_output(circuit: Circuit, weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """All weights that drive other populations than the output, as one vector."""
    names = [f"{p.name}.w" for p in circuit.pathways if p.post != circuit.output_population and drives(circuit, p)]
    return np.concatenate([weights[name].ravel() for name in names if name in weights])


def _curves(config: Config, engine: BatchedEngine, measured: list[dict[str, LayerInTime]]) -> xarray.Dataset:
    import xarray

    layers = list(measured[-1])
    by_mark: dict[str, Any] = {
        name: (
            ("presentations", "layer"),
            np.array([[each[layer].numbers[name] for layer in layers] for each in measured]),
        )
        for name in NUMBERS_IN_TIME
    }
    courses = {name for layer in layers for name in measured[-1][layer].courses}
    steps = max(len(course) for layer in layers for course in measured[-1][layer].courses.values())
    for name in sorted(courses):
        unknown = np.full(steps, np.nan)
        each = [measured[-1][layer].courses.get(name, unknown) for layer in layers]
        by_mark[name] = (("layer", "time"), np.array(each))
    time = xarray.DataArray(np.arange(steps) * engine.setting.dt, dims="time", attrs={"units": "s"})
    return xarray.Dataset(by_mark, {"presentations": list(config.marks), "layer": layers, "time": time})
