"""Tables: what is read rightly, and what is said of files that are something else."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.errors import ConfigError, DataError
from neurosim.tasks import table


def _load(path: Path, target: Any = "y", **settings: Any) -> Any:
    return table.load(table.Config(path=path, target=target, **settings), seed=0)


def _csv(folder: Path, first: str, row: Any, count: int = 40) -> Path:
    path = folder / "own.csv"
    path.write_text("\n".join([first, *(row(number) for number in range(count))]) + "\n")
    return path


def _all(task: Any, name: str = "inputs") -> np.ndarray:
    """Inputs or targets of all splits, sorted, so that it does not matter which example is where."""
    return np.sort(np.concatenate([getattr(part, name) for part in (task.train, task.validation, task.test)]), axis=0)


def _comma(number: float) -> str:
    return f"{number:.3f}".replace(".", ",")


PLAIN = [("a,b,y", lambda n: f"{n / 7:.3f},{n % 5},{'uv'[n % 2]}", {})]
SAME = [
    ("a;b;y", lambda n: f"{_comma(n / 7)};{n % 5};{'uv'[n % 2]}", {"separator": ";", "decimal": ","}),
    ("a;b;y", lambda n: f"{n / 7:.3f};{n % 5};{'uv'[n % 2]}", {"separator": ";"}),
    ("a\tb\ty", lambda n: f"{_comma(n / 7)}\t{n % 5}\t{'uv'[n % 2]}", {"separator": "\t", "decimal": ","}),
    ("a b y", lambda n: f"{n / 7:.3f} {n % 5} {'uv'[n % 2]}", {"separator": " "}),
    (" a , b,y ", lambda n: f"{n / 7:.3f}  ,{n % 5}, {'uv'[n % 2]} ", {}),
    ("﻿a,b,y", lambda n: f"{n / 7:.3f},{n % 5},{'uv'[n % 2]}", {}),
    ("a,b,y", lambda n: f'"{n / 7:.3f}","{n % 5}","{"uv"[n % 2]}"', {}),
    ("a,b,y,note", lambda n: f"{n / 7:.3f},{n % 5},{'uv'[n % 2]},note {n}", {"inputs": ("a", "b")}),
]


@pytest.mark.parametrize(("first", "row", "settings"), SAME)
def test_the_same_table_however_it_is_written(tmp_path: Path, first: str, row: Any, settings: Any) -> None:
    (tmp_path / "plain").mkdir()
    expected = _load(_csv(tmp_path / "plain", *PLAIN[0][:2]))
    found = _load(_csv(tmp_path, first, row), **settings)
    np.testing.assert_array_equal(found.train.inputs, expected.train.inputs)
    np.testing.assert_array_equal(found.train.labels, expected.train.labels)
    assert found.encoding["classes"] == expected.encoding["classes"] == ["u", "v"]


def test_whole_numbers_beyond_64_bits_are_numbers(tmp_path: Path) -> None:
    values = [-(2**70), 2**64, 2**64 + 2**40, 2**65]
    path = _csv(tmp_path, "a,y", lambda n: f"{values[n % 4]},{n % 2}")
    np.testing.assert_array_equal(
        _all(_load(path, standardise=False))[::10, 0], np.array(values, float).astype(np.float32)
    )
    labels = _csv(tmp_path, "a,y", lambda n: f"{n % 7},{2**70 + n % 2}")
    assert _load(labels).encoding["classes"] == [str(2**70), str(2**70 + 1)]


REFUSED = {
    "semicolons": ("a;b;y", lambda n: f"{n};{n};1", r"say task\.separator = \";\", and task\.decimal = ','"),
    "tabs": ("a\tb\ty", lambda n: f"{n}\t{n}\t1", r"say task\.separator = \"\\t\""),
    "blanks": ("a b y", lambda n: f"{n} {n} 1", r"say task\.separator = \" \""),
    "a line for Excel": ("sep=;\na;y", lambda n: f"{n};1", r"delete it, and say task\.separator = ';'"),
    "a comment": (
        "# made by hand\na,y",
        lambda n: f"{n},1",
        r"first line begins with '#'.*delete the lines of comment",
    ),
    "a comment with commas": ("# made, by hand\na,y", lambda n: f"{n},1", "first line begins with '#'"),
    "names after a sign": ("# a,y", lambda n: f"{n},1", "or the '#' if these are the names"),
    "names of rows": ("a,y", lambda n: f"r{n},{n},1", "2 names, row 1 has more cells; if rows begin with a name, give"),
    "decimal commas": ("a,y", lambda n: f"{n},5,1", "for numbers with decimal commas, separate columns by ';'"),
    "a long row": ("a,y", lambda n: f"{n},1" + ",7" * (n == 5), "first line has 2 names, line 7 has 3 cells"),
    "quoted decimal commas": ("a,y", lambda n: f'"{n},5",1', r"'0,5' in row 1.*say task\.decimal = ','"),
    "words for missing numbers": ("a,y", lambda n: f"{'NA' if n % 9 == 3 else n},1", "'a' has 'NA' in rows 4, 13, 22"),
    "empty cells": ("a,y", lambda n: f"{'' if n == 3 else n},1", "'a' has 1 examples with missing .* in row 4;"),
    "infinite numbers": ("a,y", lambda n: f"{'inf' if n == 3 else n},1", "'a' has 1 examples with missing or infinite"),
    "dates": ("a,y", lambda n: f"2020-01-{n % 28 + 1},1", r"column 'a' holds text \('2020-01-1' in row 1\)"),
    "complex numbers": ("a,y", lambda n: "1+2j,1", r"holds text \('1\+2j' in row 1\)"),
    "a short row": ("a,y", lambda n: "3" if n == 6 else f"{n},{n / 3}", "'y' has 1 examples with missing .* in row 7;"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_files_that_are_something_else_say_what_and_the_remedy(tmp_path: Path, case: str) -> None:
    first, row, message = REFUSED[case]
    with pytest.raises(DataError, match=message):
        _load(_csv(tmp_path, first, row))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty, expected names in its first line"),
        (b"a,y", "has 2 names in its first line and no rows below it"),
        (b"a,y\n", "has 2 names in its first line and no rows below it"),
        ("a,y\n1,é\n".encode("latin1"), "no UTF-8 text .at byte 6.; save it as UTF-8"),
        ("a,y\n1,u\n".encode("utf-16"), "no UTF-8 text"),
        (b'a,y\n1,"u\n', "EOF inside string"),
    ],
)
def test_files_without_a_table(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "own.csv").write_bytes(data)
    with pytest.raises(DataError, match=message):
        _load(tmp_path / "own.csv")


@pytest.mark.parametrize("first", ["a,y,y", "y,a,y", "a,y ,y", "a,a,y", "a, y,y", 'a,"y ",y'])
def test_a_name_that_stands_twice_is_refused(tmp_path: Path, first: str) -> None:
    path = _csv(tmp_path, first, lambda n: f"{n},{n % 2},{n % 2}")
    with pytest.raises(DataError, match="more than once; expected a name of its own for each column"):
        _load(path)


def test_a_column_without_a_name_is_not_learned_from(tmp_path: Path) -> None:
    path = _csv(tmp_path, ",a,y", lambda n: f"{n},{n % 7},{n % 2}")
    with pytest.raises(ConfigError, match="a column without a name, which may hold the numbers of its rows"):
        _load(path)
    assert _load(path, inputs="a").n_inputs == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": ("a", "y")}, r"task.inputs: got 'y', which is the target"),
        ({"inputs": ("a", "a")}, "task.inputs: got a, a, expected each column once"),
        ({"target": ("y", "y")}, "task.target: got y, y, expected each column once"),
        ({"target": "z"}, "task.target: got z, expected columns of .*: a, y"),
        ({"target": ""}, "task.target: got no column, expected columns"),
    ],
)
def test_columns_that_do_not_go_together(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _load(_csv(tmp_path, "a,y", lambda n: f"{n % 7},{n / 3}"), **settings)


def test_a_missing_line_of_names_is_guessed_when_a_name_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="its first line holds numbers: is the line with the names missing"):
        _load(_csv(tmp_path, "1.5,2.5,0", lambda n: f"{n},{n},1"))


def test_a_network_may_reproduce_its_inputs(tmp_path: Path) -> None:
    task = _load(_csv(tmp_path, "a,b", lambda n: f"{n / 7},{n % 3 / 2}"), ("a", "b"), inputs=("a", "b"))
    np.testing.assert_array_equal(task.train.inputs, task.train.targets)


def test_a_long_text_in_a_column_that_is_not_used_takes_no_more_than_itself(tmp_path: Path) -> None:
    long = "x" * 300_000
    path = _csv(tmp_path, "a,note,y", lambda n: f"{n % 7},{long if n == 3 else 'short'},{'uv'[n % 2]}", 2000)
    tracemalloc.start()
    task = _load(path, inputs="a")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Text of one width for all would take 2.4 GB.
    assert task.n_inputs == 1 and peak < 30e6


def test_bytes_take_what_they_become_and_no_double_precision(tmp_path: Path) -> None:
    array = np.zeros((2048, 4096), np.uint8)
    array[::2] = 1
    np.savez_compressed(tmp_path / "own.npz", x=array, y=np.arange(len(array)) % 2)
    tracemalloc.start()
    task = _load(tmp_path / "own.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The array, what is chosen of it, single precision, and a block of 8 MiB with what is computed from it.
    assert task.train.inputs.dtype == np.float32 and peak < 6 * array.nbytes + 8 * (8 << 20)


@pytest.mark.parametrize(("users", "own"), [("8", None), ("8", 10**22), (None, 8), ("1000", 8)])
def test_the_largest_size_is_the_users_and_a_file_can_only_lower_it(
    tmp_path: Path, users: str | None, own: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if users is not None:
        monkeypatch.setenv("NEUROSIM_LARGEST_MIB", users)
    # 4 MiB in the file, 16 MiB in single precision.
    np.savez_compressed(tmp_path / "own.npz", x=np.zeros((1024, 4096), np.uint8), y=np.arange(1024) % 2)
    with pytest.raises(DataError, match="take 16 MiB in single precision, expected at most 8 MiB"):
        _load(tmp_path / "own.npz", largest_mib=own)


def test_files_that_read_themselves_again_are_as_json_has_them(tmp_path: Path) -> None:
    task = _load(_csv(tmp_path, *PLAIN[0][:2]))
    assert json.loads(json.dumps(task.encoding)) == task.encoding
    assert json.loads(json.dumps(task.files)) == list(task.files)
