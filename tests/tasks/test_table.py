"""Tables of a user: reading, splitting, and error messages."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neurosim.errors import ConfigError, DataError
from neurosim.model_files.model_file import load as load_model
from neurosim.tasks import table


def _load(path: Path, target: str | tuple[str, ...], **settings):
    return table.load(table.Config(path=path, target=target, **settings), seed=0)


def _csv(folder: Path, text: str) -> Path:
    path = folder / "own.csv"
    path.write_text(text)
    return path


def _rows(count: int = 40) -> str:
    generator = np.random.default_rng(0)
    lines = [f"{a:.6f}, {b:.6f}, {'up' if a > 0 else 'down'}" for a, b in generator.standard_normal((count, 2))]
    return "\n".join(["first, second, direction", *lines])


def test_a_csv_with_text_classes(tmp_path):
    task = _load(_csv(tmp_path, _rows()), "direction", standardise=False)
    assert (task.kind, task.n_inputs, task.n_outputs) == ("classification", 2, 2)
    assert len(task.train) + len(task.validation) + len(task.test) == 40
    for split in (task.train, task.validation, task.test):
        # Classes are sorted by name: "down" is 0.
        np.testing.assert_array_equal(split.labels, (split.inputs[:, 0] > 0).astype(int))


def test_inputs_are_standardised_by_the_training_split_alone(tmp_path):
    task = _load(_csv(tmp_path, _rows()), "direction")
    np.testing.assert_allclose(task.train.inputs.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(task.train.inputs.std(axis=0), 1, atol=1e-6)
    assert abs(task.test.inputs.mean(axis=0)).max() > 1e-3


def test_the_split_seed_and_nothing_else_decides_the_split(tmp_path):
    path = _csv(tmp_path, _rows())
    first = table.load(table.Config(path=path, target="direction"), seed=1)
    second = table.load(table.Config(path=path, target="direction"), seed=2)
    other = table.load(table.Config(path=path, target="direction", split_seed=1), seed=1)
    np.testing.assert_array_equal(first.test.inputs, second.test.inputs)
    assert not np.array_equal(first.test.inputs, other.test.inputs)


def test_arrays_by_name(tmp_path):
    generator = np.random.default_rng(1)
    images, labels = generator.standard_normal((30, 4, 3)), generator.integers(0, 3, 30)
    np.savez(tmp_path / "own.npz", X=images, y=labels, session=np.arange(30))
    task = _load(tmp_path / "own.npz", "y", inputs="X")
    assert (task.kind, task.n_inputs, task.n_outputs) == ("classification", 12, 3)
    regression = _load(tmp_path / "own.npz", "y", inputs="X", problem="regression", standardise_target=False)
    assert (regression.kind, regression.n_outputs) == ("regression", 1)
    found = np.concatenate([split.targets for split in (regression.train, regression.validation, regression.test)])
    np.testing.assert_array_equal(np.sort(found[:, 0]), np.sort(labels))


@pytest.mark.parametrize("channels", [1, 3])
def test_one_array_of_images(tmp_path, channels):
    generator = np.random.default_rng(1)
    images = generator.uniform(1, 3, (30, 6, 5, channels)) * np.arange(1, 6)[:, None]
    labels = generator.integers(0, 2, 30)
    np.savez(tmp_path / "own.npz", X=images[..., 0] if channels == 1 else images, y=labels, session=np.arange(30))
    task = _load(tmp_path / "own.npz", "y", inputs="X")
    assert task.image == (6, 5, channels)
    # Each channel has one scale, so that a pixel stays what it was beside the others.
    scaled = task.train.inputs.reshape(-1, channels)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-6)
    raw = _load(tmp_path / "own.npz", "y", inputs="X", standardise=False).train.inputs.reshape(-1, channels)
    for channel in range(channels):
        assert np.corrcoef(raw[:, channel], scaled[:, channel])[0, 1] == pytest.approx(1, abs=1e-6)
    (tmp_path / "mine.toml").write_text(
        '[task]\nkind = "table"\npath = "own.npz"\ninputs = "X"\ntarget = "y"\n'
        "[network]\nhidden = [{ channels = 2, kernel = 3 }]\n"
        '[scheme]\nkind = "backpropagation"\n[engine]\nlevel = "steady"\n'
    )
    assert load_model(tmp_path / "mine.toml").circuit.population["hidden1"].shape == (6, 5, 2)


def test_several_arrays_are_no_image(tmp_path):
    generator = np.random.default_rng(1)
    np.savez(tmp_path / "own.npz", a=generator.random((30, 4, 3)), b=generator.random((30, 4, 3)), y=np.arange(30) % 2)
    task = _load(tmp_path / "own.npz", "y")
    assert task.image is None and task.n_inputs == 24


def test_columns_of_one_array_and_several_targets(tmp_path):
    array = np.random.default_rng(2).standard_normal((50, 5))
    np.save(tmp_path / "own.npy", array)
    task = _load(tmp_path / "own.npy", ("3", "4"))
    assert (task.kind, task.n_inputs, task.n_outputs) == ("regression", 3, 2)
    np.testing.assert_allclose(task.train.targets.std(axis=0), 1, atol=1e-6)


def test_a_path_in_a_model_file_is_relative_to_that_file(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    _csv(tmp_path / "data", _rows())
    model = tmp_path / "mine.toml"
    model.write_text(
        '[task]\nkind = "table"\npath = "data/own.csv"\ntarget = "direction"\n[scheme]\nkind = "feedback_alignment"\n'
        '[engine]\nlevel = "steady"\n[variants.other.task]\npath = "data/none.csv"\n'
    )
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = load_model("../mine.toml")
    assert found.load_task().n_inputs == 2
    assert found.circuit.population["input"].size == 2
    # Overrides and what a run folder keeps mean the same file.
    assert load_model(found, ["training.epochs=2"]).load_task().n_inputs == 2
    assert load_model(found.resolve()).load_task().n_inputs == 2
    with pytest.raises(DataError, match=r"data/none\.csv: cannot be read"):
        load_model("../mine.toml+other").load_task()


@pytest.mark.parametrize("path", ["own.csv", Path("own.csv")])
def test_a_path_that_is_no_file_s_own_is_relative_to_where_it_is_said(tmp_path, monkeypatch, path):
    _csv(tmp_path, _rows())
    sections = {"task": {"kind": "table", "path": path, "target": "direction"}, "scheme": {"kind": "backpropagation"}}
    monkeypatch.chdir(tmp_path)
    overrides = ["task.kind=table", f"task.path={path}", "task.target=direction"]
    found = [load_model(sections), load_model("lansdell2020/digits", overrides)]
    # A run folder is read from anywhere.
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for model in found:
        assert load_model(model.resolve()).load_task().n_inputs == 2
    assert sections["task"]["path"] == path


REFUSED = {
    "unknown column": ("a,b\n1,2\n3,4", {"target": "c"}, r"task.target: got c, expected columns of .*: a, b"),
    "missing value": ("a,b\n1,x\n,y\n3,x", {"target": "b"}, r"'a' has 1 examples .* the first in row 2"),
    "text input": ("a,b\nq,1\nr,2", {"target": "b"}, r"column 'a' holds text"),
    "one class": ("a,b\n1,x\n2,x", {"target": "b"}, r"1 different values, expected 2 to 1000"),
    "too few": ("a,b\n1,0.5", {"target": "b"}, r"1 examples are too few"),
    "only the target": ("b\n1\n2", {"target": "b"}, r"no column besides the target"),
    "long rows": ("a,b\n1,2,3\n4,5,6", {"target": "b"}, r"cannot be read as .csv"),
    "ragged": ("a,b\n1,2\n4,5,6", {"target": "b"}, r"cannot be read as .csv"),
    "empty": ("", {"target": "b"}, r"cannot be read as .csv"),
    "several classes": ("a,b,c\n1,2,3\n3,4,5", {"target": ("b", "c"), "problem": "classification"}, r"got 2 columns"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_tables_that_do_not_fit(tmp_path, case):
    text, settings, message = REFUSED[case]
    with pytest.raises((ConfigError, DataError), match=message):
        _load(_csv(tmp_path, text), **settings)


def test_files_that_are_not_what_they_should_be(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        _load(tmp_path / "none.csv", "y")
    (tmp_path / "own.pkl").write_bytes(b"cos\nsystem\n")
    with pytest.raises(DataError, match=r"got a file '.pkl', expected .csv, .npy, .npz"):
        _load(tmp_path / "own.pkl", "y")
    np.save(tmp_path / "objects.npy", np.array([[{}, 1]], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="Python objects"):
        _load(tmp_path / "objects.npy", "1")
    (tmp_path / "broken.npz").write_bytes(b"PK\3\4 and nothing else")
    with pytest.raises(DataError, match=r"broken\.npz: damaged, or no \.npz file"):
        _load(tmp_path / "broken.npz", "y")


def test_size_is_checked_before_memory_is_taken(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2)})
    (tmp_path / "lies.npy").write_bytes(header.getvalue() + struct.pack("<d", 1.0))
    with pytest.raises(DataError, match="truncated, its header announces"):
        _load(tmp_path / "lies.npy", "1")
    # A few kilobytes that unpack to 8 MiB.
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        array = io.BytesIO()
        np.save(array, np.zeros((2**20, 1)))
        archive.writestr("X.npy", array.getvalue())
    with pytest.raises(DataError, match=r"its arrays unpack to 8 MiB, expected at most 1 MiB"):
        _load(tmp_path / "bomb.npz", "y", largest_mib=1)
