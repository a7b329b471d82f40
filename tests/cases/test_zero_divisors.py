"""A parameter that is zero where equations divide by it is refused, whichever way it came to be zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim import Circuit, NeuronModel, Pathway, Phase, Population, Rule, Stimulus, initial_state, simulate
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.errors import CircuitError

TEXT = "dv/dt = (1 - v)/tau : 1\ntau : second"
ENGINES = ("batched", "brian")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("parameters", "given"),
    [
        ({}, {}),
        ({"tau": "10 ms"}, {"inputs": {"tau": 0.0}}),
        ({"tau": "10 ms"}, {"state": {"tau": 0.0}}),
        ({"tau": "10 ms"}, {"state": {"tau": np.array([0.01, 0.0])}}),
    ],
    ids=["no value", "inputs", "state", "one neuron's"],
)
def test_a_time_constant_of_zero_is_refused_with_its_place(engine: Any, parameters: Any, given: Any) -> None:
    neuron = NeuronModel(TEXT, parameters=parameters)
    with pytest.raises(CircuitError, match=r"population 'neuron', line 1, column 17: .*'tau' is 0"):
        simulate(neuron, "1 ms", n=2, engine=engine, **given)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_zero_in_what_is_divided_by_is_found_through_expressions(engine: Any) -> None:
    neuron = NeuronModel("dv/dt = -v*rate : 1\nrate = 1/(2*slow) : Hz\nslow : second")
    with pytest.raises(CircuitError, match=r"line 2, column 11: .*'2 \* slow' is 0"):
        simulate(neuron, "1 ms", engine=engine)


def test_a_value_under_a_misspelt_name_is_named_in_circuits() -> None:
    circuit = Circuit(
        "one", (Population("a", 1, NeuronModel(TEXT, parameters={"tua": "10 ms"})),), phases=(Phase("all", "1 ms"),)
    )
    with pytest.raises(CircuitError, match=r"population 'a' \(does the value of 'tua' belong to 'tau'\?\)"):
        BatchedEngine(circuit, Setting()).run(initial_state(circuit, 0), {})


def test_zeros_that_nothing_divides_by_or_that_change_are_fine() -> None:
    neuron = NeuronModel("dv/dt = drive/(1 + leak)/ms + x/y/ms : 1\ndrive : 1\nleak : 1\nx : 1\ny : 1")
    circuit = Circuit("one", (Population("a", 1, neuron),), phases=(Phase("all", "2 ms"),))
    course = Stimulus(np.ones((1, 2, 1)), "course")
    _, outputs = BatchedEngine(circuit, Setting()).run(initial_state(circuit, 0), {"a.y": course}, report=["a.v"])
    assert outputs.ends["all"]["a.v"].item() == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "texts",
    [
        {"traces": "dx/dt = -x/k : 1", "on_pre": "x += 1; w += x"},
        {"on_pre": "w += 0.1/k"},
        {"on_post": "w += 0.1/k"},
        {"update": "w += 0.1*v_post/k", "timing": "step"},
    ],
    ids=["trace", "on_pre", "on_post", "update"],
)
def test_a_zero_that_a_text_of_a_synapse_divides_by_is_refused(texts: Any, engine: Any) -> None:
    cell = NeuronModel("dv/dt = (2 - v)/(5*ms) : 1", threshold="v > 1", reset="v = 0")
    unit = "ms" if "traces" in texts else ""
    pathway = Pathway("W", "a.spikes", "b.v", rule=Rule(**texts, parameters={"k": f"2 {unit}"}))
    populations = (Population("a", 2, cell), Population("b", 1, cell))
    circuit = Circuit("pair", populations, (pathway,), (Phase("all", "10 ms", learn=("W",)),))
    with pytest.raises(CircuitError, match=r"pathway 'W', line 1, column \d+: a division by zero: 'k' is 0"):
        simulate(circuit, state={"W.k": 0.0}, engine=engine)
