"""Random numbers that depend on what they are for, and on nothing else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neurosim.random import _threefry, _unit, held_normal, held_uniform, key_words, stream

SEEDS = st.integers(0, 2**63)
#: What seed 0 gives.
KEY = [979550821, 4187108010]
STREAM = [3168820242, 4220656920, 1587461764]
NORMAL = [-0.5174147, -0.5767323, 1.25559, 0.06790224]


def normal(seed: int, presentations: np.ndarray, size: int, *labels: str, step: int | None = None) -> np.ndarray:
    return np.asarray(held_normal(key_words(seed, *labels), presentations, size, step=step))


@settings(max_examples=15)
@given(SEEDS)
def test_batch_does_not_matter(seed: int) -> None:
    together = normal(seed, np.arange(128), 7, "noise")
    alone = np.concatenate([normal(seed, np.array([number]), 7, "noise") for number in (0, 1, 63, 127)])
    np.testing.assert_array_equal(together[[0, 1, 63, 127]], alone)


def test_every_presentation_of_a_batch_equals_it_alone() -> None:
    together = normal(3, np.arange(128), 10, "noise", "hidden1")
    for number in range(0, 128, 9):
        np.testing.assert_array_equal(together[number], normal(3, np.array([number]), 10, "noise", "hidden1")[0])


@settings(max_examples=15)
@given(SEEDS, st.permutations(range(16)))
def test_order_does_not_matter(seed: int, order: list[int]) -> None:
    np.testing.assert_array_equal(
        normal(seed, np.array(order), 5, "noise"), normal(seed, np.arange(16), 5, "noise")[np.array(order)]
    )


@pytest.mark.parametrize("draw", [held_normal, held_uniform])
def test_draws_are_single_precision_of_the_asked_shape(draw) -> None:
    for size in (1, 2, 5):
        drawn = np.asarray(draw(key_words(0, "x"), np.arange(3), size))
        assert drawn.shape == (3, size)
        assert drawn.dtype == np.float32


def test_normal_numbers_are_normal() -> None:
    drawn = normal(11, np.arange(1000), 500, "noise").ravel().astype(float)
    count = drawn.size
    # Five standard errors each.
    assert abs(drawn.mean()) < 5 / np.sqrt(count)
    assert abs(drawn.var() - 1) < 5 * np.sqrt(2 / count)
    assert abs(stats.skew(drawn)) < 5 * np.sqrt(6 / count)
    assert abs(stats.kurtosis(drawn)) < 5 * np.sqrt(24 / count)
    assert stats.kstest(drawn[:100_000], "norm").pvalue > 1e-4


def test_uniform_numbers_are_uniform_and_never_zero_or_one() -> None:
    drawn = np.asarray(held_uniform(key_words(5, "u"), np.arange(1000), 100)).ravel()
    assert drawn.min() > 0 and drawn.max() < 1
    assert stats.kstest(drawn.astype(float), "uniform").pvalue > 1e-4
    least, most = _unit(np.asarray([0, 2**32 - 1], np.uint32))
    assert 0 < least < most < 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((0, "noise", "hidden1"), (0, "noise", "hidden2")),
        ((0, "noise", "hidden1"), (1, "noise", "hidden1")),
        ((0, "a", "b"), (0, "ab")),
        ((1, "0"), (10,)),
    ],
)
def test_other_labels_give_independent_numbers(first: tuple, second: tuple) -> None:
    one, other = (normal(labels[0], np.arange(200), 100, *labels[1:]).ravel() for labels in (first, second))
    assert abs(np.corrcoef(one, other)[0, 1]) < 5 / np.sqrt(one.size)


def test_neighbours_are_independent() -> None:
    drawn = normal(2, np.arange(500), 200, "noise").astype(float)
    half = drawn.shape[1] // 2
    # The two halves come from the two words of one block.
    for one, other in (
        (drawn[1:], drawn[:-1]),
        (drawn[:, 1:], drawn[:, :-1]),
        (drawn[:, :half], drawn[:, half:]),
        (drawn[:, :half] ** 2, drawn[:, half:] ** 2),
    ):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(one.size)


def test_no_rows_repeat_over_presentations_steps_and_labels() -> None:
    rows = [
        normal(seed, np.arange(64), 8, "noise", population, step=step)
        for seed, population, step in itertools.product((0, 1), ("hidden1", "hidden2"), (None, 0, 1, 2, 1000))
    ]
    rows = np.concatenate(rows)
    assert len(np.unique(rows, axis=0)) == len(rows)
    # 24 bits make a few of the single numbers equal by chance: pairs/2**24 of them, and not more.
    values = rows.ravel()
    expected = values.size**2 / 2 / 2**24
    assert values.size - np.unique(values).size < 4 * expected + 10


def test_steps_are_independent() -> None:
    one, other = (normal(0, np.arange(200), 100, "noise", step=step).ravel() for step in (0, 1))
    assert abs(np.corrcoef(one, other)[0, 1]) < 5 / np.sqrt(one.size)


def test_a_step_is_a_number_of_its_own() -> None:
    held = normal(0, np.arange(4), 3, "noise")
    assert not np.array_equal(held, normal(0, np.arange(4), 3, "noise", step=0))


def test_streams_are_reproducible_and_apart() -> None:
    first = stream(7, "weights", "W1").normal(size=1000)
    np.testing.assert_array_equal(first, stream(7, "weights", "W1").normal(size=1000))
    for seed, *labels in ((7, "weights", "W2"), (8, "weights", "W1"), (7, "weightsW1")):
        other = stream(seed, *labels).normal(size=1000)
        assert abs(np.corrcoef(first, other)[0, 1]) < 5 / np.sqrt(1000)


def test_the_numbers_stay_what_they_were() -> None:
    # Seeds in published runs have to mean the same tomorrow: integers first, which no platform rounds.
    assert key_words(0, "noise").tolist() == KEY
    assert stream(0, "weights").integers(0, 2**32, 3).tolist() == STREAM
    np.testing.assert_allclose(normal(0, np.array([0, 1]), 2, "noise").ravel(), NORMAL, rtol=1e-5)


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0x9D1C5EC6, 0x8BD50731)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0xFD36D048, 0x2D17272C)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xBA3E4725, 0xF27D669E)),
    ],
)
def test_threefry_gives_its_authors_known_answers(key: tuple, counter: tuple, expected: tuple) -> None:
    words = np.array([*key, *counter], dtype=np.uint32)
    with np.errstate(over="ignore"):
        assert tuple(int(word) for word in _threefry(*words)) == expected
