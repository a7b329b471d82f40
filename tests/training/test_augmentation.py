"""Training examples that change from presentation to presentation: the same bits however training is cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import load
from neurosim.tasks._images import Augmentation
from neurosim.training import loop
from neurosim.training.loop import train
from neurosim.training.trial_order import order_of

SMALL = {
    "task": {"kind": "digits"},
    "network": {"hidden": [12]},
    "scheme": {"kind": "feedback_alignment", "learning_rate": 0.1},
    "engine": {"level": "steady", "dtype": "float64"},
    "training": {"epochs": 2, "batch_size": 32, "steps_per_epoch": 20, "measure_every": 0},
}


def parts(kind="batched"):
    model = load(SMALL, [f"engine.kind={kind}"])
    task = model.load_task(seed=0)
    augment = Augmentation((8, 8, 1), flips=True, crops=1)
    return make_engine(model.engine, model.build(task)), task, replace(task, augment=augment), model.training


def test_each_presentation_has_its_own_image(monkeypatch):
    engine, _, task, config = parts()
    seen = []
    original = type(engine).train

    def train_(self, state, data, rows, **settings):
        seen.append((np.asarray(data["input.r"])[np.ravel(rows)], settings["first"]))
        return original(self, state, data, rows, **settings)

    monkeypatch.setattr(type(engine), "train", train_)
    train(engine, task, config, seed=5)
    presented = np.concatenate([images for images, _ in seen])
    assert [first for _, first in seen] == [0, 640]
    order = np.concatenate([order_of(config, epoch, len(task.train), 5).ravel() for epoch in range(2)])
    assert task.augment is not None
    expected = task.augment(task.train.inputs[order], 5, np.arange(1280))
    np.testing.assert_array_equal(presented, expected)
    assert not np.array_equal(presented, task.train.inputs[order])


def test_going_on_gives_the_same_bits(monkeypatch):
    engine, plain, task, config = parts()
    whole = train(engine, task, config, seed=5)
    assert not np.array_equal(whole.state["W1.w"], train(engine, plain, config, seed=5).state["W1.w"])
    monkeypatch.setattr(loop, "_steps_per_call", lambda *_: 7)
    kept = []
    cut = train(engine, task, config, seed=5, on_progress=kept.append)
    middle = [progress for progress in kept if progress.part.steps]
    assert middle
    for start in (middle[0], middle[-1]):
        resumed = train(engine, task, config, seed=5, start=start)
        for name, array in cut.state.items():
            np.testing.assert_array_equal(array, resumed.state[name])
    np.testing.assert_allclose(cut.state["W1.w"], whole.state["W1.w"], rtol=1e-9)


def test_only_training_is_augmented():
    engine, plain, task, config = parts()
    from neurosim.training.evaluation import evaluate

    state = loop.initial_state(engine.circuit, 0, dtype="float64")
    assert evaluate(engine, state, task.validation).loss == evaluate(engine, state, plain.validation).loss
    with_, without = (train(engine, each, config, seed=1).history for each in (task, plain))
    # Before any learning nothing tells them apart.
    assert with_.validation_loss[0] == pytest.approx(float(without.validation_loss[0]), rel=1e-12)
