"""Names and values that were taken by one engine only, or by both without being used."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from neurosim import Circuit, Initial, NeuronModel, Pathway, Phase, Population, Rule, hold, over_time, simulate, sweep
from neurosim.equations.reserved import meaning_of
from neurosim.errors import ArgumentError, CircuitError, EquationError, NeurosimError, UnitError
from tests.cases.both_engines import learned, simulated

LEAK = "dv/dt = (d - v)/(10*ms) : 1\nd : 1"
SOURCE = NeuronModel("r : 1", parameters={"r": 1.0})
TARGET = NeuronModel("dv/dt = (d - v)/(5*ms) : 1\nd : 1\nr = v : 1")


def circuit(update: str = "w += 1*r_pre", *, rule: dict[str, Any] | None = None, held: str = "") -> Circuit:
    """Two populations and a pathway that learns for 10 ms."""
    return Circuit(
        "pair",
        (Population("a", 2, SOURCE), Population("b", 2, TARGET)),
        (Pathway("W", "a.r", "b.d", rule=Rule(update, **(rule or {})), initial=Initial("constant", 0.5, None)),),
        phases=(Phase("p", "10 ms", learn=("W",), hold=(hold(held),) if held else ()),),
    )


def test_parameters_may_have_the_names_of_pythons_functions() -> None:
    names = ["input", "max", "min", "sum", "range", "len", "id", "type", "hash", "next", "list", "object", "round"]
    assert set(names) <= set(dir(builtins)) and not any(map(meaning_of, names))
    model = NeuronModel(f"dv/dt = ({' + '.join(names)} - v)/(10*ms) : 1", parameters=dict.fromkeys(names, 2.0))
    found = simulated(model, "0.2 ms")["v"]
    np.testing.assert_allclose(found[-1], 2 * len(names) * -np.expm1(-0.01), rtol=1e-12)


@pytest.mark.parametrize("name", ["self", "owner", "refractory", "scalar_code", "codeobj_name", "cdef"])
def test_names_that_generated_code_uses_are_refused_on_both(name: str) -> None:
    with pytest.raises(EquationError, match=f"'{name}' is .* and cannot be the name of a variable"):
        NeuronModel(f"dv/dt = ({name} - v)/(10*ms) : 1\n{name} : 1")


def test_an_input_that_the_reset_assigns_is_where_each_trial_begins() -> None:
    model = NeuronModel(LEAK, "v > 1", "v = 0; d = 1.2", method="euler")
    begin = np.array([[1.5, 2.0], [3.0, 1.0]])
    found = simulated(model, "30 ms", n=2, trials=2, inputs={"d": begin}, record=["v", "d"])
    v, d = np.zeros((2, 2)), begin.copy()
    for step in range(300):
        np.testing.assert_allclose(found["v"][step], v, atol=1e-12)
        np.testing.assert_allclose(found["d"][step], d, atol=1e-12)
        v = v + 0.01 * (d - v)
        spikes = v > 1
        v, d = np.where(spikes, 0.0, v), np.where(spikes, 1.2, d)


@pytest.mark.parametrize("engine", ["batched", "brian"])
def test_an_input_over_time_is_not_the_resets_to_assign(engine: Any) -> None:
    model = NeuronModel(LEAK, "v > 1", "v = 0; d = 0")
    with pytest.raises(CircuitError, match=r"'neuron\.d' changes in time, and so does the reset"):
        simulate(model, "1 ms", inputs={"d": over_time(np.ones(10))}, engine=engine)


@pytest.mark.parametrize("given", [{"inputs": {"d": ...}}, {"state": {"v": ...}}])
def test_masked_numbers_are_none(given: dict[str, Any]) -> None:
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    filled: dict[str, Any] = {what: dict.fromkeys(names, masked) for what, names in given.items()}
    with pytest.raises(UnitError, match="1 masked numbers"):
        simulate(NeuronModel(LEAK), "1 ms", n=2, **filled)


def test_a_misspelt_parameter_is_told_of() -> None:
    model = NeuronModel("dv/dt = -v/tau_m : 1\ntau_m : second", parameters={"tua_m": "10 ms"})
    with pytest.raises(EquationError, match=r"nothing reads the parameter 'tua_m' .*; did you mean 'tau_m'"):
        simulate(model, "1 ms")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"parameters": {1: 2.0}}, ArgumentError, "a name in NeuronModel.parameters: got 1, expected text"),
        ({"parameters": {"d": 10**400}}, UnitError, "too large for a number"),
        ({"initial": {"v": 10**400}}, UnitError, "too large for a number"),
        ({"ports": {"drive": "drvie"}}, EquationError, "the port 'drive' .* is 'drvie', which is no variable"),
        ({"ports": {"drive": 3}}, ArgumentError, r"ports\['drive'\]: got 3, expected text"),
        ({"threshold": "v > 1", "refractory": "5 mV"}, UnitError, "'5 mV' is neither a time nor a condition"),
        ({"threshold": "v > 1", "refractory": 2}, UnitError, "refractory: 2 has the wrong unit"),
    ],
)
def test_what_a_neuron_cannot_use_is_refused_by_name(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        NeuronModel(LEAK, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bind": {3: "1"}}, "a name in Population.bind: got 3"),
        ({"sums": {"p": 3}}, r"Population.sums\['p'\]: got 3, expected text"),
        ({"shape": 3}, "Population.shape: got 3"),
        ({"shape": (1, 1, 2.0)}, r"Population.shape\[2\]: got 2.0"),
        ({"method": "eulr"}, "unknown integration method 'eulr'"),
    ],
)
def test_what_a_population_cannot_use_is_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(NeurosimError, match=message):
        Circuit("one", (Population("a", 2, SOURCE, **arguments),), phases=(Phase("p", "1 ms"),))


def test_texts_and_durations_that_say_nothing_are_refused_by_name() -> None:
    with pytest.raises(EquationError, match="got 0 assignments"):
        hold("")
    with pytest.raises(UnitError, match="the duration of phase 'p': '1 mV' has the wrong unit"):
        Phase("p", "1 mV")
    with pytest.raises(ArgumentError, match="source: got 3"):
        sweep(3)  # type: ignore[arg-type]


def test_what_a_pathway_delivers_is_not_held() -> None:
    with pytest.raises(CircuitError, match=r"'b\.d' is the input that the pathway 'W' delivers"):
        circuit(held="b.d = 2")


def test_unknown_names_are_told_without_all_units() -> None:
    with pytest.raises(CircuitError) as caught:
        circuit(held="b.h = zz")
    assert "(known here: d, lastspike, not_refractory, r, v)" in str(caught.value)


def test_values_that_a_rule_divides_by_are_no_zeros() -> None:
    rule = {"timing": "step", "parameters": {"tau": "0 ms"}}
    with pytest.raises(CircuitError, match="a division by zero: 'tau' is 0, with tau = 0"):
        circuit("w += dt/tau*(r_pre - w)", rule=rule)


@pytest.mark.parametrize("term", ["r_pre*(0*log(w - 0.5))", "r_pre*((w - 0.5)/(w - 0.5))", "1/(w - 0.5) - 1/(w - 0.5)"])
def test_what_has_no_value_does_not_cancel_in_rules(term: str) -> None:
    assert np.isnan(learned(circuit(f"w += {term}"))["W.w"]).all()


def test_what_has_a_value_everywhere_cancels_in_rules() -> None:
    found = learned(circuit("w += r_pre*r_post - r_pre*r_post + 0*r_pre*r_post"))
    np.testing.assert_array_equal(found["W.w"], 0.5)
