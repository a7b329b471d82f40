"""Connectivities whose synapses are a list: what is refused, with which words, before anything is drawn."""

from __future__ import annotations

from typing import Any

import brian2
import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import KINDS, Explicit, InDegree, Listed, OutDegree, Sparse, Where, where
from neurosim.circuit.connectivity import size as memory_size
from neurosim.circuit.description import Pathway, Population
from neurosim.errors import ArgumentError, CircuitError, EquationError
from neurosim.neurons._model import NeuronModel

LEAK = NeuronModel("dv/dt = (drive - v)/tau : 1\ndrive : 1\nr = tanh(v) : 1", parameters={"tau": "10 ms"})


def between(connectivity: Any, *more: Pathway, a: int = 5, b: int = 5, **settings: Any) -> Circuit:
    populations = (Population("a", a, LEAK), Population("b", b, LEAK))
    pathway = Pathway("W", "a.r", "b.drive", connectivity=connectivity, **settings)
    return Circuit("c", populations, (pathway, *more))


def within(connectivity: Any, n: int = 5) -> Circuit:
    pathway = Pathway("W", "a.r", "a.drive", connectivity=connectivity)
    return Circuit("c", (Population("a", n, LEAK),), (pathway,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Explicit([0, 1], [0]), r"Explicit.post: got .*, expected 2 numbers, as in Explicit.pre, not 1"),
        (lambda: Explicit([0, -1], [0, 0]), r"Explicit.pre\[1\]: got -1, expected the number of a neuron"),
        (lambda: Explicit([0], [0.5]), r"Explicit.post: got \[0.5\], expected a list or an array of whole numbers"),
        (lambda: Explicit([np.nan], [0]), r"Explicit.pre: got \[nan\], expected a list"),
        (lambda: Explicit([True], [0]), r"Explicit.pre: got \[True\], expected a list"),
        (lambda: Explicit(["a"], [0]), r"Explicit.pre: got \['a'\], expected a list"),
        (lambda: Explicit(3, [0]), r"Explicit.pre: got 3, expected a list"),
        (lambda: Explicit([[1], [2, 3]], [0]), r"Explicit.pre: got .*, expected a list"),
        (lambda: Explicit([1] * brian2.mV, [0]), r"Explicit.pre: got .*, expected a list"),
        (lambda: InDegree(0), r"InDegree.k: got 0, expected at least 1"),
        (lambda: OutDegree(1.5), r"OutDegree.k: got 1.5, expected a whole number"),  # type: ignore[arg-type]
        (lambda: Sparse("0.1"), r"Sparse.probability: got '0.1', expected a finite number"),  # type: ignore[arg-type]
        (lambda: Where(3), r"Where.condition: got 3, expected text"),  # type: ignore[arg-type]
        (lambda: Where("i < j", p=np.nan), r"Where.p: got nan, expected a finite number"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("i < k", r"line 1, column 5: unknown name 'k' in the condition of synapses .known here: N_post, N_pre, i, j"),
        ("i < N", r"line 1, column 5: 'N' is the number of neurons"),
        ("i ! j", r"line 1, column 3: cannot be read as an expression"),
        ("rand() < 0.1", r"line 1, column 1: 'rand\(\)' cannot be drawn .* draws are made by p= and draw="),
        ("__import__('os')", r"line 1, column 1: '__import__' is not a known function"),
        ("i.real > 0", r"line 1, column 1: attribute access \(a dot\) is not allowed"),
        ("", r"expected an expression, got nothing"),
    ],
)
def test_conditions_that_are_none_are_refused_with_their_place(condition: str, message: str) -> None:
    with pytest.raises(EquationError, match=message):
        Where(condition)


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (
            lambda: between(Explicit([0, 5], [1, 1])),
            r"'W' \('a' -> 'b'\): pre\[1\] is neuron 5; expected 0 to 4, .* has 5",
        ),
        (lambda: between(Explicit([0], [7]), b=7), r"post\[0\] is neuron 7; expected 0 to 6"),
        (lambda: between(Explicit([], [])), r"no synapse at all"),
        (
            lambda: between(Where("i + 1")),
            r"'W' .*: line 1, column 1: the condition of synapses 'i \+ 1' is no condition",
        ),
        (lambda: between(Where("i < 2*mV")), r"terms that are added or compared need one unit"),
        (lambda: between(Where("i > 10")), r"no synapse at all where 'i > 10'"),
        (lambda: between(Where("i > 1", p=1.5)), r"a synapse with probability 1.5; expected more than 0 and at most 1"),
        (lambda: between(Where("i > 1", p=0)), r"a synapse with probability 0; expected more than 0 and at most 1"),
        (
            lambda: between(Where("i > j", p="i/2")),
            r"p = 'i/2' is 1.5 from neuron 3 to neuron 0; expected 0 to 1, as clip",
        ),
        (lambda: between(Where("i > j", p="0/j")), r"p = '0/j' is nan from neuron 1 to neuron 0; expected 0 to 1"),
        (lambda: between(Where("i > j", p="2*mV")), r"line 1, column 1: '2\*mV' is in V, expected 1"),
        (
            lambda: between(InDegree(6)),
            r"each neuron receives 6 synapses; expected at most 5, one with each of 5 neurons$",
        ),
        (
            lambda: within(InDegree(5, autapses=False)),
            r"receives 5 synapses; .* at most 4, .* 5 neurons but itself",
        ),
        (lambda: between(OutDegree(4), b=3), r"each neuron sends 4 synapses; expected at most 3"),
        (lambda: within(Sparse(0.5, autapses=False), 1), r"no synapse at all"),
        (
            lambda: between(Where("i < j"), a=100_000, b=100_000),
            r"tried on 10,000,000,000 pairs of neurons; expected at",
        ),
    ],
)
def test_what_does_not_fit_the_populations_is_named(circuit: Any, message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        circuit()


@pytest.mark.parametrize(
    ("connectivity", "message"),
    [
        ("dense", r"pathway 'W' .*: a matrix of 40,000 x 40,000 weights takes 11.9 GiB, and .* may take 4 GiB"),
        (Sparse(0.7), r"1,120,000,000 synapses take 33.4 GiB, .* 4 GiB.*; use a lower probability"),
        (Sparse(0.03), r"48,000,000 synapses take 11.9 GiB"),  # NumPy draws them from a list of all pairs
        (InDegree(25_000), r"1,000,000,000 synapses take 29.8 GiB, .*; use fewer synapses a neuron"),
        (OutDegree(39_999), r"1,599,960,000 synapses take"),
    ],
)
def test_more_than_fits_into_memory_is_refused_before_it_is_drawn(
    connectivity: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_size, "memory", lambda: 8 << 30)
    for kind in KINDS.values():
        if issubclass(kind, Listed):
            monkeypatch.setattr(kind, "pairs", lambda *_: pytest.fail("nothing is drawn"))
    with pytest.raises(CircuitError, match=message):
        between(connectivity, a=40_000, b=40_000)


def test_a_condition_that_too_many_pairs_meet_is_left_as_soon_as_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_size, "memory", lambda: 2 * 32 * 5000)
    monkeypatch.setattr(where, "BLOCK", 1000)
    with pytest.raises(
        CircuitError, match=r"where 'i >= 0': at least 6,000 synapses take .* use a condition that fewer"
    ):
        between(Where("i >= 0"), a=1000, b=1000)


def test_no_neuron_is_numbered_beyond_what_engines_count_to() -> None:
    with pytest.raises(ArgumentError, match=r"Explicit.pre\[0\]: got 1000000000000"):
        Explicit([10**12], [0])
