"""Every task keeps the contract and its documented properties."""

from __future__ import annotations

import numpy as np
import pydantic
import pytest

from neurosim import registry
from neurosim.errors import ConfigError, DataError
from neurosim.tasks import digits, mnist, teacher_student
from neurosim.tasks._task import Split, Task, _one_hot


@pytest.fixture(params=registry.names("tasks"))
def task_module(request, monkeypatch, tmp_path):
    if request.param.startswith("mnist"):
        monkeypatch.setenv("NEUROSIM_DATA", str(request.getfixturevalue("data_folder")))
    if request.param == "neurogym":
        pytest.importorskip("neurogym", reason="neurogym is not installed: pip install neurosim-lab[tasks]")
    if request.param in request.getfixturevalue("made_up"):
        request.getfixturevalue("made_up")[request.param](tmp_path / request.param)
        monkeypatch.setenv("NEUROSIM_DATA", str(tmp_path))
    return registry.load("tasks", request.param)


@pytest.fixture
def settings(task_module, made_up, tmp_path):
    """What a task cannot do without."""
    name = task_module.__name__.rpartition(".")[2]
    if name in made_up:
        return {"verify": False, "validation": 5}
    if name == "neurogym":
        return {"environment": "DelayMatchSample-v0", "n_train": 8, "n_validation": 4, "n_test": 4}
    if name == "recorded_trials":
        np.savez(tmp_path / "own.npz", seen=np.arange(120.0).reshape(10, 6, 2), targets=np.ones((10, 6, 1)))
        return {"path": tmp_path / "own.npz", "inputs": "seen", "dt": "5 ms"}
    if not task_module.__name__.endswith(".table"):
        return {}
    lines = [f"{number % 7},{number % 5},{'ab'[number % 2]}" for number in range(40)]
    (tmp_path / "own.csv").write_text("\n".join(["x,z,kind", *lines]))
    return {"path": tmp_path / "own.csv", "target": "kind"}


def test_every_task_keeps_the_contract(task_module, settings):
    config = task_module.Config(**settings)
    task = task_module.load(config, seed=1)
    assert task.name == task_module.__name__.rpartition(".")[2]
    time = () if task.steps is None else (task.steps,)
    for split in (task.train, task.validation, task.test):
        assert split.inputs.shape == (len(split), *time, task.n_inputs)
        assert split.targets.shape == (len(split), *time, task.n_outputs)
        arrays = [split.targets, *(vars(split.inputs).values() if task.events else [split.inputs])]
        for array in (array for array in arrays if isinstance(array, np.ndarray)):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 1
        assert split.targets.dtype == np.float32
        if task.kind == "classification" and task.dt is None:
            np.testing.assert_array_equal(split.targets, _one_hot(split.labels, task.n_outputs))
    assert task.name in repr(task)
    if hasattr(task_module, "sizes"):
        sizes = task_module.sizes(config)
        assert (sizes.n_inputs, sizes.n_outputs) == (task.n_inputs, task.n_outputs)
        assert sizes.image == task.image
        assert (sizes.steps, sizes.dt, sizes.events) == (task.steps, task.dt, task.events)
    again = task_module.load(config, seed=1)
    one, other = (each.train.inputs.dense() if task.events else each.train.inputs for each in (task, again))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(task.test.targets, again.test.targets)
    with pytest.raises(pydantic.ValidationError):
        task_module.Config(**settings, no_such_setting=1)
    with pytest.raises(pydantic.ValidationError):
        config.no_such_setting = 1


def rows(split):
    return {row.tobytes() for row in split.inputs}


def test_digits_are_split_with_every_class_in_its_share():
    task = digits.load(digits.Config(), seed=0)
    sizes = [len(split) for split in (task.train, task.validation, task.test)]
    assert sum(sizes) == 1797
    assert sizes == pytest.approx([1294, 143, 360], abs=5)
    for split in (task.train, task.validation, task.test):
        counts = split.targets.sum(axis=0)
        assert counts.min() >= 0.9 * counts.mean()
        assert split.inputs.min() == 0 and split.inputs.max() == 1
    assert not rows(task.train) & rows(task.test)
    assert not rows(task.train) & rows(task.validation)


def test_digits_are_split_by_their_own_seed():
    first, second = (digits.load(digits.Config(), seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(first.test.inputs, second.test.inputs)
    other = digits.load(digits.Config(split_seed=1), seed=0)
    assert not np.array_equal(first.test.targets, other.test.targets)
    whole = digits.load(digits.Config(validation_fraction=0), seed=0)
    assert len(whole.validation) == 0


def test_digits_are_standardised_by_the_training_split_only():
    task = digits.load(digits.Config(standardise=True), seed=0)
    np.testing.assert_allclose(task.train.inputs.mean(axis=0), 0, atol=1e-5)
    spread = task.train.inputs.std(axis=0)
    assert spread.max() <= 1 + 1e-4 and np.median(spread) == pytest.approx(1, abs=1e-4)
    assert np.abs(task.test.inputs.mean(axis=0)).max() > 1e-3
    assert np.abs(task.test.inputs).max() < 15


def test_mnist_is_the_real_one(data_folder):
    task = mnist.load(mnist.Config(folder=data_folder), seed=0)
    assert [len(split) for split in (task.train, task.validation, task.test)] == [55_000, 5_000, 10_000]
    assert task.shape == (28, 28, 1)
    # The well-known global mean and spread of the 60,000 training images.
    both = np.concatenate([task.train.inputs, task.validation.inputs])
    assert both.mean(dtype=float) == pytest.approx(0.1307, abs=5e-5)
    assert both.std(dtype=float) == pytest.approx(0.3081, abs=5e-5)
    np.testing.assert_array_equal(task.test.targets[:10].argmax(axis=1), [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])


def test_mnist_in_part(data_folder):
    def load(**settings):
        return mnist.load(mnist.Config(folder=data_folder / "mnist", **settings), seed=0)

    small = load(n_train=300, n_test=50, validation=100, standardise=True)
    assert [len(split) for split in (small.train, small.validation, small.test)] == [300, 100, 50]
    assert small.train.inputs.mean() == pytest.approx(0, abs=1e-4)
    assert small.train.inputs.std() == pytest.approx(1, abs=1e-4)
    larger = load(n_train=400, n_test=60, validation=100)
    np.testing.assert_array_equal(larger.train.targets[:300], small.train.targets)
    assert rows(load(n_test=50, n_train=1).test) < rows(larger.test)
    with pytest.raises(ConfigError, match="no more than 60000"):
        load(n_train=55_001)
    with pytest.raises(ConfigError, match="at least one training example"):
        load(validation=60_000)
    with pytest.raises(ConfigError, match="10000 test examples"):
        load(n_test=10_001)


def test_mnist_standardised_by_all_training_images(data_folder):
    # As published for dynamic inversion: one mean and one spread of the bytes of the 60,000, for the test images too.
    settings = {"folder": data_folder, "validation": 0, "n_test": 100, "verify": False}
    task = mnist.load(mnist.Config(standardise=True, **settings), seed=0)
    raw = mnist.load(mnist.Config(n_train=1, **settings), seed=0)
    expected = (255 * raw.test.inputs.astype(float) - 33.318) / 78.567
    np.testing.assert_allclose(task.test.inputs, expected, atol=5e-5)
    assert len(task.train) == 60_000


def test_the_teacher_answers_with_its_own_network():
    config = teacher_student.Config(n_train=50, hidden=(7, 6))
    task = teacher_student.load(config, seed=3)
    first, second, last = teacher_student.weights(config)
    expected = np.tanh(np.tanh(task.train.inputs @ first.T) @ second.T) @ last.T
    np.testing.assert_allclose(task.train.targets, expected, atol=1e-5)
    assert not np.array_equal(teacher_student.load(config, seed=4).train.inputs, task.train.inputs)


def test_a_linear_teacher_is_one_matrix():
    config = teacher_student.Config(linear=True, n_train=500, noise=0.1)
    task = teacher_student.load(config, seed=0)
    matrix = np.linalg.multi_dot(teacher_student.weights(config)[::-1])
    np.testing.assert_allclose(task.test.targets, task.test.inputs @ matrix.T, atol=1e-5)
    error = task.train.targets - task.train.inputs @ matrix.T
    assert error.std() == pytest.approx(0.1, rel=0.05)


def test_a_teacher_of_classes_asks_for_its_largest_output():
    plain = teacher_student.load(teacher_student.Config(n_train=50), seed=3)
    task = teacher_student.load(teacher_student.Config(n_train=50, classes=True), seed=3)
    assert (plain.kind, task.kind) == ("regression", "classification")
    np.testing.assert_array_equal(task.train.labels, np.argmax(plain.train.targets, axis=1))
    np.testing.assert_array_equal(task.train.targets, np.eye(10)[task.train.labels])
    assert teacher_student.Config().model_dump() == teacher_student.Config(classes=False).model_dump()
    assert "classes" not in teacher_student.Config().model_dump(), "hashes stay what they were"
    with pytest.raises(ValueError, match="expected at least 2: one for each class"):
        teacher_student.Config(n_outputs=1, classes=True)


def split(n=3, d=4, k=2, **changes):
    arrays = {"inputs": np.zeros((n, d)), "targets": np.zeros((n, k)), "labels": np.zeros(n, dtype=int)}
    return Split(**(arrays | changes))


def test_splits_are_copies_nobody_can_change():
    inputs = np.zeros((3, 4), dtype=np.float32)
    made = split(inputs=inputs)
    inputs[0, 0] = 5
    assert made.inputs[0, 0] == 0
    with pytest.raises(AttributeError):
        made.inputs = inputs  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": np.zeros(3)}, r"inputs: got shape \(3,\)"),
        ({"inputs": np.zeros((3, 0))}, "inputs: got shape"),
        ({"inputs": np.full((3, 4), np.nan)}, "inputs: 12 values are not finite"),
        ({"targets": np.full((3, 2), np.inf)}, "targets: 6 values are not finite"),
        ({"targets": np.zeros((2, 2))}, "targets: got 2 rows, expected 3"),
        ({"labels": np.zeros(2, dtype=int)}, "labels: got int64"),
        ({"labels": np.zeros(3)}, "labels: got float64"),
    ],
)
def test_splits_that_do_not_fit(changes, message):
    with pytest.raises(DataError, match=message):
        split(**changes)


def test_tasks_that_do_not_fit():
    def task(*, shape=None, **changes):
        splits = {"train": split(), "validation": split(n=0), "test": split()} | changes
        return Task("t", *splits.values(), kind="classification", shape=shape)

    assert (task(shape=(2, 2, 1)).n_inputs, task().n_outputs) == (4, 2)
    with pytest.raises(DataError, match="test split has 5 inputs and 2 outputs, expected 4 and 2"):
        task(test=split(d=5))
    with pytest.raises(DataError, match="test split is empty"):
        task(test=split(n=0))
    with pytest.raises(DataError, match="train split has no labels"):
        task(train=split(labels=None))
    with pytest.raises(DataError, match=r"shape \(3, 2, 1\)"):
        task(shape=(3, 2, 1))
