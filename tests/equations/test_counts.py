"""Counts and numbers that lines draw: their laws, and the same bits by NumPy and by JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from neurosim.equations.counts import MOST, binomial, poisson
from neurosim.errors import CircuitError, EquationError
from neurosim.neurons._model import NeuronModel
from neurosim.random import drawn_at, held_uniform, key_words
from neurosim.recording.simulate import simulate

KEY, TRIALS = key_words(5, "counts"), np.arange(40, dtype=np.uint32)
WORDS = drawn_at("words", KEY, TRIALS, 1000, 7, xp=np)


def _fits(counts: np.ndarray, law: Any) -> float:
    """The p-value of a chi-square test, rare counts taken together."""
    values = np.arange(law.ppf(1e-3), law.ppf(1 - 1e-3) + 1)
    expected = np.array([law.cdf(values[0]), *law.pmf(values[1:-1]), law.sf(values[-2])]) * counts.size
    seen = np.array(
        [(counts <= values[0]).sum(), *((counts == v).sum() for v in values[1:-1]), (counts >= values[-1]).sum()]
    )
    return float(stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue)


@pytest.mark.parametrize("mean", [0.05, 1.0, 7.5, 60.0, 300.5])
def test_poisson_counts_follow_their_law(mean: float) -> None:
    assert _fits(poisson(np, WORDS, mean), stats.poisson(mean)) > 1e-3


@pytest.mark.parametrize(("number", "chance"), [(1, 0.3), (10, 0.5), (40, 0.97), (2500, 0.1)])
def test_binomial_counts_follow_their_law(number: int, chance: float) -> None:
    assert _fits(binomial(np, WORDS, number, chance), stats.binom(number, chance)) > 1e-3


def test_normal_numbers_follow_their_law() -> None:
    drawn = drawn_at("normal", KEY, TRIALS, 1000, 7, xp=np)
    assert drawn.dtype == np.float32
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 1e-3


def test_edges_of_counts() -> None:
    for function, arguments, expected in [
        (poisson, (0.0,), 0), (binomial, (0, 0.5), 0), (binomial, (9, 0.0), 0), (binomial, (9, 1.0), 9),
    ]:  # fmt: skip
        assert np.all(function(np, WORDS, *arguments) == expected)
    for function, arguments in [
        (poisson, (-1.0,)), (poisson, (MOST + 1.0,)), (poisson, (np.nan,)), (binomial, (2.5, 0.5)),
        (binomial, (-1, 0.5)),
        (binomial, (3, 1.5)), (binomial, (3, np.nan)), (binomial, (MOST + 1, 0.5)),
    ]:  # fmt: skip
        assert np.isnan(function(np, WORDS[:, :1, :2], *arguments)).all()


@pytest.mark.parametrize("double", [False, True])
def test_both_array_modules_draw_the_same_bits(double: bool) -> None:
    means, chances = np.geomspace(0.01, 600, 1000), np.linspace(0, 1, 1000)
    with jax.enable_x64(double):
        for law in ("uniform", "normal", "words"):
            by_jax = jax.jit(lambda trials, law=law: drawn_at(law, KEY, trials, 1000, 7, xp=jnp))(TRIALS)
            np.testing.assert_array_equal(drawn_at(law, KEY, TRIALS, 1000, 7, xp=np), by_jax)
        counted = jax.jit(lambda words, lam, p: (poisson(jnp, words, lam), binomial(jnp, words, 30, p)))(
            WORDS, means.astype(np.float32), chances.astype(np.float32)
        )
        assert counted[0].dtype == (np.float64 if double else np.float32)
    np.testing.assert_array_equal(poisson(np, WORDS, means.astype(np.float32)), counted[0])
    np.testing.assert_array_equal(binomial(np, WORDS, 30, chances.astype(np.float32)), counted[1])
    np.testing.assert_array_equal(drawn_at("uniform", KEY, TRIALS, 7, 3, xp=np), held_uniform(KEY, TRIALS, 7, step=3))


def test_many_steps_at_once_are_the_same_numbers() -> None:
    for law in ("uniform", "normal", "words"):
        together = drawn_at(law, KEY, np.full(5, 3, np.uint32), 9, np.arange(5), xp=np)
        for step in range(5):
            np.testing.assert_array_equal(
                together[..., step, :], drawn_at(law, KEY, np.array([3], np.uint32), 9, step, xp=np)[..., 0, :]
            )


DRAWING = NeuronModel(
    """
    dv/dt = (k + m + u - v)/(5*ms) : 1
    rate = 800*Hz*(1 + v) : hertz
    k = poisson(rate*dt) : 1 (constant over dt)
    m = binomial(10, clip(v/10, 0, 1)) + poisson(poisson(2)) : integer (constant over dt)
    u = randn() + rand() - randn() : 1 (constant over dt)
    """,
    threshold="v > 3 + rand()",
    reset="v = rand()",
)


def test_lines_draw_the_same_on_both_engines_in_every_trial() -> None:
    settings = {"n": 3, "trials": 2, "seed": 3, "record": ["v", "k", "m", "u", "spikes"]}
    one, other = (simulate(DRAWING, "20 ms", engine=engine, **settings) for engine in ("batched", "brian"))
    for name in ("k", "m", "u", "spikes"):
        np.testing.assert_array_equal(one[name], other[name])
    np.testing.assert_allclose(one.v, other.v, rtol=1e-9, atol=1e-9)
    assert one.k.values.std() > 0.1 and one.spikes.values.any()
    assert not np.array_equal(one.u[:, 0], one.u[:, 1])


def test_what_is_drawn_does_not_depend_on_where_a_simulation_is_cut(tmp_path) -> None:
    for engine in ("batched", "brian"):
        whole = simulate(DRAWING, "3 ms", engine=engine, record=["u", "k", "spikes"])
        simulate(DRAWING, "1 ms", engine=engine, store=tmp_path / engine)
        rest = simulate(DRAWING, "2 ms", engine=engine, restore=tmp_path / engine, record=["u", "k", "spikes"])
        for name in ("u", "k", "spikes"):
            np.testing.assert_array_equal(rest[name], whole[name][10:])


def test_counts_that_cannot_be_drawn_are_refused() -> None:
    for text, message in [
        ("poisson(-1)", "poisson.-1. is not drawn"), ("poisson(rate*second)", "use mean"),
        ("binomial(2.5, 0.5)", "whole number"), ("binomial(3, 1.5)", "between 0 and 1"),
        ("poisson(1, 2)", "takes 1 argument"), ("poison(2)", "did you mean 'poisson'"),
    ]:  # fmt: skip
        with pytest.raises(EquationError, match=message):
            NeuronModel(f"k = {text} : 1 (constant over dt)", parameters={"rate": "1 MHz"} if "rate" in text else {})
    with pytest.raises(EquationError, match=r"'poisson\(\)' is allowed in a line of its own only"):
        NeuronModel("k = poisson(2) : 1")
    drawn = NeuronModel("dv/dt = (k - v)/ms : 1\nk = randn() : 1 (constant over dt)")
    from neurosim.circuit.circuit import Circuit
    from neurosim.circuit.description import Population
    from neurosim.circuit.plan import plan

    with pytest.raises(CircuitError, match="drawn anew at each step, and the level 'steady' has none"):
        plan(Circuit("c", (Population("p", 1, drawn),)), steady=True)
