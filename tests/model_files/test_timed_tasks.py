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
        "and the engine steps by 0.4 ms; expected",
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
