"""Training with state that carries over: which variables continue, and which start from rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.noiseless import undisturbed
from neurosim.engines.slots import carried_shapes
from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import load
from neurosim.training import loop
from neurosim.training.evaluation import evaluate
from neurosim.training.loop import Progress, train

SMALL: dict[str, Any] = {
    "task": {"kind": "teacher_student", "n_inputs": 4, "hidden": [4], "n_outputs": 2, "n_train": 90},
    "network": {"hidden": [4], "readout": "squared_error"},
    "scheme": {"kind": "continuous_node_perturbation", "duration": "5 ms"},
    "engine": {"level": "rate", "dt": "1 ms", "dtype": "float64"},
    "training": {"epochs": 2, "batch_size": 20, "measure_every": 0},
}


@pytest.fixture(scope="module")
def parts():
    model = load(SMALL)
    task = model.load_task(seed=0)
    return make_engine(model.engine, model.build(task)), task, model.training


@pytest.fixture(scope="module")
def result(parts):
    engine, task, config = parts
    return train(engine, task, config, seed=3)


def _data(engine, task):
    return engine.placed(loop.stimuli_of(engine.circuit, task.train, slice(None)), 20)


def test_state_goes_on_and_the_kept_state_starts_from_rest(parts):
    engine, task, config = parts
    start = Progress(loop.initial_state(engine.circuit, 3, dtype="float64"))
    after, _ = loop._learn(start, engine, _data(engine, task), task, config, 3, None)
    assert after.carried.keys() == carried_shapes(engine.circuit).keys()
    assert after.carried["hidden1.v"].shape == (20, 4)
    assert after.carried["critic.expected"].shape == (20, 1)
    for name in after.carried:
        np.testing.assert_array_equal(after.state[name], start.state[name])
    # The next epoch goes on from there, so without it the same epoch ends elsewhere.
    on, _ = loop._learn(after, engine, _data(engine, task), task, config, 3, None)
    forgetful, _ = loop._learn(replace(after, carried={}), engine, _data(engine, task), task, config, 3, None)
    assert np.abs(on.state["W1.w"] - forgetful.state["W1.w"]).max() > 1e-9


def test_parts_of_an_epoch_hand_on_their_state(parts, result, monkeypatch):
    engine, task, config = parts
    monkeypatch.setattr(loop, "STEPS_PER_CALL", 1)
    again = train(engine, task, config, seed=3)
    for name, array in result.state.items():
        np.testing.assert_allclose(again.state[name], array, rtol=1e-9, atol=1e-15)


def test_going_on_gives_the_same_bits(parts, result):
    engine, task, config = parts
    start = Progress(loop.initial_state(engine.circuit, 3, dtype="float64"))
    start = loop._report(start, loop.EpochReport(0, 2), engine, task, config, 3, ())
    first, learned = loop._learn(start, engine, _data(engine, task), task, config, 3, None)
    first = loop._report(first, learned, engine, task, config, 3, ())
    again = train(engine, task, config, seed=3, start=first)
    for name, array in result.state.items():
        np.testing.assert_array_equal(again.state[name], array)


def test_evaluation_has_no_noise_and_starts_from_rest(parts, result):
    engine, task, _ = parts
    found = evaluate(engine, result.state, task.validation)
    quiet = replace(engine, circuit=replace(undisturbed(engine.circuit)))
    answer = "output.y"
    given = {"input.r": task.validation.inputs, "output.target": task.validation.targets}
    state = {**result.state, **{f"{p}.sigma": np.asarray(0.0) for p in ("hidden1", "output")}}
    _, outputs = quiet.run(state, given, report=(answer, "loss"), learn=False)
    assert found.loss == pytest.approx(float(outputs.ends["always"]["loss"].mean()), rel=1e-12)
    assert evaluate(engine, result.state, task.validation, chunk=7).loss == pytest.approx(found.loss, rel=1e-12)


def test_undisturbed_changes_what_has_noise_or_carries_over_and_nothing_else(parts):
    engine, task, _ = parts
    quiet = undisturbed(engine.circuit)
    assert quiet.phases[0].switches["perturb"] == 0 and not quiet.carry
    assert undisturbed(quiet) is quiet
    two_phases = load(SMALL, ["scheme.kind=node_perturbation"]).build(task)
    assert undisturbed(two_phases) is two_phases
