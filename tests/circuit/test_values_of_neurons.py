"""Parameters and starts that differ between neurons: arrays, and text that is computed or drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from brian2 import ms, mV

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Population
from neurosim.engines.state import initial_state
from neurosim.errors import CircuitError, EquationError, NeurosimError, UnitError
from neurosim.neurons._model import NeuronModel
from neurosim.random import stream
from neurosim.recording.simulate import simulate
from tests.cases.both_engines import simulated

LEAK = NeuronModel(
    "dv/dt = (e_leak - v)/tau : volt\ne_leak : volt\ninhibitory : boolean",
    parameters={"tau": "10 ms", "e_leak": "-40 mV"},
    initial={"v": "-70 mV"},
    name="leak",
)


def circuit(size: int = 3, **values: Any) -> Circuit:
    return Circuit("c", (Population("P", size, LEAK, **values),))


def test_values_of_neurons_act_on_both_engines_as_their_closed_form_says() -> None:
    neuron = NeuronModel(
        LEAK.equations, parameters={"tau": "10*ms + 2*i*ms", "e_leak": np.array([-40, -50, -60]) * mV},
        initial={"v": ["-70 mV", "-0.06 volt", "0 mV"]},
    )  # fmt: skip
    found = simulated(neuron, "5 ms", n=3, trials=2, record=["v", "tau"])
    tau, e, v = 0.01 + 0.002 * np.arange(3), np.array([-0.04, -0.05, -0.06]), np.array([-0.07, -0.06, 0])
    course = e + (v - e) * np.exp(-1e-4 * np.arange(50)[:, None] / tau)
    np.testing.assert_allclose(found["v"], np.broadcast_to(course[:, None], (50, 2, 3)), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["tau"], np.broadcast_to(tau, (50, 2, 3)))


def test_text_draws_from_the_seeds_streams() -> None:
    drawn = circuit(100, parameters={"tau": "rand()*5*ms + i*ms/N"}, initial={"v": "-60*mV + randn()*mV"})
    state = initial_state(drawn, 3)
    expected = stream(3, "parameters", "P", "tau").random(100) * 5e-3 + np.arange(100) * 1e-5
    np.testing.assert_allclose(state["P.tau"], expected, rtol=1e-12)
    normal = stream(3, "parameters", "P", "v").standard_normal(100)
    np.testing.assert_allclose(state["P.v"], -0.06 + 1e-3 * normal, rtol=1e-12)
    assert not np.array_equal(initial_state(drawn, 4)["P.v"], state["P.v"])
    chosen = initial_state(circuit(100, parameters={"inhibitory": "rand() < 0.2"}), 0)["P.inhibitory"]
    assert set(chosen) == {0.0, 1.0} and 5 < chosen.sum() < 40


def test_a_population_goes_before_its_neuron_and_state_before_both() -> None:
    own = circuit(2, parameters={"tau": "20 ms"}, initial={"v": np.array([-65.0, -64.0]) * mV})
    found = simulate(own, "1 ms", record=["v", "tau"])
    np.testing.assert_allclose(found["P.v"][0, 0], [-0.065, -0.064])
    assert found["P.tau"].values[0, 0].tolist() == [0.02, 0.02]
    assert simulate(own, "1 ms", state={"P.v": "-1 mV"})["P.v"].values[0, 0].tolist() == [-0.001, -0.001]


def test_circuits_with_arrays_are_compared_hashed_and_printed() -> None:
    array = np.array([1.0, 2.0, 3.0]) * ms
    one, same, other = (circuit(parameters={"tau": array * factor}, initial={"v": "rand()*mV"}) for factor in (1, 1, 2))
    assert one == same and hash(one) == hash(same)
    assert one != other and str(one) != str(other)
    assert "tau = 3 values, 0.001 to 0.003 second [" in str(one) and "begins with v = rand()*mV" in str(one)
    array[0] = 5 * ms
    assert one.population["P"].parameters["tau"].array[0] == 0.001


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"parameters": {"tau": np.array([1, 2]) * ms}}, CircuitError, r"'P'.*'tau'.* shape \(2,\).*\(3,\)"),
        ({"initial": {"v": np.ones((2, 3)) * mV}}, CircuitError, r"'P'.*'v': got an array of shape \(2, 3\)"),
        ({"initial": {"v": []}}, CircuitError, r"shape \(0,\)"),
        ({"parameters": {"tau": np.array([1, 2, 3]) * mV}}, UnitError, "'P'.*'tau'.*expected second"),
        ({"parameters": {"tau": "rand()*mV"}}, UnitError, "'P'.*'tau'.*expected second"),
        ({"parameters": {"tau": "rand() < 0.5"}}, UnitError, "is a condition; expected numbers in second"),
        ({"parameters": {"inhibitory": "rand()"}}, UnitError, "expected a condition such as 'rand.. < 0.5'"),
        ({"parameters": {"inhibitory": [0, 1, 2]}}, UnitError, "expected True or False"),
        ({"initial": {"u": "1 mV"}}, EquationError, "'P': an initial value for 'u', which has no differential"),
        ({"initial": {"v": "rnd()*mV"}}, EquationError, "'v' of population 'P'.*did you mean 'rand'"),
        ({"initial": {"v": "rand()*w*mV"}}, EquationError, "unknown name 'w'.*known here: N, i"),
        ({"initial": {"v": "poisson(2)*mV"}}, EquationError, "'poisson..' is allowed in a line of its own only"),
        ({"initial": {"v": "mV/i"}}, CircuitError, "'P': the initial value 'v': 'mV/i' is not a finite number"),
        ({"initial": {"v": ["1 mV", "2 ms", "3 mV"]}}, UnitError, "'2 ms' has the wrong unit"),
        ({"initial": {"v": [1, [2, 3]]}}, UnitError, "no array of numbers but a list"),
        ({"initial": {"v": [np.nan, 0, 0]}}, UnitError, "not finite"),
        ({"initial": {"v": "__import__('os').system('true')*i"}}, NeurosimError, "is not allowed|not a known"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_are_refused_when_the_circuit_is_made(
    values: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        circuit(**values)


def test_what_is_shared_has_one_value() -> None:
    with pytest.raises(EquationError, match="'shared' says one for all"):
        NeuronModel("dv/dt = a/second : 1\na : 1 (shared)", parameters={"a": [1, 2]})
    drawn = Circuit("c", (Population("P", 3, LEAK, initial={"v": "mV/int(rand() > 2)"}),))
    with pytest.raises(CircuitError, match=r"population 'P': the values of 'v'.*not a finite number"):
        initial_state(drawn, 0)
