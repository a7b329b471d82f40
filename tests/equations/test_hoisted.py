"""Array functions in two parts: what does not change is computed before, and the rest gives the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.equations.array_code import ArrayFunction, block_function, expression_function
from neurosim.equations.hoisted import depends_on, halves
from neurosim.neurons._model import NeuronModel

LIF = NeuronModel(
    "dv/dt = (ge - v)/tau : 1 (unless refractory)\ndge/dt = -ge/taue : 1",
    threshold="v > 1",
    reset="v = 0",
    refractory="2 ms",
    method="exact",
    parameters={"tau": "20 ms", "taue": "5 ms"},
).functions["advance"]
REASSIGNED = block_function("f", "_a = exp(k)*a\na = k + 1\nb = a*exp(k) + _a\nk = b\nc = exp(k) + exp(k)", "abc")
SIMPLE = expression_function("decay", "v*exp(-dt/tau) + int(not_refractory)*exp(-dt) + inf*0")
CASES = {
    "lif": (LIF, {"dt", "tau", "taue"}),
    "names assigned twice": (REASSIGNED, {"k"}),
    "an expression": (SIMPLE, {"dt", "tau"}),
    "random numbers": (expression_function("noisy", "exp(k)*randn() + v"), {"k"}),
    "nothing still": (expression_function("sum", "v + u"), set[str]()),
    "all still": (expression_function("sum", "exp(v) + u"), {"u", "v"}),
}


def values(function: ArrayFunction, **given: object) -> dict[str, object]:
    generator = np.random.default_rng(0)
    return {name: generator.random(5) for name in function.arguments} | given


@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_both_parts_give_the_same_bits(name: str, truth: bool) -> None:
    function, still = CASES[name]
    cut = halves(function, frozenset(still), (("not_refractory", truth),))
    given = values(function, **({"not_refractory": truth} if "not_refractory" in function.arguments else {}))
    known = dict(given)
    if cut.before is not None:
        assert set(cut.before.arguments) <= still
        results = cut.before.compile(np)(**{n: given[n] for n in cut.before.arguments})
        several = len(cut.before.returns) > 1
        known |= dict(zip(cut.before.returns, results if several else (results,), strict=True))
    assert not still & set(cut.rest.arguments)
    with np.errstate(invalid="ignore"):
        got = cut.rest.compile(np)(**{n: known[n] for n in cut.rest.arguments})
        expected = function.compile(np)(**given)
    np.testing.assert_array_equal(got, expected)
    assert cut.rest.returns == function.returns
    assert cut.rest.draws == function.draws


def test_no_exponential_is_left_in_the_rest() -> None:
    rest = halves(LIF, frozenset({"dt", "tau", "taue"}), (("not_refractory", True),)).rest
    assert not any(word in rest.source for word in ("exp", "number", "where"))
    assert "exp" in halves(LIF, frozenset({"dt", "tau"}), (("not_refractory", True),)).rest.source


def test_which_results_depend_on_an_argument() -> None:
    assert depends_on(LIF, "not_refractory") == {"v"}
    assert depends_on(LIF, "ge") == {"v", "ge"}
    assert depends_on(REASSIGNED, "a") == {"b", "c"}
