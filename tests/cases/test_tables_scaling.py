"""Centring and scaling: the unit of a column does not matter, and variation is relative to the column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from neurosim.errors import DataError
from neurosim.tasks import table
from neurosim.tasks._scaling import moments, scaled, unscaled

UNITS = [1e-300, 1e-100, 1e-13, 1e-6, 1.0, 1e6, 1e13, 1e100, 1e300]
RNG = np.random.default_rng(0)
NORMAL = RNG.standard_normal((200, 3))


def _made(array: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    rows = np.arange(len(array)) if rows is None else rows
    return scaled(array, *moments(array, rows, array.shape[1]))


def _load(folder: Path, x: np.ndarray, y: np.ndarray, **settings: Any) -> Any:
    np.savez(folder / "own.npz", x=x, y=y)
    return table.load(table.Config(path=folder / "own.npz", target="y", **settings), seed=0)


@pytest.mark.parametrize("unit", UNITS)
def test_no_unit_changes_what_is_learned_from(unit: float) -> None:
    np.testing.assert_allclose(_made(NORMAL * unit), _made(NORMAL), rtol=1e-5, atol=1e-6)
    expected = StandardScaler().fit_transform(NORMAL)
    np.testing.assert_allclose(_made(NORMAL * unit), expected, rtol=1e-5, atol=1e-6)


def test_columns_in_different_units_stand_beside_each_other() -> None:
    units = np.array([1e-200, 1.0, 1e200])
    np.testing.assert_allclose(_made(NORMAL * units), _made(NORMAL), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("offset", "spread"), [(1e6, 1e-3), (1e6, 1e-6), (-1e6, 1e-8), (1e13, 1.0), (1e-3, 1e-13)])
def test_a_small_spread_beside_a_large_offset_is_one(offset: float, spread: float) -> None:
    column = offset + spread * NORMAL
    # What is left after the sum has been rounded, exactly.
    left = column - offset
    expected = (left - left.mean(axis=0)) / left.std(axis=0)
    # A mean is rounded like the numbers themselves.
    np.testing.assert_allclose(_made(column), expected, rtol=1e-5, atol=1e-5 + np.spacing(abs(offset)) / spread)


@pytest.mark.parametrize("rows", [10, 100_000])
@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, -7.3e-200, 1e-13, 5e13, -1e300, np.finfo(float).max, 5e-324])
def test_a_column_that_does_not_vary_becomes_zero(value: float, rows: int) -> None:
    column = np.full((rows, 1), value)
    np.testing.assert_array_equal(_made(column), 0)


@pytest.mark.parametrize("value", [0.1, -3e-100, 7e200])
def test_a_column_that_varies_by_rounding_alone_becomes_nearly_zero(value: float) -> None:
    column = np.where(RNG.random((100, 1)) < 0.5, value, np.nextafter(value, 0))
    assert np.abs(_made(column)).max() < 1e-12


def test_the_range_of_double_precision_is_no_limit() -> None:
    ends = np.array([-1.7e308, 1.7e308])[np.arange(50) % 2][:, None]
    np.testing.assert_allclose(_made(ends), ends / 1.7e308, rtol=1e-6)
    small = np.array([0, 5e-324])[np.arange(50) % 2][:, None]
    assert np.isfinite(_made(small)).all() and len(np.unique(_made(small))) == 2


@pytest.mark.parametrize("dtype", ["u1", "i2", "u8", "f2", ">f4", "f8", "?"])
def test_every_kind_of_number(dtype: str) -> None:
    array = RNG.integers(0, 2 if dtype == "?" else 100, (300, 2)).astype(dtype)
    np.testing.assert_allclose(_made(array), StandardScaler().fit_transform(array.astype(float)), rtol=1e-5, atol=1e-6)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _made(NORMAL)
    monkeypatch.setattr("neurosim.tasks._scaling.BLOCK", 7)
    np.testing.assert_allclose(_made(NORMAL), whole, rtol=1e-6, atol=1e-7)


def test_what_is_scaled_comes_back() -> None:
    array = NORMAL * np.array([1e-20, 1.0, 1e20]) + np.array([3e-20, 0, -2e21])
    mean, scale = moments(array, np.arange(len(array)), 3)
    np.testing.assert_allclose(unscaled(scaled(array, mean, scale), mean, scale), array, rtol=1e-5, atol=0)


@pytest.mark.parametrize("unit", UNITS)
def test_tables_in_any_unit_give_the_same_task(tmp_path: Path, unit: float) -> None:
    X, y = (np.asarray(each) for each in load_iris(return_X_y=True))
    expected, found = (_load(tmp_path, X * factor, y) for factor in (1.0, unit))
    np.testing.assert_allclose(found.train.inputs, expected.train.inputs, rtol=1e-5, atol=1e-5)
    plain, other = (_load(tmp_path, X[:, :3], X[:, 3:] * factor, problem="regression") for factor in (1.0, unit))
    np.testing.assert_allclose(other.train.targets, plain.train.targets, rtol=1e-5, atol=1e-5)


def test_images_have_one_scale_for_each_channel_in_any_unit(tmp_path: Path) -> None:
    images, y = RNG.random((40, 4, 4, 2)) * [1e-200, 1e200] + [0, 1e201], np.arange(40) % 2
    task = _load(tmp_path, images, y)
    made = task.train.inputs.reshape(-1, 2)
    np.testing.assert_allclose(made.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(made.std(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (1e300, r"'x' in rows .*numbers from 1\.2e-38 to 3\.4e38.*standardise"),
        (1e-300, "'x': .*all of a column are smaller, so that they would be zero"),
        (1e-39, "'x': .*all of a column are smaller, so that they would be zero"),
    ],
)
def test_without_scaling_what_single_precision_cannot_hold_is_refused(
    tmp_path: Path, factor: float, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        _load(tmp_path, NORMAL[:40] * factor, np.arange(40) % 2, standardise=False)
    with pytest.raises(DataError, match=message.replace("'x'", "'y'")):
        _load(tmp_path, NORMAL[:40], NORMAL[:40, 0] * factor, standardise_target=False)


def test_a_test_example_that_is_far_beyond_the_others_is_named(tmp_path: Path) -> None:
    x = np.arange(40.0) % 7
    task = _load(tmp_path, x, np.arange(40) / 3)
    # In the test split, so that the scale is that of the others.
    here = np.flatnonzero(np.isin(np.arange(40), _rows_of_the_test(tmp_path, task)))[0]
    x[here] = 1e200
    with pytest.raises(DataError, match=rf"'x' in row {here + 1}:"):
        _load(tmp_path, x, np.arange(40) / 3)


def _rows_of_the_test(folder: Path, task: Any) -> np.ndarray:
    """Recognised by their targets, which differ."""
    raw = _load(folder, np.arange(40.0) % 7, np.arange(40) / 3, standardise_target=False)
    return np.rint(raw.test.targets[:, 0] * 3).astype(int)
