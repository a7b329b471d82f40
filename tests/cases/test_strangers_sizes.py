"""Memory and time that a stranger's file may take: bounded before they are used."""

from __future__ import annotations

import io
import os
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from matplotlib.figure import Figure
from safetensors.numpy import save

from neurosim import registry
from neurosim.equations.brian import StateUpdateMethod
from neurosim.errors import ConfigError, DataError, EquationError
from neurosim.gate.limits import largest, opened
from neurosim.gate.npz import read_npz
from neurosim.gate.tensors import read_tensors
from neurosim.gate.texts import parsed_json
from neurosim.model_files.model_file import load
from neurosim.model_files.toml import read_toml
from neurosim.neurons._model import NeuronModel
from neurosim.plots.figures import learning_figure, save_figure
from neurosim.runs.drawing import draw_all
from neurosim.tasks import table
from neurosim.tasks._csv import Csv, read_names
from neurosim.tasks._idx import read_idx
from tests.cases.test_damage_runs import _run

MIB = "NEUROSIM_LARGEST_MIB"


def _sparse(path: Path, begin: bytes, size: int) -> Path:
    path.write_bytes(begin)
    os.truncate(path, size)
    return path


def test_large_files_of_holes_are_refused_unless_the_user_says_how_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MIB, raising=False)
    size = 80 << 20
    # An honest header of an array that is nowhere on the disk.
    whole = save({"w": np.zeros(1, np.uint8)})
    text = whole[8:-1].decode().replace("[1]", f"[{size}]").replace("[0,1]", f"[0,{size}]").encode()
    head = len(text).to_bytes(8, "little") + text
    path = _sparse(tmp_path / "weights.safetensors", head, len(head) + size)
    if os.stat(path).st_blocks * 512 > size // 16:
        pytest.fail("this disk keeps no holes, choose another for temporary files")
    tracemalloc.start()
    with pytest.raises(DataError, match=rf"80 MiB of which .* the rest are holes.*{MIB}"):
        read_tensors(path)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
    monkeypatch.setenv(MIB, "200")
    assert read_tensors(path).arrays["w"].shape == (size,)


def test_small_files_of_holes_and_large_ones_without_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MIB, raising=False)
    for path in (_sparse(tmp_path / "small", b"", 1 << 20), tmp_path / "large"):
        if not path.exists():
            path.write_bytes(b"x" * (65 << 20))
        with opened(path)[0] as stream:
            assert stream.read(1)


def test_refusals_by_size_name_the_remedy_where_the_limit_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIB, "1")
    np.savez_compressed(tmp_path / "own.npz", x=np.zeros(1 << 19))
    (tmp_path / "own.bin").write_bytes(bytes(2 << 20))
    for call in (
        lambda: read_npz(tmp_path / "own.npz", largest=largest()),
        lambda: read_npz(tmp_path / "own.npz"),
        lambda: opened(tmp_path / "own.bin", most=largest()),
        lambda: opened(tmp_path / "own.bin"),
    ):
        with pytest.raises(DataError, match=rf"expected at most 1 MiB.*set the environment variable {MIB}"):
            call()
    with pytest.raises(DataError) as caught:
        opened(tmp_path / "own.bin", most=1 << 10)
    # A limit of ours, that nobody can raise.
    assert MIB not in str(caught.value)


@pytest.mark.parametrize("kind", ["linear_regression", "nonlinear_regression", "teacher_student"])
def test_a_description_draws_no_samples(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = registry.load("tasks", kind)
    monkeypatch.setattr(module, "load", lambda *args, **settings: pytest.fail("it draws"))
    sections: dict[str, Any] = {
        "task": {"kind": kind, "n_inputs": 7, "n_outputs": 3, "n_train": 10**7},
        "network": {"hidden": [4], "readout": "squared_error"},
        "scheme": {"kind": "backpropagation"},
    }
    assert load(sections).circuit.shape("W1") == (4, 7)


def test_teachers_of_too_many_layers_are_refused() -> None:
    sections = {"task": {"kind": "teacher_student", "hidden": [1] * 201}, "scheme": {"kind": "backpropagation"}}
    with pytest.raises(ConfigError, match=r"task\.hidden: .*at most 200 items"):
        load(sections)


def _table(path: Path, **settings: Any) -> Any:
    return table.load(table.Config(path=path, target="y", **settings), seed=0)


def test_many_short_texts_are_counted_as_the_objects_they_become(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b,y\n" + "".join(f"{n},x{n:x},{n % 2}\n" for n in range(40_000)))
    monkeypatch.setenv(MIB, "4")
    tracemalloc.start()
    with pytest.raises(DataError, match=rf"the texts and numbers of its 3 columns would take .*{MIB}"):
        _table(path, inputs="a")
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()
    # Numbers, and texts that are the same, take no more than before.
    path.write_text("a,b,y\n" + "".join(f"{n},{'TF'[n % 2]},{n % 2}\n" for n in range(40_000)))
    assert len(_table(path, inputs="a").train) > 20_000


def test_texts_of_all_kinds_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.csv"
    cells = ["True", "", "9" * 30, "\N{GRINNING FACE}", "-1.5", "NA", "False", "1e400"]
    for cell in [*cells, None]:
        path.write_text("a,b,y\n" + "".join(f"{n},{cell or cells[n % 8]},{n % 2}\n" for n in range(2_000)))
        monkeypatch.delenv(MIB, raising=False)
        expected = _table(path, inputs="a").train.inputs
        # So little that texts are looked at first.
        monkeypatch.setenv(MIB, "1")
        monkeypatch.setattr("neurosim.tasks._csv.BYTES_A_TEXT", 1 << 20)
        np.testing.assert_array_equal(_table(path, inputs="a").train.inputs, expected)


def test_lines_that_end_with_a_carriage_return_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIB, "1")
    for end in ("\n", "\r", "\r\n"):
        (tmp_path / "rows.csv").write_bytes(f"a,b,y{end}".encode() + f"1,2,3{end}".encode() * 40_000)
        with pytest.raises(DataError, match="its 3 columns would take 1 MiB, expected at most 1 MiB"):
            _table(tmp_path / "rows.csv")


def test_tables_of_too_many_columns_are_refused_by_their_first_line() -> None:
    for names in (",".join(map(str, range(100_001))), "," * 100_001):
        with pytest.raises(DataError, match=r"has 10000\d names, expected at most 100000 columns; a wider table"):
            read_names(Path("rows.csv"), io.BytesIO(f"{names}\n1\n".encode()), Csv())


def test_pipes_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for call in (read_toml, lambda path: read_idx(path, largest=1)):
        with pytest.raises(DataError, match="pipe: cannot be read, this is no file"):
            call(tmp_path / "pipe")


@pytest.mark.parametrize(
    "title", ["$\\frac{$", "$\\unknown$", "5 $ and 6 $", "a" * 100_000, "\n" * 5_000, "\ud800", "\x00\x1b[2J"]
)
def test_titles_are_drawn_as_they_are_written(title: str, tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    known = {name: ("epoch", [1.0, 0.5]) for name in ("train_loss", "validation_loss", "train_accuracy")}
    history = xarray.Dataset({**known, "validation_accuracy": ("epoch", [np.nan] * 2)}, {"epoch": [0, 1]})
    figure: Figure = learning_figure(history, title=title)
    assert save_figure(figure, tmp_path / "figure.png").stat().st_size > 1000
    assert not recwarn.list


def test_a_run_that_lacks_what_is_drawn_is_refused_as_a_file(tmp_path: Path) -> None:
    folder = _run(tmp_path / "run")
    with pytest.raises(DataError, match=r"this run cannot be drawn \(AttributeError: .*train_accuracy"):
        draw_all(folder)


def test_halves_of_characters_are_no_text() -> None:
    assert parsed_json(b'{"a": "\\ud83d\\ude00 \\u00e4"}', "x") == {"a": "\U0001f600 ä"}
    for data in (b'{"a": "\\ud800"}', '["\\uDC00"]', b'{"\\ud800": 1}'):
        with pytest.raises(DataError, match="x: damaged, no valid JSON"):
            parsed_json(data, "x")


@pytest.mark.parametrize(("method", "most"), [("euler", 250), ("exponential_euler", 250), ("exact", 250), ("rk4", 48)])
def test_texts_of_too_many_equations_are_refused_before_algebra_sees_them(
    method: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StateUpdateMethod, "apply_stateupdater", lambda *args: pytest.fail("algebra is done"))
    text = "\n".join(f"dv{n}/dt = -v{n}/(10*ms) : 1" for n in range(most + 1))
    with pytest.raises(EquationError, match=f"got {most + 1} differential equations, expected at most {most} with"):
        NeuronModel(text, method=method)
