"""A population with a threshold, a reset or a refractory period in place of its neuron's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim import load_circuit, over_time, simulate
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Population
from neurosim.errors import CircuitError, ConfigError, EquationError
from neurosim.neurons._model import NeuronModel

TEXT = "dv/dt = (1.5 - v)/tau : 1 (unless refractory)"
PARAMETERS = {"tau": "10 ms"}
LEAK = NeuronModel(TEXT, parameters=PARAMETERS, method="euler")
CELL = NeuronModel(TEXT, threshold="v > 1", reset="v = 0", refractory="2 ms", parameters=PARAMETERS, method="euler")
THETA = "dtheta/dt = -theta/(50*ms) : 1"
OWN: dict[str, Any] = {
    "equations": THETA,
    "threshold": "v > 1 + theta",
    "reset": "v = 0.1; theta += 0.2",
    "refractory": "4 ms",
}
WHOLE = NeuronModel(
    f"{TEXT}\n{THETA}", parameters=PARAMETERS, method="euler", **{k: OWN[k] for k in OWN if k[0] != "e"}
)

FILE = """
[neurons.cell]
equations = "dv/dt = (1.5 - v)/tau : 1 (unless refractory)"
threshold = "v > 1"
reset = "v = 0"
refractory = "2 ms"
method = "euler"
parameters = { tau = "10 ms" }
[populations]
a = { size = 2, neuron = "cell" }
[populations.b]
size = 2
neuron = "cell"
equations = "dtheta/dt = -theta/(50*ms) : 1"
threshold = "v > 1 + theta"
reset = "v = 0.1; theta += 0.2"
refractory = "4 ms"
[simulation]
duration = "60 ms"
"""


def spikes(circuit: Circuit, engine: str = "batched") -> np.ndarray:
    return simulate(circuit, "60 ms", engine=engine, record=["b.spikes"])["b.spikes"].values


def circuit(**own: Any) -> Circuit:
    return Circuit("net", (Population("a", 2, CELL), Population("b", 2, CELL, **own)))


@pytest.mark.parametrize("engine", ["batched", "brian"])
@pytest.mark.parametrize("neuron", [CELL, LEAK], ids=["spiking", "graded"])
def test_it_is_the_neuron_that_has_them(neuron: NeuronModel, engine: str) -> None:
    found = spikes(Circuit("net", (Population("b", 2, neuron, **OWN),)), engine)
    expected = spikes(Circuit("net", (Population("b", 2, WHOLE),)), engine)
    np.testing.assert_array_equal(found, expected)
    assert 4 < found.sum() < spikes(circuit(), engine).sum()


def test_each_replaces_one_of_them() -> None:
    assert spikes(circuit(refractory="9 ms")).sum() < spikes(circuit()).sum()
    model = circuit(reset="v = 0.5").population["b"].model
    assert (model.threshold, model.reset, model.refractory) == ("v > 1", "v = 0.5", "2 ms")
    assert "reset: v = 0.5" in str(circuit(reset="v = 0.5")) and circuit(reset="v = 0.5") != circuit()


def test_a_reset_can_assign_the_parameter_of_a_neuron() -> None:
    counting = NeuronModel(TEXT, threshold="v > 1", parameters={**PARAMETERS, "count": 0}, method="euler")
    made = Circuit("net", (Population("b", 1, counting, reset="v = 0; count += 1"),))
    for engine in ("batched", "brian"):
        found = simulate(made, "60 ms", engine=engine, record=["b.spikes", "b.count"])
        assert found["b.count"].values[-1, 0, 0] == found["b.spikes"].values[:-1].sum() > 1


def test_given_uniform_numbers_reach_its_threshold() -> None:
    made = Circuit("net", (Population("b", 1, CELL, threshold="rand() < 100*Hz*dt", reset=""),))
    given = np.full((50, 1, 1), 0.5)
    given[[3, 40]] = 0.001
    for engine in ("batched", "brian"):
        found = simulate(made, "5 ms", engine=engine, inputs={"b.rand": over_time(given)}, record=["b.spikes"])
        assert np.flatnonzero(found["b.spikes"].values[:, 0, 0]).tolist() == [3, 40]


def test_a_graded_neuron_with_a_threshold_sends_spikes() -> None:
    sending = Population("a", 1, LEAK, threshold="v > 1", reset="v = 0")
    receiving = Population("b", 1, LEAK)
    joined = Circuit("net", (sending, receiving), (Pathway("ab", "a.spikes", "b.v", initial=0.1),))
    assert simulate(joined, "30 ms", record=["a.spikes"])["a.spikes"].sum() > 1
    with pytest.raises(CircuitError, match="'b' never spikes"):
        Circuit("net", (sending, receiving), (Pathway("ba", "b.spikes", "a.v", initial=0.1),))


def test_a_file_says_the_same() -> None:
    import tomllib

    file = load_circuit(tomllib.loads(FILE))
    np.testing.assert_array_equal(file.simulate(record=["b.spikes"])["b.spikes"], spikes(circuit(**OWN)))
    for change, message in (
        ("populations.b.threshold=v > 1 + thta", r"populations\.b\.threshold: .*'thta'"),
        ("populations.b.refractory=4 mV", r"populations\.b\.refractory: "),
        ("populations.b.ports={ drive = 'v' }", r"populations\.b\.ports: got it beside a neuron"),
    ):
        with pytest.raises(ConfigError, match=message):
            load_circuit(tomllib.loads(FILE), [change])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(EquationError, match=r"population 'b': a reset \('v = 0'\) without a threshold"):
        _ = Population("b", 1, LEAK, reset="v = 0").model
    with pytest.raises(EquationError, match="theta"):
        Circuit("net", (Population("b", 1, CELL, threshold="v > theta"),))
