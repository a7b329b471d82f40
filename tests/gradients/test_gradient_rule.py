"""Learning by the gradient of the loss: over time, at the end of a phase, by hops, and where it cannot be had."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Sparse
from neurosim.circuit.description import Pathway, Phase, Population, Role
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.plain.engine import NumpyEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.errors import ArgumentError, CircuitError, EngineError
from neurosim.gradients.alignment_in_time import alignment_in_time
from neurosim.gradients.credit_in_time import credit_in_time
from neurosim.gradients.true_gradient import true_gradients
from neurosim.neurons._model import NeuronModel
from neurosim.rules._oracle import OracleRule
from tests.gradients.recurrent_circuits import READOUT, SETTING, WIDTH, Made, recurrent, spiking

RATE = 0.5
GRADIENT = registry.load("rules", "gradient").RULE


def learning(made: Made, *names: str) -> Circuit:
    return replace(made.circuit, phases=tuple(replace(phase, learn=names) for phase in made.circuit.phases))


def by_gradient(rule: Any = GRADIENT, **settings: Any) -> Pathway:
    settings = {"rule": rule, "parameters": {"learning_rate": RATE}, "role": Role.RECURRENT, **settings}
    return Pathway("R1", "hidden1.r", "hidden1.drive", **settings)


def change(circuit: Circuit, made: Made, setting: Setting = SETTING, name: str = "R1.w") -> np.ndarray:
    after, _ = BatchedEngine(circuit, setting).run(made.state, made.stimuli)
    return after[name] - made.state[name]


def test_weights_descend_the_gradient_of_the_loss_over_time() -> None:
    made = recurrent(R1=by_gradient())
    circuit = learning(made, "R1")
    expected = credit_in_time(circuit, SETTING, made.state, made.stimuli).weights["R1.w"]
    np.testing.assert_allclose(change(circuit, made), -RATE * expected, rtol=1e-9, atol=1e-12)
    found = alignment_in_time(circuit, SETTING, made.state, made.stimuli)["hidden1"].numbers
    assert found["update_angle_deg"] < 1e-6


@pytest.mark.parametrize("hops", [0, 2])
def test_transmissions_can_be_counted(hops: int) -> None:
    made = recurrent(R1=by_gradient(replace(GRADIENT, hops=hops)))
    circuit = learning(made, "R1")
    expected = credit_in_time(circuit, SETTING, made.state, made.stimuli, hops=hops).weights["R1.w"]
    np.testing.assert_allclose(change(circuit, made), -RATE * expected, rtol=1e-9, atol=1e-12)


def test_any_connectivity_and_bounds_go_with_it() -> None:
    weights = np.linspace(-0.3, 0.3, len(Sparse(0.5, autapses=False).synapses(_ends(6)).pre))
    fast = {"learning_rate": 20 * RATE}
    made = recurrent(R1=by_gradient(connectivity=Sparse(0.5, autapses=False), bounds=(-0.3, 0.3), parameters=fast))
    made = replace(made, state=made.state | {"R1.w": weights})
    circuit = learning(made, "R1")
    expected = credit_in_time(circuit, SETTING, made.state, made.stimuli).weights["R1.w"]
    wanted = np.clip(weights - 20 * RATE * expected, -0.3, 0.3) - weights
    assert np.any(np.abs(weights - 20 * RATE * expected) > 0.3)
    np.testing.assert_allclose(change(circuit, made), wanted, rtol=1e-9, atol=1e-12)


def _ends(size: int) -> Any:
    return recurrent(size=size, length=2).circuit.ends("R1")


def test_spikes_have_the_width_that_the_rule_says() -> None:
    rule = replace(GRADIENT, surrogate_width=WIDTH)
    made = spiking(rule=rule, parameters={"learning_rate": RATE})
    circuit, setting = learning(made, "R1"), Setting("spiking", 1e-3, "float64")
    named = replace(setting, surrogate_width=WIDTH)
    expected = credit_in_time(circuit, named, made.state, made.stimuli).weights["R1.w"]
    np.testing.assert_allclose(change(circuit, made, setting), -RATE * expected, rtol=1e-9, atol=1e-12)
    assert np.linalg.norm(expected) > 1e-3


def test_a_loss_at_the_end_of_a_phase_has_a_gradient_too() -> None:
    neuron = NeuronModel(
        "dv/dt = (drive - v)/(5*ms) : 1\ndrive : 1\nr = tanh(v) : 1", ports={"drive": "drive", "output": "r"}
    )
    layer = Pathway("W", "input.r", "output.drive", rule=GRADIENT, parameters={"learning_rate": RATE})
    circuit = Circuit(
        "layer",
        (Population("input", 3, NeuronModel("r : 1")), Population("output", 2, neuron)),
        (layer,),
        (Phase("only", "20 ms", learn=("W",)),),
        READOUT,
        "output.r",
    )
    drawn = np.random.default_rng(0)
    state = initial_state(circuit, 0) | {"W.w": drawn.normal(size=(2, 3))}
    stimuli = {"input.r": drawn.normal(size=(5, 3)), "output.target": drawn.normal(size=(5, 2))}
    for setting in (SETTING, Setting("steady", dtype="float64")):
        after, _ = BatchedEngine(circuit, setting).run(state, stimuli)
        expected = true_gradients(circuit, setting, state, stimuli).weights["W.w"]
        np.testing.assert_allclose(after["W.w"], state["W.w"] - RATE * expected, rtol=1e-9)
    order = np.array([[0, 1, 2, 3, 4]] * 60)
    after, outputs = BatchedEngine(circuit, SETTING).train(state, stimuli, order, seed=0, first=0)
    losses = outputs.ends["only"]["loss"].reshape(60, 5).mean(axis=1)
    assert np.all(np.diff(losses) < 0)
    with pytest.raises(EngineError, match="reads the gradient of the loss, and this engine computes none"):
        BrianEngine(circuit, SETTING).run(state, stimuli)
    with pytest.raises(EngineError, match="reads the gradient of the loss, and this engine computes none"):
        NumpyEngine(circuit, Setting("steady", dtype="float64")).run(state, stimuli)


def test_what_has_no_gradient_is_refused() -> None:
    made = recurrent(R1=by_gradient(), length=4)
    with pytest.raises(CircuitError, match=r"'R1'.* has no readout, hence no loss"):
        kept = tuple(p for p in made.circuit.pathways if p.name != "B1")
        replace(learning(made, "R1"), pathways=kept, readout=None, output=None, over_time=False)
    with pytest.raises(CircuitError, match=r"hops = 1.* 'R1' says by a text what it delivers"):
        recurrent(R1=by_gradient(replace(GRADIENT, hops=1), delivers="w*r_pre"))
    circuit, engine = learning(made, "R1"), BatchedEngine(learning(made, "R1"), SETTING)
    with pytest.raises(CircuitError, match="run piece by piece"):
        engine.run(made.state, made.stimuli, unfinished=True)
    settling = replace(circuit, phases=(replace(circuit.phases[0], until=("hidden1.v", 0.1)),))
    constant = {name: stimulus.values[:, 0] for name, stimulus in made.stimuli.items()}
    with pytest.raises(CircuitError, match="cannot have the gradient through it"):
        BatchedEngine(settling, SETTING).run(made.state, constant)
    with pytest.raises(ArgumentError, match="does not read the gradient"):
        OracleRule(GRADIENT.step, uses=("r_pre",), hops=1)
