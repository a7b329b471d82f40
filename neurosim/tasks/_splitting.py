"""Split rows into training, validation and test; messages name the user's settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.errors import ConfigError
from neurosim.tasks._task import _split_generator, _stratified

_TEST, _VALIDATION = "task.test_fraction", "task.validation_fraction"


def parted_by_class(
    codes: np.ndarray, names: Sequence[Any], test_fraction: float, validation_fraction: float, split_seed: int
) -> list[np.ndarray]:
    """Rows of the training, validation and test split, stratified by class.

    Parameters
    ----------
    codes
        The class of each row, (n,).
    names
        Of the classes.
    test_fraction, validation_fraction
        Of all rows, and of those that the test leaves.
    split_seed
        Which.

    Raises
    ------
    ConfigError
        A class with no example to learn from, or a test without any.
    """
    generator = _split_generator(split_seed)
    rest, test = _stratified(np.arange(len(codes)), codes, test_fraction, generator, _TEST, names)
    _refuse_no_test(test_fraction, len(codes), test)
    train, validation = _stratified(rest, codes, validation_fraction, generator, _VALIDATION, names)
    return [train, validation, test]


def parted(count: int, test_fraction: float, validation_fraction: float, split_seed: int) -> list[np.ndarray]:
    """Rows of the three splits, without classes."""
    rest, test = _held_out(_split_generator(split_seed).permutation(count), test_fraction, _TEST)
    _refuse_no_test(test_fraction, count, test)
    train, validation = _held_out(rest, validation_fraction, _VALIDATION)
    return [train, validation, test]


def _held_out(rows: np.ndarray, fraction: float, key: str) -> tuple[np.ndarray, np.ndarray]:
    held_out = round(fraction * len(rows))
    if held_out == len(rows):
        raise ConfigError(
            f"{key}: got {fraction}, which takes all {len(rows)} examples; expected a share that leaves some to learn "
            "from, or more examples"
        )
    return rows[held_out:], rows[:held_out]


def _refuse_no_test(fraction: float, count: int, test: np.ndarray) -> None:
    if not len(test):
        raise ConfigError(
            f"{_TEST}: got {fraction}, but {count} examples are too few to hold out a test split of that share (of "
            "each class); expected a larger share, or more examples"
        )
