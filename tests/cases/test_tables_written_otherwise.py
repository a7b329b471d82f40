"""Tables as other programs write them: what is read rightly, and what would be learned wrongly is refused."""

from __future__ import annotations

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


COMMAS = {"separator": ";", "decimal": ","}


def _values(path: Path, **settings: Any) -> list[float]:
    task = _load(path, standardise=False, **settings)
    return sorted(np.concatenate([part.inputs[:, 0] for part in (task.train, task.validation, task.test)]).tolist())


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1,5", 1.5), ("-0,25", -0.25), (",5", 0.5), ("7", 7.0), ("1,5e2", 150.0), ("2,", 2.0), ("+3,0", 3.0)],
)
def test_a_decimal_comma_is_one_in_every_number(tmp_path: Path, cell: str, value: float) -> None:
    path = _csv(tmp_path, "a;y", lambda n: f"{cell};{'uv'[n % 2]}")
    assert _values(path, **COMMAS) == [value] * 40


@pytest.mark.parametrize("cell", ["1.100", "1.100,5", "12.345.678", "-1.000", "0.5", "1.5e3"])
def test_points_where_commas_are_decimals_are_refused_and_not_taken_for_decimals(tmp_path: Path, cell: str) -> None:
    path = _csv(tmp_path, "a;y", lambda n: f"{cell if n == 3 else '1,5'};{'uv'[n % 2]}")
    with pytest.raises(DataError, match=r"'a' has .* where decimals are written with commas; if points stand between"):
        _load(path, **COMMAS)


def test_whole_numbers_and_truth_values_are_classes_beside_decimal_commas(tmp_path: Path) -> None:
    whole = _csv(tmp_path, "a;y", lambda n: f"{n},5;{n % 3}")
    assert _load(whole, **COMMAS).encoding["classes"] == [0, 1, 2]
    assert _load(_csv(tmp_path, "a;y", lambda n: f"{n},5;{n % 2 == 0}"), **COMMAS).encoding["classes"] == [False, True]
    with pytest.raises(DataError, match=r"'a' has 1 examples with missing .* in row 4"):
        _load(_csv(tmp_path, "a;y", lambda n: f"{'' if n == 3 else n};{n % 2}"), **COMMAS)
    dates = _csv(tmp_path, "a;day;y", lambda n: f"{n},5;01.02.2020;{n % 2}")
    assert _load(dates, inputs="a", **COMMAS).n_inputs == 1


def test_numbers_of_rows_that_pandas_wrote_twice_are_not_learned_from(tmp_path: Path) -> None:
    path = _csv(tmp_path, "Unnamed: 0,a,y", lambda n: f"{n},{n % 7},{n % 2}")
    with pytest.raises(ConfigError, match="may hold the numbers of its rows"):
        _load(path)
    assert _load(path, inputs="a").n_inputs == 1


@pytest.mark.parametrize("first", ["y,y\u200b,a", "y,\ufeffy,a", "y,y\u00a0,a", "\u00f6,o\u0308,y", "y, \u2060y,a"])
def test_names_that_look_the_same_are_the_same(tmp_path: Path, first: str) -> None:
    with pytest.raises(DataError, match="more than once"):
        _load(_csv(tmp_path, first, lambda n: f"{n % 2},{n % 2},{n % 2}"))


@pytest.mark.parametrize("other", ["u\u200b", "u\u00a0", " u", "\ufeffu"])
def test_labels_that_look_the_same_are_one_class(tmp_path: Path, other: str) -> None:
    path = _csv(tmp_path, "a,y", lambda n: f"{n % 7},{['u', other, 'v'][n % 3]}")
    assert _load(path).encoding["classes"] == ["u", "v"]


@pytest.mark.parametrize("first", ["a  b  y", " a b y", 'a "b" y'])
def test_names_are_parted_as_rows_are(tmp_path: Path, first: str) -> None:
    task = _load(_csv(tmp_path, first, lambda n: f"{n % 7}  {n % 5}  {'uv'[n % 2]}"), separator=" ")
    assert [each["name"] for each in task.encoding["inputs"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04xxxx\0", r"a ZIP archive, such as \.xlsx"),
        (b"\x1f\x8b\x08\0xx", "packed by gzip; unpack it"),
        (b"PAR1xxxx", "a Parquet file"),
        (b"\x93NUMPY\x01\0", r"an array of NumPy; name it \.npy"),
        ("a,y\n1,u\n".encode("utf-16-le"), "NUL bytes as UTF-16 does; save it as .csv in UTF-8"),
        (b'a,y\n1,u\n2,"v\n', "a quotation mark is opened and not closed"),
        (b"My data of 2020\na,b,y\n1,2,u\n", "one name, the next one 3 cells; .* if this is a title, delete it"),
        (b"a;b;y\n1,5;2,5;u\n", r"say task\.separator = \";\", and task\.decimal = ','"),
        (b"a,x;b,z;y\n1;2;u\n", "if columns are separated by ';', say task.separator"),
    ],
)
def test_other_files_are_called_what_they_are(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "own.csv").write_bytes(data)
    with pytest.raises((DataError, ConfigError), match=message):
        _load(tmp_path / "own.csv")


UNUSED = {
    "dates": np.array(["2020-01-01", "2020-01-02"], "M8[D]"),
    "records": np.zeros(3, [("a", "f8")]),
    "objects": np.array([{}, None], dtype=object),
    "a scalar": np.array(3),
    "another length": np.zeros(7),
    "no rows": np.zeros((0, 3)),
}


@pytest.mark.parametrize("kind", UNUSED)
def test_an_array_that_is_not_asked_for_may_be_anything(tmp_path: Path, kind: str) -> None:
    x, y = np.random.default_rng(0).standard_normal((40, 2)), np.arange(40) % 2
    np.savez(tmp_path / "own.npz", x=x, y=y, beside=UNUSED[kind])
    assert _load(tmp_path / "own.npz", inputs="x").n_inputs == 2
    with pytest.raises(DataError, match=r"beside.*task\.inputs|task\.inputs|'beside' has no rows"):
        _load(tmp_path / "own.npz")


@pytest.mark.parametrize("each", [1, 2])
def test_many_whole_numbers_as_target_point_to_a_regression(tmp_path: Path, each: int) -> None:
    path = _csv(tmp_path, "a,y", lambda n: f"{n % 7},{n // each}", 60)
    with pytest.raises(ConfigError, match=r'to predict the number say task\.problem = "regression"'):
        _load(path)
    assert _load(path, problem="regression").n_outputs == 1
