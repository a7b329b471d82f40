"""A value for each synapse: what is read, what is checked against unit and shape, what is drawn."""

from __future__ import annotations

from typing import Any

import brian2
import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Dense, Explicit, InDegree, Listed, OneToOne, Where
from neurosim.circuit.description import Initial, Pathway, Population, Tie
from neurosim.circuit.images import Convolution, Pooling, Window
from neurosim.circuit.per_synapse import check, per_synapse, values
from neurosim.circuit.synapses import Ends
from neurosim.engines.state import initial_state
from neurosim.errors import ArgumentError, CircuitError, EquationError, NumericalError, UnitError
from neurosim.neurons._model import NeuronModel
from neurosim.random import stream

SPIKING = NeuronModel(
    "dv/dt = (v_rest - v)/tau : volt\ndg/dt = -g/tau : siemens",
    "v > -50*mV",
    "v = v_rest",
    parameters={"v_rest": "-70 mV", "tau": "5 ms"},
)
RATE = NeuronModel("dv/dt = (drive - v)/tau : 1\ndrive : 1", parameters={"tau": "5 ms"})
GIVEN = np.arange(20.0).reshape(4, 5)
LIST = Explicit([0, 4, 1, 1], [3, 0, 2, 2])


def spikes(initial: Any, connectivity: Any = "dense") -> Circuit:
    """Weights in siemens, (4, 5) if they are dense."""
    populations = (Population("a", 5, SPIKING), Population("b", 4, SPIKING))
    return Circuit("c", populations, (Pathway("W", "a.spikes", "b.g", connectivity=connectivity, initial=initial),))


def weights(initial: Any, connectivity: Any = "dense", seed: int = 0) -> np.ndarray:
    return initial_state(spikes(initial, connectivity), seed)["W.w"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("0.5 nS", 5e-10),
        ("0.5*nS", 5e-10),
        ("0", 0.0),
        (2e-9, 2e-9),
        (0.5 * brian2.nS, 5e-10),
        (GIVEN, GIVEN),
        (GIVEN.tolist(), GIVEN),
        (GIVEN * brian2.nS, GIVEN * 1e-9),
        ([["1 nS"] * 5] * 4, 1e-9),
        ("2*nS*N_pre/N_post", 2.5e-9),
        ("0.2*nS*exp(-abs(i - j)/10)", 0.2e-9 * np.exp(-np.abs(np.arange(5)[None, :] - np.arange(4)[:, None]) / 10)),
    ],
)
def test_numbers_quantities_arrays_and_text(given: Any, expected: Any) -> None:
    np.testing.assert_allclose(weights(given), np.broadcast_to(expected, (4, 5)), rtol=1e-15)


@pytest.mark.parametrize("connectivity", [LIST, Where("i != j"), InDegree(2)], ids=str)
def test_text_is_of_the_two_neurons_of_each_synapse_as_in_brian2(
    connectivity: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(brian2.prefs, "codegen.target", "numpy")
    made = connectivity.synapses(Ends(5, 4))
    a, b = brian2.NeuronGroup(5, "v : 1"), brian2.NeuronGroup(4, "v : 1")
    synapses = brian2.Synapses(a, b, "w : siemens")
    synapses.connect(i=made.pre, j=made.post)
    for text in ("(i - j)*nS", "(i % 2 + j**2)*nS", "nS*int(i > j)", "exp(-(i - j)**2/8)*nS"):
        synapses.w = text
        np.testing.assert_allclose(weights(text, connectivity), np.asarray(synapses.w), rtol=1e-14, atol=0)
    assert weights(np.arange(len(made.pre)), connectivity).tolist() == list(range(len(made.pre)))


def test_random_numbers_come_from_the_seed_and_the_name_of_the_pathway() -> None:
    uniform = stream(3, "weights", "W").random((4, 5))
    np.testing.assert_array_equal(weights("rand()*nS", seed=3), uniform * 1e-9)
    generator = stream(3, "weights", "W")
    listed = generator.standard_normal(4) * 1e-9 + generator.random(4) * 1e-9
    np.testing.assert_allclose(weights("randn()*nS + rand()*nS", LIST, 3), listed, rtol=1e-15)
    assert np.any(weights("rand()*nS", seed=4) != uniform * 1e-9)


def test_text_follows_its_law() -> None:
    drawn = values(per_synapse("w", "2 + 3*randn()"), Dense(), Ends(200, 200), stream(0, "x"), what="w")
    assert abs(drawn.mean() - 2) < 5 * 3 / 200 and drawn.std() == pytest.approx(3, rel=0.02)
    drawn = values(per_synapse("w", "rand()"), Dense(), Ends(200, 200), stream(0, "x"), what="w")
    assert np.all((drawn >= 0) & (drawn < 1)) and drawn.mean() == pytest.approx(0.5, abs=0.01)


def test_weights_that_synapses_share_are_drawn_each_once() -> None:
    window = Window((3, 3))
    populations = (Population("a", 32, RATE, shape=(4, 4, 2)), Population("b", 16, RATE, shape=(4, 4, 1)))

    def circuit(initial: Any) -> Circuit:
        pathway = Pathway("W", "a.v", "b.drive", connectivity=Convolution(window), initial=initial)
        return Circuit("c", populations, (pathway,))

    assert np.unique(initial_state(circuit("rand()"), 0)["W.w"]).size == 18
    with pytest.raises(CircuitError, match=r"line 1, column 8: 'j' differs among the synapses that share a weight"):
        circuit("rand()*j")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("0.5 nX", UnitError, r"the initial weights of pathway 'W': '0.5 nX': unknown unit 'nX'"),
        ("rand(", EquationError, r"line 1, column 5: the initial weights of pathway 'W': cannot be read"),
        (
            "2*nS*k",
            EquationError,
            r"line 1, column 6: .*unknown name 'k' in a value of synapses .known here: N_post, N_pre",
        ),
        ("exec('x')*nS", EquationError, r"line 1, column 1: .*'exec' is not a known function"),
        ("rand()*0.5*mV", CircuitError, r"pathway 'W', initial: line 1, column 1: .* is in V, expected S"),
        ("0.5", CircuitError, r"pathway 'W', initial: got 0.5, which is in 1 .no unit., expected S"),
        ("i > j", CircuitError, r"'i > j' is a truth value; write int\(i > j\)"),
        ("nS + i", CircuitError, r"pathway 'W', initial: line 1, column 1: .*need one unit"),
        (
            "nS/(i - j)",
            CircuitError,
            r"initial: 'nS/\(i - j\)' is no finite number for 4 of 20, first that from neuron 0 to",
        ),
        (
            GIVEN * brian2.mV,
            CircuitError,
            r"pathway 'W', initial: got an array \(4 x 5\) from 0 volt to 19 mV, .* in V, expected S",
        ),
        (
            GIVEN.T,
            CircuitError,
            r"got an array of shape \(5, 4\), expected one number, or shape \(4, 5\), \(n_post, n_pre\)",
        ),
        (GIVEN[0], CircuitError, r"got an array of shape \(5,\), expected one number, or shape \(4, 5\)"),
        (np.full((4, 5), np.nan), UnitError, r"pathway 'W': the array holds numbers that are not finite"),
        ([["1 nS", "2 mV"]], UnitError, r"pathway 'W': '2 mV' has the wrong unit"),
        (
            [[1.0], [1.0, 2.0]],
            ArgumentError,
            r"the initial weights of pathway 'W': got .*, expected a number, a quantity",
        ),
        (None, ArgumentError, r"the initial weights of pathway 'W': got None, expected"),
        (True, ArgumentError, r"the initial weights of pathway 'W': got True, expected"),
        (np.array(["a"]), UnitError, r"the initial weights of pathway 'W': got an array of <U1, expected numbers"),
    ],
)
def test_what_fits_neither_unit_nor_shape_is_refused(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        spikes(given)


def test_a_list_takes_one_number_for_each_synapse() -> None:
    assert weights([1e-9, 2e-9, 3e-9, 4e-9], LIST).tolist() == [1e-9, 2e-9, 3e-9, 4e-9]
    with pytest.raises(
        CircuitError, match=r"got an array of shape \(4, 5\), expected one number, or shape \(4,\), one num"
    ):
        spikes(GIVEN, LIST)


def test_random_text_that_is_not_finite_is_told_with_its_pathway() -> None:
    with pytest.raises(
        NumericalError, match=r"the initial weights of pathway 'W': 'rand\(\)\*nS/i' is no finite number"
    ):
        weights("rand()*nS/i")


def test_pathways_without_weights_of_their_own_take_none() -> None:
    populations = (Population("a", 16, RATE, shape=(4, 4, 1)), Population("b", 4, RATE, shape=(2, 2, 1)))
    own = Pathway("W", "a.v", "b.drive")
    tied = Pathway("B", "b.v", "a.drive", tie=Tie("W", transposed=True), initial="rand()")
    with pytest.raises(
        CircuitError, match=r"'B': initial is 'rand\(\)', and its weights are those of 'W'; leave it out"
    ):
        Circuit("c", populations, (own, tied))
    pooled = Pathway("P", "a.v", "b.drive", connectivity=Pooling(Window((2, 2), (2, 2))), initial=1.0)
    with pytest.raises(CircuitError, match=r"'P': initial is '1', and average pooling .* has no weights; leave it out"):
        Circuit("c", populations, (pooled,))


def test_equal_by_content_and_printed() -> None:
    for one, same, other in (
        (GIVEN, GIVEN.copy(), GIVEN + 1),
        ("rand()*nS", " rand()*nS ", "rand()*2*nS"),
        ("1 nS", "1*nS", "2 nS"),
        (GIVEN * brian2.nS, GIVEN * brian2.nS, GIVEN * 1e-9),
    ):
        assert spikes(one) == spikes(same) and hash(spikes(one)) == hash(spikes(same))
        assert spikes(one) != spikes(other)
        assert str(spikes(one)) == str(spikes(same)) != str(spikes(other))
    given = GIVEN.copy()
    circuit = spikes(given)
    given[:] = 0
    assert initial_state(circuit, 0)["W.w"].max() == 19
    assert "a.spikes -> b.g  ~ rand()*nS  rule fixed" in str(spikes("rand()*nS"))
    assert isinstance(Pathway("W", "a.v", "b.drive").initial, Initial)


def test_other_quantities_of_synapses_are_checked_and_drawn_likewise() -> None:
    """Delays, for one."""
    ends = Ends(3, 3)
    delays = per_synapse("the delays", "1*ms + 0.1*ms*abs(i - j)")
    check(delays, "second", OneToOne(), ends)
    np.testing.assert_allclose(values(delays, OneToOne(), ends, stream(0), what="the delays"), 1e-3)
    with pytest.raises(UnitError, match=r"is in s, expected V"):
        check(delays, "volt", Dense(), ends)
    with pytest.raises(UnitError, match=r"got 2 ms, which is in s, expected V"):
        check(per_synapse("the delays", "2 ms"), "volt", Dense(), ends)
