"""Presentations until feedback points where it should, against the closed form and a count by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from neurosim.engines.state import initial_state
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import CircuitError
from neurosim.gradients.alignment import weight_angle
from neurosim.probes import cost
from neurosim.probes._learning import feedback_alone, learned_layers, random_order, seed_of_repetition

SMALL: dict[str, Any] = {
    "task": {"kind": "teacher_student", "n_inputs": 5, "hidden": [4], "n_outputs": 2, "noise": 5.0, "n_train": 500},
    "network": {"hidden": [8], "neuron": {"kind": "leaky_rate", "sigma": 0.01}, "readout": "squared_error"},
    "scheme": {"kind": "node_perturbation", "estimator": "exact_least_squares"},
    "engine": {"level": "steady", "dtype": "float64"},
    "probe": {"kind": "cost", "every": 4, "batch_size": 2, "repetitions": 2},
}


@pytest.mark.parametrize(
    ("variant", "hidden", "factor", "every"),
    [
        (None, 40, 10 + 2, 20),
        ("vector", 40, 1, 1),
        *(
            pytest.param(variant, 160, 1, 1, marks=pytest.mark.slow)
            for variant in ("vector_hidden160", "vector_outputs160")
        ),
    ],
)
def test_the_law(
    variant: str | None, hidden: int, factor: int, every: int, probe: Callable[..., Any], shipped: Callable[..., Any]
) -> None:
    """(n + 1)(m + 2) presentations for a scalar loss, n + 1 for the outputs' own responses, within a tenth."""
    found = probe(shipped("lansdell2020/cost", variant)).numbers
    expected = (hidden + 1) * factor + (every - 1) / 2
    assert found["hidden1.presentations"] == pytest.approx(expected, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "hidden", "outputs"),
    [("hidden160", 160, 10), ("hidden640", 640, 10), ("outputs2", 160, 2), ("outputs40", 160, 40)],
)
def test_the_law_for_larger_layers(
    variant: str, hidden: int, outputs: int, probe: Callable[..., Any], shipped: Callable[..., Any]
) -> None:
    found = probe(shipped("lansdell2020/cost", variant)).numbers
    assert found["hidden1.presentations"] == pytest.approx((hidden + 1) * (outputs + 2) + 9.5, rel=0.15)


def test_a_count_by_hand(probe: Callable[..., Any], parts: Callable[..., Any]) -> None:
    found = probe(SMALL)
    engine, task = parts(SMALL)
    engine = replace(engine, circuit=feedback_alone(engine.circuit))
    data = stimuli_of(engine.circuit, task.train, slice(None))
    for number in range(2):
        seed = seed_of_repetition(0, number)
        state, done, order = initial_state(engine.circuit, seed), 0, np.empty((0, 2), dtype=int)
        # Least squares starts at zero, which has no direction.
        while not (done and weight_angle(engine.circuit, state, "hidden1") < 45):
            if not len(order):
                order = random_order(seed, done, len(task.train), 50, 2)
            state, _ = engine.train(state, data, order[:2], seed=seed, first=done)
            order, done = order[2:], done + 4
        assert found.curves.presentations.sel(layer="hidden1")[number] == done


def test_exact_estimators_do_not_see_how_presentations_are_grouped(probe: Callable[..., Any]) -> None:
    apart, together = (probe(SMALL, batch_size=batch).curves.presentations for batch in (1, 4))
    np.testing.assert_array_equal(apart, together)


def test_what_is_never_reached_is_not_a_number(probe: Callable[..., Any]) -> None:
    found = probe(SMALL, degrees=1.0, most=40)
    assert math.isnan(found.numbers["hidden1.presentations"])


def test_every_layer_with_learned_feedback_is_counted(probe: Callable[..., Any]) -> None:
    network = {**SMALL["network"], "hidden": [6, 5]}
    found = probe({**SMALL, "network": network, "scheme": {"kind": "vector_response", "estimator": "exact_mean"}})
    assert {"hidden1.presentations", "hidden2.presentations", "hidden1.presentations_sd"} <= found.numbers.keys()
    assert all(value > 0 for name, value in found.numbers.items() if name.endswith("presentations"))


def test_only_feedback_learns(parts: Callable[..., Any]) -> None:
    engine, _ = parts(SMALL)
    circuit = feedback_alone(engine.circuit)
    assert learned_layers(circuit) == ("hidden1",)
    assert {name for phase in circuit.phases for name in phase.learn} == {"B1"}


def test_what_cannot_be_measured_is_refused(probe: Callable[..., Any], parts: Callable[..., Any]) -> None:
    for scheme in ("feedback_alignment", "backpropagation", "node_perturbation_only"):
        with pytest.raises(CircuitError, match="no feedback pathway that learns"):
            probe({**SMALL, "scheme": {"kind": scheme}})
    engine, task = parts(SMALL)
    with pytest.raises(CircuitError, match="carries over"):
        cost.measure(cost.Config(), replace(engine, circuit=replace(engine.circuit, carry=True)), task, seed=0)
    with pytest.raises(ValidationError, match="multiple of the batch size 3"):
        cost.Config(every=20, batch_size=3)
