"""Tasks over time in model files: circuits as long as their trials, training, and parts that do not go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import DataError, NeurosimError
from neurosim.model_files.model_file import Model, load
from neurosim.runs.run import train
from neurosim.tasks import TimedSplit
from neurosim.tasks._temporal import Config as Temporal

DRAWN = [name for name in registry.names("tasks") if issubclass(registry.load("tasks", name).Config, Temporal)]
FEW = {"n_train": 4, "n_validation": 2, "n_test": 2}


def model(task: dict[str, Any], *overrides: str, network: dict[str, Any] | None = None) -> Model:
    sections: dict[str, Any] = {
        "task": task,
        "network": network or {"kind": "recurrent", "hidden": [3]},
        "scheme": {"kind": "eprop", "learning_rate": 0.05},
        "engine": {"level": "rate", "dt": "1 ms", "dtype": "float64"},
        "training": {"epochs": 1, "batch_size": 2, "measure_every": 0},
    }
    return load(sections, overrides)


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("dt", ["1 ms", "0.5 ms"])
def test_a_circuit_is_as_long_as_the_trials_of_its_task(kind: str, dt: str) -> None:
    one = model({"kind": kind, **FEW}, f"engine.dt={dt}")
    task = one.load_task(seed=0)
    circuit, seconds = one.build(task), one.engine.setting.dt
    assert circuit == one.circuit
    given = stimuli_of(circuit, task.train, slice(2), dt=seconds)
    steps = sum(phase.steps(seconds) for phase in circuit.phases)
    assert {each.values.shape[:2] for each in given.values()} == {(2, steps)}


def test_a_run_learns_and_keeps_the_grid(tmp_path: Path) -> None:
    one = model({"kind": "add", "samples": 8, "loss": "squared_error", **FEW}, "engine.dt=0.5 ms")
    run = train(one, out=tmp_path / "run", seed=1)
    assert np.isfinite(run.summary["test_loss"])
    assert "floors: nothing 0.03906" in (tmp_path / "run" / "log.txt").read_text()
    from neurosim.runs.prediction import circuit_of, predictions

    assert circuit_of(tmp_path / "run", one).phases == one.circuit.phases
    with pytest.raises(DataError, match="its task is over time, and rows of a file have no time"):
        predictions(tmp_path / "run", run.state, tmp_path / "rows.csv")


WRITTEN = """
[task]
kind = "pattern_generation"
n_inputs = 4
duration = "20 ms"
cycles = [1, 2]
dt = "1 ms"

[circuit]
readout = "squared_error"
output = "output.r"
over_time = true

[populations.input]
size = 4
neuron = "spike_source"

[populations.output]
size = 1
neuron = { equations = "dr/dt = -r/(5*ms) : 1", method = "euler" }

[pathways.W]
source = "input.spikes"
target = "output.r"
initial = 0.3

[phases.trial]
duration = "21 ms"

[engine]
level = "spiking"
dt = "1 ms"
dtype = "float64"

[training]
epochs = 1
batch_size = 1
measure_every = 0
"""


def test_a_written_circuit_takes_spikes_of_a_task_as_events(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(WRITTEN)
    one = load(tmp_path / "own.toml")
    task = one.load_task(seed=0)
    assert isinstance(task.train, TimedSplit)
    given = stimuli_of(one.build(task), task.train, slice(None), dt=1e-3)
    assert given["input.firing"].kind == "events"
    fires, r, spent = task.train.inputs.dense()[0], 0.0, 0.0
    for step in range(20):
        r = r - r / 5 + 0.3 * float(fires[step].sum())
        spent += 0.5 * (r - float(task.test.targets[0, step, 0])) ** 2 / 20
    assert train(one, out=tmp_path / "run").summary["test_loss"] == pytest.approx(spent, rel=1e-9)


def test_a_run_says_when_its_criterion_was_met(tmp_path: Path) -> None:
    short = {"stimulus": "2 ms", "delay": "0 ms", "response_delay": "0 ms", "report": "2 ms", "fixation": "0 ms"}
    one = model({"kind": "delayed_match", **FEW, **short}, "training.batch_size=4", "training.epochs=3")
    run = train(one, out=tmp_path / "run", seed=1)
    met = [epoch for epoch, each in enumerate(run.history.validation_accuracy.values) if each >= 95]
    assert run.summary.get("learned_epoch") == (met[0] if met else None)


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any] | None, tuple[str, ...], str]] = {
    "a network without time": (
        {"kind": "add", **FEW},
        {"hidden": [3]},
        ("scheme.kind=backpropagation",),
        "reads its loss at the end of a presentation, and the task has trials over time, of 30 steps of 1 ms",
    ),
    "a task without time": ({"kind": "teacher_student", "n_train": 4}, None, (), "the task has no time of its own"),
    "another duration": (
        {"kind": "add", **FEW},
        None,
        ("scheme.duration=40 ms",),
        "lasts 40 ms, 40 time steps of 1 ms; expected 31, the 30 grid steps of 1 ms",
    ),
    "a time step that does not divide": (
        {"kind": "add", **FEW},
        None,
        ("engine.dt=0.4 ms",),
        "engine.dt: got 0.4 ms, expected 1 ms, the grid step of the task",
    ),
    "a time step that is longer": (
        {"kind": "add", **FEW},
        None,
        ("engine.dt=2 ms",),
        "engine.dt: got 2 ms, expected 1 ms, the grid step of the task",
    ),
    "a level without time": (
        {"kind": "add", **FEW},
        None,
        ("engine.level=steady",),
        "engine.level: got 'steady', expected 'rate' or 'spiking': the task 'add' is over time",
    ),
    "a grid that is no grid": ({"kind": "sine", "duration": "1.5 ms"}, None, (), "expected a whole number of grid"),
    "a unit that is none": ({"kind": "sine", "dt": "1 mV"}, None, (), "task.dt: .*mV"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_parts_that_do_not_go_together(case: str, tmp_path: Path) -> None:
    task, network, overrides, message = REFUSED[case]
    with pytest.raises(NeurosimError, match=message):
        train(model(task, *overrides, network=network), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
