"""Connectivities whose synapses are a list: which synapses they make, and how they lead back."""

from __future__ import annotations

import doctest
import importlib
from typing import Any

import brian2
import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import (
    KINDS,
    Dense,
    Explicit,
    InDegree,
    Listed,
    OutDegree,
    Sparse,
    Where,
    bytes_of,
    where,
)
from neurosim.circuit.description import Pathway, Population, Tie
from neurosim.circuit.pair_text import PairText
from neurosim.circuit.per_synapse import per_synapse
from neurosim.circuit.synapses import Ends
from neurosim.engines.batched.kernels import by_arrays, linear_maps
from neurosim.engines.state import initial_state, weights_of
from neurosim.neurons._model import NeuronModel

LEAK = NeuronModel("dv/dt = (drive - v)/tau : 1\ndrive : 1\nr = tanh(v) : 1", parameters={"tau": "10 ms"})
TWICE = Explicit([0, 3, 3, 3, 1], [2, 1, 1, 4, 2])
LISTS = [TWICE, Where("i != j and i < 3", p=0.7), InDegree(2), OutDegree(3), Sparse(0.5, autapses=False)]


def between(connectivity: Any, *more: Pathway, a: int = 5, b: int = 5, **settings: Any) -> Circuit:
    populations = (Population("a", a, LEAK), Population("b", b, LEAK))
    pathway = Pathway("W", "a.r", "b.drive", connectivity=connectivity, **settings)
    return Circuit("c", populations, (pathway, *more))


def matrix(connectivity: Listed, ends: Ends) -> np.ndarray:
    """How many synapses join each two neurons."""
    made = connectivity.synapses(ends)
    found = np.zeros((ends.n_post, ends.n_pre))
    np.add.at(found, (made.post, made.pre), 1)
    return found


def test_every_neuron_has_as_many_synapses_as_asked_for_each_from_another() -> None:
    for recurrent, autapses in ((False, True), (True, True), (True, False)):
        ends = Ends(40, 40, recurrent=recurrent)
        received, sent = InDegree(7, 1, autapses), OutDegree(7, 1, autapses)
        for found, axis in ((matrix(received, ends), 1), (matrix(sent, ends), 0)):
            assert np.all(found.sum(axis=axis) == 7)
            assert found.max() == 1
            assert autapses or not np.trace(found)
    assert np.all(matrix(InDegree(39, autapses=False), Ends(40, 40, recurrent=True)) == 1 - np.eye(40))
    assert np.all(matrix(OutDegree(30), Ends(4, 30)) == 1)


def test_the_others_are_drawn_alike() -> None:
    """Of 300 times 20 of 60: each other neuron five standard deviations around its mean; so is each pair."""
    ends = Ends(60, 60, recurrent=True)
    found = np.sum([matrix(InDegree(20, draw, autapses=False), ends) for draw in range(50)], axis=0)
    off = ~np.eye(60, dtype=bool)
    mean = 50 * 20 / 59
    assert np.all(np.abs(found[off] - mean) < 6 * np.sqrt(mean * (1 - 20 / 59)))
    assert np.std(found[off]) == pytest.approx(np.sqrt(mean * (1 - 20 / 59)), rel=0.05)
    one, other = InDegree(20).synapses(Ends(60, 60)), InDegree(20, 1).synapses(Ends(60, 60))
    assert np.any(one.pre != other.pre)


def test_no_autapses_leaves_out_the_neuron_itself_and_draws_all_other_pairs_alike() -> None:
    ends = Ends(300, 300, recurrent=True)
    found = matrix(Sparse(0.1, autapses=False), ends)
    assert not np.trace(found) and found.max() == 1
    assert abs(found.sum() - 0.1 * 300 * 299) < 5 * np.sqrt(0.1 * 0.9 * 300 * 299)
    # Between two populations nothing is an autapse, and the draw is the one without the setting.
    apart = Ends(300, 300)
    np.testing.assert_array_equal(matrix(Sparse(0.1, autapses=False), apart), matrix(Sparse(0.1), apart))
    np.testing.assert_array_equal(matrix(Sparse(1.0, autapses=False), Ends(4, 4, recurrent=True)), 1 - np.eye(4))
    made = Sparse(0.5, 3, (2, 6), autapses=False).synapses(Ends(8, 8, recurrent=True))
    assert made.pre.min() >= 2 and made.pre.max() < 6 and not np.any(made.pre == made.post)


def test_draws_of_earlier_versions_keep_their_synapses() -> None:
    made = Sparse(0.3, 2).synapses(Ends(5, 4))
    assert (made.pre.tolist(), made.post.tolist()) == ([0, 1, 2], [1, 2, 1])


@pytest.mark.parametrize(
    "condition", ["i != j and abs(i - j) < 3", "(i + 2*j) % 3 == 0", "i < N_pre/2 or j == N_post - 1"]
)
def test_where_makes_the_synapses_of_brian2_in_its_order(condition: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, "BLOCK", 20)
    monkeypatch.setitem(brian2.prefs, "codegen.target", "numpy")
    made = Where(condition).synapses(Ends(11, 8))
    a, b = brian2.NeuronGroup(11, "v : 1"), brian2.NeuronGroup(8, "v : 1")
    synapses = brian2.Synapses(a, b)
    synapses.connect(condition=condition)
    np.testing.assert_array_equal(made.pre, synapses.i[:])
    np.testing.assert_array_equal(made.post, synapses.j[:])


def test_where_draws_with_its_probability_whatever_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Ends(200, 150)
    whole = Where("i > j", p=0.3).pairs(ends)
    possible = np.count_nonzero(np.arange(200)[:, None] > np.arange(150)[None, :])
    assert abs(len(whole[0]) - 0.3 * possible) < 5 * np.sqrt(possible * 0.3 * 0.7)
    assert np.all(whole[0] > whole[1])
    monkeypatch.setattr(where, "BLOCK", 1000)
    for one, other in zip(whole, Where("i > j", p=0.3).pairs(ends), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(Where("i > j", p=0.3, draw=1).pairs(ends)[0]) != len(whole[0])


def test_a_probability_may_fall_with_distance() -> None:
    ends, distances = Ends(400, 400), np.abs(np.arange(400)[:, None] - np.arange(400)[None, :])
    made = Where("i != j", p="0.8*exp(-abs(i - j)/20)").synapses(ends)
    expected = np.where(distances > 0, 0.8 * np.exp(-distances / 20), 0)
    near = distances[made.pre, made.post] < 10
    for count, p in ((near.sum(), expected[distances < 10]), ((~near).sum(), expected[distances >= 10])):
        assert abs(count - p.sum()) < 5 * np.sqrt(np.sum(p * (1 - p)))
    for one, other in zip(*(Where("i < j", p=p).pairs(ends) for p in (0.25, "0.5**2")), strict=True):
        np.testing.assert_array_equal(one, other)
    assert str(Where("i < j", p="i/ 4")) == "where i < j, p = i/ 4, draw 0"


@pytest.mark.parametrize("connectivity", LISTS, ids=str)
def test_a_transposed_tie_uses_the_same_weights_the_other_way_round(connectivity: Listed) -> None:
    back = Pathway("B", "b.r", "a.drive", tie=Tie("W", transposed=True))
    circuit = between(connectivity, back)
    assert circuit.connectivity("B") == connectivity.reversed
    assert connectivity.reversed.reversed == connectivity and hash(connectivity.reversed.reversed) == hash(connectivity)
    assert connectivity.reversed != connectivity
    state = initial_state(circuit, 0)
    forward = np.zeros((5, 5))
    made = connectivity.synapses(circuit.ends("W"))
    np.add.at(forward, (made.post, made.pre), state["W.w"])
    np.testing.assert_array_equal(weights_of(circuit, state, "W"), forward)
    np.testing.assert_array_equal(weights_of(circuit, state, "B"), forward.T)
    activity = np.random.default_rng(0).standard_normal((3, 5))
    for name, weights in (("W", forward), ("B", forward.T)):
        ends = circuit.ends(name)
        found = linear_maps.apply(circuit.connectivity(name), ends, state["W.w"], activity.astype(np.float32))
        np.testing.assert_allclose(found, activity @ weights.T, atol=1e-5)
    np.testing.assert_allclose(by_arrays.returned(circuit, state, "W", activity), activity @ forward, atol=1e-12)


def test_lists_are_equal_by_their_numbers_and_cannot_be_changed() -> None:
    numbers = np.array([0, 1])
    one = Explicit(numbers, [1.0, 0.0])
    numbers[0] = 1
    assert one == Explicit((0, 1), np.array([1, 0], np.int8)) and hash(one) == hash(Explicit([0, 1], [1, 0]))
    assert one != Explicit([0, 1], [1, 1]) and one != Explicit([1, 0], [0, 1]) and str(one) != str(one.reversed)
    assert between(one) == between(Explicit([0, 1], [1, 0])) and hash(between(one)) == hash(between(one))
    assert between(one) != between(Explicit([0, 1], [1, 1]))
    with pytest.raises(ValueError, match="read-only"):
        one.pre[0] = 3


def test_the_circuit_prints_its_lists() -> None:
    lines = [str(between(connectivity)).rsplit("\n", 1)[-1] for connectivity in LISTS]
    shown = [line.split("b.drive  ")[1].split("  ~")[0] for line in lines]
    assert shown[1:4] == ["where i != j and i < 3, p = 0.7, draw 0", "2 synapses to each neuron, draw 0", shown[3]]
    assert shown[0].startswith("5 listed synapses, ") and lines[0].startswith("pathway W (5): ")
    assert shown[3:] == ["3 synapses from each neuron, draw 0", "sparse 0.5, no autapses, draw 0"]
    assert str(InDegree(2).reversed).endswith(", transposed")


def test_one_table_has_every_kind() -> None:
    assert {type(connectivity) for connectivity in LISTS} <= set(KINDS.values())


def test_bytes_of_weights_and_their_copies() -> None:
    ends = Ends(30, 20)
    assert bytes_of(InDegree(4), ends) == 80 * (8 + 24)
    assert bytes_of(InDegree(4), ends, copies=10) == 80 * (10 * 8 + 24)
    assert bytes_of(Dense(), ends, copies=3) == 3 * 600 * 8


@pytest.mark.parametrize("kind", [*KINDS.values(), per_synapse, PairText], ids=lambda kind: kind.__name__)
def test_examples_run(kind: Any) -> None:
    module = importlib.import_module(kind.__module__)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for example in doctest.DocTestFinder().find(kind, kind.__name__, module, globs=dict(vars(module))):
        runner.run(example)
    assert not runner.failures
    assert runner.tries or not (isinstance(kind, type) and issubclass(kind, Listed))
