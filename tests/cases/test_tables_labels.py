"""Labels of classes and targets of regressions: what is one, what is missing, and how examples are held out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.errors import ConfigError, DataError, NeurosimError
from neurosim.tasks import digits, table
from neurosim.tasks._images import ImageConfig, split_images
from neurosim.tasks._task import Split


def _load(path: Path, target: Any = "y", **settings: Any) -> Any:
    return table.load(table.Config(path=path, target=target, **settings), seed=0)


def _csv(folder: Path, labels: Sequence[Any], count: int = 42) -> Path:
    path = folder / "own.csv"
    path.write_text("\n".join(["a,y", *(f"{n % 7},{labels[n % len(labels)]}" for n in range(count))]))
    return path


def _npz(folder: Path, y: Any, x: Any = None, **arrays: Any) -> Path:
    np.savez(folder / "own.npz", x=np.arange(len(y)) % 7 if x is None else x, y=y, **arrays)
    return folder / "own.npz"


@pytest.mark.parametrize(
    "labels",
    [
        ["None", "NA", "null"],
        ["NaT", "N/A"],
        ["none", "some"],
        ["-", "+"],
        ["?", "!"],
        ["NULL", "NA", "1a"],
        ["yes", "no"],
    ],
)
def test_words_for_nothing_are_labels_of_their_own(tmp_path: Path, labels: list[str]) -> None:
    task = _load(_csv(tmp_path, labels))
    assert task.encoding["classes"] == sorted(labels) and task.n_outputs == len(labels)
    made = _load(_npz(tmp_path, np.resize(labels, 42)))
    assert made.encoding["classes"] == sorted(labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["up", "down", ""], "'y' has no label in rows 3, 6, 9, 12, 15 and 9 more"),
        (["up", "down", "  "], "'y' has no label in rows 3, 6"),
        (["up", "down", '""'], "'y' has no label in rows 3, 6"),
        (["True", "False", ""], "'y' has no label in rows 3, 6"),
        (["1", "2", ""], "'y' has 14 examples with missing or infinite values, the first in rows 3, 6"),
        (["up", "down", "nan"], "'y' has 'nan' for a label in rows 3, 6"),
        (["up", "NaN", ""], "'y' has no label in rows 3, 6"),
        # Beside numbers these words say that a number is missing.
        (["1", "2", "NA"], "'y' has 'NA' for a label in rows 3, 6"),
        (["1", "2", "None"], "'y' has 'None' for a label in rows 3, 6"),
        (["1.5", "2.25", "-"], "'y' has '-' for a label in rows 3, 6"),
    ],
)
def test_missing_labels_are_refused_with_their_rows(tmp_path: Path, labels: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        _load(_csv(tmp_path, labels))


def test_blanks_around_labels_make_no_other_class(tmp_path: Path) -> None:
    task = _load(_csv(tmp_path, ["up", " up", "down", "up ", "down  "]))
    assert task.encoding["classes"] == ["down", "up"]
    assert _load(_npz(tmp_path, np.resize(["up", "up ", "down"], 42))).encoding["classes"] == ["down", "up"]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([b"b", b"a"]), ["a", "b"]),
        (np.array(["é".encode(), b"a"]), ["a", "é"]),
        (np.array([[3], [1], [2]]), [1, 2, 3]),
        (np.array([["b"], ["a"]]), ["a", "b"]),
        (np.array([[[True]], [[False]]]), [False, True]),
        (np.array([2**63 + 1, 2**63], np.uint64), [2**63, 2**63 + 1]),
    ],
)
def test_labels_in_arrays(tmp_path: Path, labels: np.ndarray, classes: list[Any]) -> None:
    task = _load(_npz(tmp_path, np.concatenate([labels] * 12)))
    assert task.encoding["classes"] == classes and task.n_outputs == len(classes)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.zeros(0), "x": np.zeros((0, 3))}, r"'x' has no rows \(shape \(0, 3\)\)"),
        ({"y": np.arange(30) % 2, "x": np.zeros((30, 0))}, r"'x' has the shape \(30, 0\)"),
        ({"y": (np.arange(30) % 2)[None], "x": np.zeros((30, 2))}, r"arrays of different length \(x 30, y 1\)"),
        ({"y": np.full(30, b"\xff"), "x": np.zeros(30)}, "bytes that are no UTF-8 text"),
        ({"y": np.arange(30) % 2 + 0j, "x": np.zeros(30)}, "'y' holds complex numbers"),
        ({"y": np.arange(30) % 2, "x": np.zeros(30, complex)}, "'x' holds complex numbers"),
        ({"y": np.arange(30) % 2, "x": np.resize(["1.5", "x"], 30)}, r"'x' holds text \('x' in row 2\)"),
    ],
)
def test_arrays_that_are_no_table(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        _load(_npz(tmp_path, **arrays))


def test_rows_with_a_one_at_the_class_are_recognised(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"got shape \(30, 3\).*numpy.argmax\(..., axis=1\) gives classes"):
        _load(_npz(tmp_path, np.eye(3, dtype=int)[np.arange(30) % 3]))


@pytest.mark.parametrize("count", [60, 59, 400])
def test_many_whole_numbers_point_to_a_regression(tmp_path: Path, count: int) -> None:
    path = _csv(tmp_path, [3 * n - 70 for n in range(60)][:count], min(count, 60))
    with pytest.raises(ConfigError, match=r"different whole numbers in .* rows.*say task\.problem = \"regression\""):
        _load(path)
    assert _load(path, problem="regression").kind == "regression"


def test_names_of_examples_are_no_classes(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"60 different texts in 60 rows, .* expected classes with several examples each"
    ):
        _load(_csv(tmp_path, [f"name {n}" for n in range(60)], 60))
    (tmp_path / "own.csv").write_text("\n".join(["a;y", *(f"{n};{n},5" for n in range(60))]))
    with pytest.raises(ConfigError, match=r"60 different texts.*say task\.decimal = ','"):
        _load(tmp_path / "own.csv", separator=";")


@pytest.mark.parametrize(
    ("labels", "count", "settings", "message"),
    [
        (
            ["u", "v"],
            30,
            {"test_fraction": 0.99},
            "task.test_fraction: got 0.99, which takes all 15 examples of .* 'u'",
        ),
        ([0.5, 1.5], 3, {"test_fraction": 0.99}, "task.test_fraction: got 0.99, which takes all 3 examples;"),
        (["u", "v"], 30, {"validation_fraction": 0.99}, "task.validation_fraction: got 0.99, .* of the class 'u'"),
        ([0.5, 1.5], 30, {"validation_fraction": 0.99}, "task.validation_fraction: got 0.99, which takes all 24 ex"),
        ([0.5, 1.5], 3, {"test_fraction": 0.01}, "task.test_fraction: got 0.01, but 3 examples are too few"),
        (["u", "v"], 4, {"test_fraction": 0.01}, "task.test_fraction: got 0.01, but 4 examples are too few"),
        # One example of a class stays where it can be learned from, or is asked for.
        (["u", "u", "u", "u", "v"], 5, {"test_fraction": 0.6}, "takes all 1 examples of the class 'v'"),
    ],
)
def test_splits_that_leave_nothing_name_the_key(
    tmp_path: Path, labels: list[Any], count: int, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        _load(_csv(tmp_path, labels, count), **settings)


@pytest.mark.parametrize(
    ("settings", "key"),
    [({"test_fraction": 0.999}, "task.test_fraction"), ({"validation_fraction": 0.999}, "task.validation_fraction")],
)
def test_digits_that_are_all_held_out(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}: got 0.999, which takes all"):
        digits.load(digits.Config(**settings), seed=0)


@pytest.mark.parametrize("folder", ["~nobody_of_this_name/own.csv", "none\0.csv", ".", "missing.csv", "own.tsv"])
def test_paths_that_are_none(folder: str) -> None:
    with pytest.raises(NeurosimError, match=r"got|cannot be read|no file"):
        table.load(table.Config(path=Path(folder), target="y"), seed=0)


def test_a_suffix_in_capitals_is_the_same(tmp_path: Path) -> None:
    path = _csv(tmp_path, ["u", "v"]).rename(tmp_path / "OWN.CSV")
    assert _load(path).n_outputs == 2


@pytest.mark.parametrize("labels", [["u", "v"], ["0.5", "x"]])
def test_a_regression_onto_text_says_what_to_set(tmp_path: Path, labels: list[str]) -> None:
    with pytest.raises(DataError, match=r"column 'y' holds text .*say task\.problem = \"classification\""):
        _load(_csv(tmp_path, labels), problem="regression")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": np.full((3, 2), 1e300)}, "inputs: expected, after scaling, .*3 examples have greater ones"),
        ({"targets": np.full((3, 1), 1e-300)}, "targets: expected, .*so that they would be zero"),
        ({"inputs": np.array([["a", "b"]] * 3)}, "inputs: got <U1, expected numbers"),
        ({"inputs": np.array([[None, 1]] * 3)}, "inputs: got object, expected numbers"),
        ({"targets": np.full((3, 1), 1j)}, "targets: got complex128, expected numbers"),
    ],
)
def test_splits_of_numbers_that_single_precision_loses(changes: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Split(**{"inputs": np.zeros((3, 2)), "targets": np.zeros((3, 1)), **changes})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"validation": 20}, "task.validation: got 20 of 20 examples"),
        (
            {"n_train": 18, "validation": 3},
            "task.n_train: got 18 with task.validation 3, expected no more than 20 in all",
        ),
        ({"n_test": 21, "validation": 3}, "task.n_test: got 21, but there are 20 test examples"),
    ],
)
def test_images_name_the_key_that_was_set(settings: dict[str, Any], message: str) -> None:
    images = np.zeros((20, 2, 2, 1), np.uint8), np.zeros(20, np.uint8)
    with pytest.raises(ConfigError, match=message):
        split_images("images", ImageConfig(**settings), images, images, 2, None, files=())
