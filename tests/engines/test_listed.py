"""Lists of synapses on every engine: beside plain Brian2, with learning, with ties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import brian2
import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Connectivity, Explicit, InDegree, OutDegree, Sparse, Where
from neurosim.circuit.description import Pathway, Phase, Population, Tie
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.plain.engine import NumpyEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.neurons._model import NeuronModel
from neurosim.recording.simulate import simulate
from neurosim.rules._rule import Rule

# Two of the synapses join the same two neurons, in an order that is nobody's.
TWICE = Explicit([3, 0, 3, 3, 1, 2], [1, 2, 1, 0, 2, 1])
LISTS = [
    TWICE,
    Where("i != j and abs(i - j) < 3", p=0.8),
    InDegree(2, autapses=False),
    OutDegree(3),
    Sparse(0.5, autapses=False),
]
WEIGHTS = np.linspace(0.2, 1.0, 6)
SENDER = "dv/dt = (i_ext - v)/(10*ms) : 1\ni_ext : 1"
SPIKED = "dv/dt = (g - v)/(10*ms) : 1\ndg/dt = -g/(5*ms) : 1"
DRIVEN = "dv/dt = (drive - v)/(10*ms) : 1\ndrive : 1"
CURRENT = np.linspace(1.2, 3.0, 4)


@pytest.fixture
def plain_brian(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(brian2.prefs, "codegen.target", "numpy")
    brian2.start_scope()
    before = brian2.defaultclock.dt
    brian2.defaultclock.dt = 0.1 * brian2.ms
    yield
    brian2.defaultclock.dt = before


def senders_and(equations: str, pathway: Pathway) -> Circuit:
    sending, receiving = (NeuronModel(text, "v > 1", "v = 0") for text in (SENDER, equations))
    return Circuit("c", (Population("a", 4, sending), Population("b", 3, receiving)), (pathway,))


def in_plain_brian(equations: str, model: str, **code: Any) -> tuple[np.ndarray, np.ndarray]:
    """The potentials of the senders and of the receivers, (step, neuron), with the synapses of `TWICE`."""
    a = brian2.NeuronGroup(4, SENDER, threshold="v > 1", reset="v = 0", method="exact")
    a.i_ext = CURRENT
    b = brian2.NeuronGroup(3, equations, threshold="v > 1", reset="v = 0", method="exact")
    synapses = brian2.Synapses(a, b, model, **code)
    synapses.connect(i=TWICE.pre, j=TWICE.post)
    synapses.w = WEIGHTS
    monitors = [brian2.StateMonitor(group, "v", record=True) for group in (a, b)]
    brian2.Network(a, b, synapses, monitors).run(60 * brian2.ms)
    return monitors[0].v.T, monitors[1].v.T


@pytest.mark.parametrize("engine", ["batched", "brian"])
@pytest.mark.usefixtures("plain_brian")
def test_listed_synapses_deliver_spikes_as_in_plain_brian2(engine: str) -> None:
    pathway = Pathway("W", "a.spikes", "b.g", connectivity=TWICE, initial=WEIGHTS)
    circuit = senders_and(SPIKED, pathway)
    found = simulate(circuit, "60 ms", dt="0.1 ms", inputs={"a.i_ext": CURRENT}, engine=engine, dtype="float64")
    senders, receivers = in_plain_brian(SPIKED, "w : 1", on_pre="g_post += w")
    assert found["b.spikes"].values.sum() > 3
    np.testing.assert_allclose(found["a.v"].values[:, 0], senders, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["b.v"].values[:, 0], receivers, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("engine", ["batched", "brian"])
@pytest.mark.usefixtures("plain_brian")
def test_listed_synapses_deliver_rates_as_in_plain_brian2(engine: str) -> None:
    pathway = Pathway("W", "a.v", "b.drive", connectivity=TWICE, initial=WEIGHTS)
    circuit = senders_and(DRIVEN, pathway)
    found = simulate(circuit, "60 ms", dt="0.1 ms", inputs={"a.i_ext": CURRENT}, engine=engine, dtype="float64")
    _, receivers = in_plain_brian(DRIVEN, "w : 1\ndrive_post = w*v_pre : 1 (summed)")
    np.testing.assert_allclose(found["b.v"].values[:, 0], receivers, rtol=1e-9, atol=1e-12)


def learning(connectivity: Connectivity, timing: Any) -> Circuit:
    neuron = NeuronModel("dx/dt = (x_in + back + bias - x)/(5*ms) : 1\nx_in : 1\nback : 1\nbias : 1\nr = tanh(x) : 1")
    rule = Rule("w += eta*r_post*(r_pre - w*r_post)", parameters={"eta": 0.2}, timing=timing, name="oja")
    pathways = (
        Pathway("W", "a.r", "a.x_in", connectivity=connectivity, initial="0.3*randn() + 0.1*(i - j)", rule=rule),
        Pathway("T", "a.r", "a.back", tie=Tie("W", transposed=True)),
    )
    return Circuit("c", (Population("a", 4, neuron),), pathways, (Phase("p", "8 ms", learn=("W",)),))


@pytest.mark.parametrize("timing", ["phase_end", "step"])
@pytest.mark.parametrize("connectivity", LISTS, ids=lambda connectivity: type(connectivity).__name__)
def test_both_engines_learn_alike_along_listed_synapses(connectivity: Connectivity, timing: str) -> None:
    circuit, setting = learning(connectivity, timing), Setting("rate", 1e-3, "float64")
    state = initial_state(circuit, 2)
    given = {"a.bias": np.random.default_rng(1).standard_normal((1, 4))}
    expected, _ = BrianEngine(circuit, setting).run(state, given, batch=1)
    found, _ = BatchedEngine(circuit, setting).run(state, given)
    assert np.all(expected["W.w"] != state["W.w"])
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("connectivity", LISTS[:2], ids=lambda connectivity: type(connectivity).__name__)
def test_the_steady_level_is_the_same_on_both_engines(connectivity: Connectivity) -> None:
    neuron = NeuronModel("dx/dt = (x_in + bias - x)/(5*ms) : 1\nx_in : 1\nbias : 1\nr = tanh(x) : 1")
    rule = Rule("w += 0.2*r_post*(r_pre - w*r_post)", name="oja")
    pathway = Pathway("W", "a.r", "b.x_in", connectivity=connectivity, rule=rule)
    circuit = Circuit(
        "c", (Population("a", 4, neuron), Population("b", 3, neuron)), (pathway,), (Phase("p", "8 ms", learn=("W",)),)
    )
    setting, state = Setting("steady", 1e-3, "float64"), initial_state(circuit, 2)
    given = {"a.bias": np.random.default_rng(1).standard_normal((3, 4))}
    found = [engine(circuit, setting).run(state, given)[0]["W.w"] for engine in (BatchedEngine, NumpyEngine)]
    np.testing.assert_allclose(*found, rtol=1e-9)
    assert np.any(found[0] != state["W.w"])
