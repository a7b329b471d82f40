"""What predictions need of a task: another file's rows become the inputs that the task would have made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.errors import DataError
from neurosim.tasks import digits, linear_regression, mnist, table, teacher_student
from neurosim.tasks._encoding import decode, encode


def _load(path: Path, target: Any, **settings: Any) -> Any:
    return table.load(table.Config(path=path, target=target, **settings), seed=0)


def _stored(task: Any) -> dict[str, Any]:
    """As a run keeps it and reads it again."""
    return json.loads(json.dumps(task.encoding))


def _written(folder: Path, rows: int = 40) -> tuple[Path, np.ndarray]:
    generator = np.random.default_rng(0)
    numbers = generator.normal((3, -2e6, 5e-9), (1, 4e5, 1e-9), (rows, 3))
    lines = [f"{a!r},{b!r},{c!r},{'low' if a < 3 else 'high'}" for a, b, c in numbers.tolist()]
    path = folder / "own.csv"
    path.write_text("\n".join(["a,b,c,kind", *lines]))
    return path, numbers


def _sorted(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T)]


def test_the_tasks_own_file_gives_its_own_inputs(tmp_path: Path) -> None:
    path, _ = _written(tmp_path)
    for standardise in (True, False):
        task = _load(path, "kind", standardise=standardise)
        found = encode(_stored(task), path)
        expected = np.concatenate([task.train.inputs, task.validation.inputs, task.test.inputs])
        np.testing.assert_array_equal(_sorted(found), _sorted(expected))


def test_new_rows_are_scaled_by_the_old_ones_whatever_the_order_of_columns(tmp_path: Path) -> None:
    path, numbers = _written(tmp_path)
    task = _load(path, "kind", test_fraction=0.5)
    first, second, third = numbers[3].tolist()
    (tmp_path / "new.csv").write_text(f"note,c,a,b\nq,{third!r},{first!r},{second!r}")
    found = encode(_stored(task), tmp_path / "new.csv")
    np.testing.assert_array_equal(found[0], encode(_stored(task), path)[3])
    np.savez(tmp_path / "new.npz", a=numbers[:, 0], b=numbers[:, 1], c=numbers[:, 2])
    np.testing.assert_array_equal(encode(_stored(task), tmp_path / "new.npz"), encode(_stored(task), path))
    np.save(tmp_path / "new.npy", numbers)
    np.testing.assert_array_equal(encode(_stored(task), tmp_path / "new.npy"), encode(_stored(task), path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2", "got no 'c' among 'a', 'b', expected what the network was trained on"),
        ("a,b,c\n1,x,3", r"column 'b' holds text \('x' in row 1\)"),
        ("a,b,c\n1,,3", "'b' has 1 examples with missing or infinite values, the first in row 1"),
        ("a,b,c\n1e300,2,3", r"'a' in row 1: .*1 examples have greater ones, such as 1e\+300"),
        ("a,b,c\n", "no rows below it"),
        ("a,b,b,c\n1,2,2,3", "its first line has 'b' more than once"),
    ],
)
def test_rows_that_do_not_fit_are_refused(tmp_path: Path, text: str, message: str) -> None:
    task = _load(_written(tmp_path)[0], "kind")
    (tmp_path / "new.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        encode(_stored(task), tmp_path / "new.csv")


def test_outputs_become_labels_or_numbers_in_the_targets_units(tmp_path: Path) -> None:
    path, _ = _written(tmp_path)
    task = _load(path, "kind")
    assert decode(_stored(task), np.array([[0.1, 0.9], [2.0, 1.0]])).tolist() == ["low", "high"]
    regression = _load(path, ("c", "b"), inputs="a")
    answers = np.concatenate([part.targets for part in (regression.train, regression.validation, regression.test)])
    found = decode(_stored(regression), answers)
    np.testing.assert_allclose(_sorted(found), _sorted(_written(tmp_path)[1][:, [2, 1]]), rtol=1e-6)
    with pytest.raises(DataError, match="got 3 outputs, expected 2, one for each class"):
        decode(_stored(task), np.zeros((1, 3)))


@pytest.mark.parametrize("classes", [[3, 1, 2], [True, False], [1.5, 2.5], ["b", "a"], [2**63 + 1, 2**63]])
def test_labels_come_back_as_they_were(tmp_path: Path, classes: list[Any]) -> None:
    labels = np.array(classes * 10)
    np.savez(tmp_path / "own.npz", x=np.arange(len(labels)), y=labels)
    task = _load(tmp_path / "own.npz", "y", problem="classification")
    found = decode(_stored(task), np.eye(len(classes)))
    assert found.tolist() == sorted(classes) and type(found.tolist()[0]) is type(classes[0])


def test_images_are_read_from_an_array_or_a_table_of_pixels(tmp_path: Path) -> None:
    for standardise in (False, True):
        task = digits.load(digits.Config(standardise=standardise), seed=0)
        pixels, _, _ = digits._pixels()
        np.savez(tmp_path / "images.npz", images=pixels.reshape(-1, 8, 8))
        np.save(tmp_path / "pixels.npy", pixels)
        header = ",".join(f"p{number}" for number in range(64))
        np.savetxt(tmp_path / "pixels.csv", pixels, delimiter=",", header=header, comments="")
        made = np.concatenate([task.train.inputs, task.validation.inputs, task.test.inputs])
        for name in ("images.npz", "pixels.npy", "pixels.csv"):
            found = encode(_stored(task), tmp_path / name)
            np.testing.assert_allclose(_sorted(found), _sorted(made), rtol=1e-6, atol=1e-6)
        assert decode(_stored(task), np.eye(10)).tolist() == list(range(10))


def test_images_of_mnist(data_folder: Path, tmp_path: Path) -> None:
    task = mnist.load(mnist.Config(folder=data_folder, standardise=True, n_test=20, n_train=50), seed=0)
    raw = mnist.load(mnist.Config(folder=data_folder, n_test=20, n_train=50), seed=0)
    images = np.rint(raw.test.inputs * 255).astype(np.uint8)
    np.savez(tmp_path / "images.npz", images=images.reshape(-1, 28, 28))
    np.testing.assert_allclose(encode(_stored(task), tmp_path / "images.npz"), task.test.inputs, atol=1e-5)


@pytest.mark.parametrize("module", [linear_regression, teacher_student])
def test_drawn_tasks_take_numbers_as_they_are(tmp_path: Path, module: Any) -> None:
    task = module.load(module.Config(n_train=30), seed=0)
    np.save(tmp_path / "new.npy", task.test.inputs)
    np.testing.assert_array_equal(encode(_stored(task), tmp_path / "new.npy"), task.test.inputs)
    np.save(tmp_path / "narrow.npy", task.test.inputs[:, 1:])
    with pytest.raises(DataError, match="expected what the network was trained on"):
        encode(_stored(task), tmp_path / "narrow.npy")


@pytest.mark.parametrize(
    "change",
    [
        {"mean": [0.0]},
        {"scale": [1.0, 0.0, 1.0]},
        {"scale": [1.0, float("nan"), 1.0]},
        {"inputs": []},
        {"inputs": [{"name": "a", "shape": [-1]}]},
        {"inputs": [{"name": "a", "shape": [2**40, 2**40]}]},
        {"classes": None},
        {"format": 2},
        {"other": 1},
        {"kind": "nothing"},
    ],
)
def test_a_damaged_description_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path, _ = _written(tmp_path)
    with pytest.raises(DataError, match="what predictions need is damaged"):
        encode({**_stored(_load(path, "kind")), **change}, path)
