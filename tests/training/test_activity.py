"""Silent and saturated populations, and potentials and carried state that stop being finite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.errors import NumericalError
from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import load
from neurosim.runs.run import train
from neurosim.training import loop
from neurosim.training.activity import activity, potentials
from neurosim.training.evaluation import evaluate

SPIKING: dict[str, Any] = {
    "task": {"kind": "teacher_student", "n_inputs": 4, "hidden": [3], "n_outputs": 2, "n_train": 12, "n_validation": 4}
    | {"n_test": 4},
    "network": {"hidden": [5], "neuron": {"kind": "lif"}, "readout": "squared_error", "bias_law": "constant"},
    "scheme": {"kind": "feedback_alignment", "learning_rate": 0.001, "duration": "40 ms"},
    "engine": {"level": "spiking", "dtype": "float64"},
    "training": {"epochs": 1, "batch_size": 4, "measure_every": 0},
}


@pytest.fixture(scope="module")
def parts():
    model = load(SPIKING)
    task = model.load_task(seed=0)
    return make_engine(model.engine, model.build(task)), task


def _with_bias(engine: Any, value: float) -> dict[str, np.ndarray]:
    state = loop.initial_state(engine.circuit, 0)
    return state | {"b1.w": np.full_like(state["b1.w"], value), "W1.w": np.zeros_like(state["W1.w"])}


@pytest.mark.parametrize(("bias", "fault"), [(-5.0, "silent"), (1.5, ""), (1e4, "saturated")])
def test_a_population_is_silent_or_saturated(parts, bias, fault):
    engine, task = parts
    found = activity(engine, _with_bias(engine, bias), task.validation)["hidden1"]
    assert found.fault == fault
    # A refractory period of 2 ms, steps of 1 ms.
    assert found.highest_hz == pytest.approx(500)
    assert found.rate_hz <= found.highest_hz
    if bias == 1.5:
        # The period of a leaky integrator with a constant drive: refractory, then from reset to threshold.
        period = 0.002 + 0.020 * np.log(1.5 / 0.5)
        assert found.rate_hz == pytest.approx(1 / period, rel=0.5)


def test_a_silent_network_is_reported_in_log_watcher_and_summary(tmp_path):
    notes: list[str] = []

    class Watching:
        def begin(self, model: Any, folder: Any) -> None: ...
        def step(self, done: int, total: int) -> None: ...
        def epoch(self, report: Any) -> None: ...
        def note(self, text: str) -> None:
            notes.append(text)

    run = train(SPIKING, out=tmp_path / "run", overrides=["network.weights=1e-6"], progress=Watching())
    assert run.summary["firing"]["hidden1"]["rate_hz"] == 0
    [warning] = run.summary["warnings"]
    assert warning.startswith("population 'hidden1' is silent after epoch 0")
    assert notes == [f"warning: {warning}"]
    assert f"warning: {warning}" in (run.folder / "log.txt").read_text()


def test_potentials_are_what_spikes_and_rates_come_from(parts):
    engine, _ = parts
    assert {"hidden1.v", "hidden1.r", "output.v"} <= set(potentials(engine.circuit))
    assert "hidden1.slope" not in potentials(engine.circuit)


def test_a_potential_that_is_not_finite_stops_with_its_population(parts):
    engine, task = parts
    state = _with_bias(engine, 0.5) | {"hidden1.v": np.asarray(np.nan)}
    # Nothing else would tell: a potential that is not a number never reaches the threshold.
    with pytest.raises(NumericalError, match=r"hidden1.v not finite at the end of phase"):
        evaluate(engine, state, task.validation)
    config = load(SPIKING).training
    with pytest.raises(NumericalError, match=r"after epoch 0: .*hidden1.v"):
        loop.train(engine, task, config, seed=0, start=loop.Progress(state))


def test_carried_state_that_is_not_finite_names_itself(parts):
    engine, _ = parts
    state = loop.initial_state(engine.circuit, 0)
    losses = np.zeros((8, 1))
    loop._refuse_broken(engine.circuit, state, {"hidden1.v": np.zeros(3)}, losses, 2, 10, 4)
    with pytest.raises(NumericalError, match=r"the state is not finite in epoch 2, by step 12; .*: hidden1\.v"):
        loop._refuse_broken(engine.circuit, state, {"hidden1.v": np.array([np.inf])}, losses, 2, 10, 4)
