"""Variables that stop being finite are named, recorded or not, on both engines."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import Circuit, NeuronModel, Phase, Population, Setting, initial_state, simulate
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.errors import NumericalError

ENGINES = ("batched", "brian")
BURST = NeuronModel("dv/dt = v**2/ms + drive/ms : 1\ndrive : 1", "v < -5", "v = 0", method="euler")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_variable_that_is_not_recorded(engine):
    with pytest.raises(NumericalError, match=r"'neuron.v' stopped being finite at 2.8 ms \(trial 0, neuron 0\)"):
        simulate(BURST, "50 ms", inputs={"drive": 1}, record=["spikes"], engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_trial_the_neuron_and_the_time(engine):
    drive = np.zeros((2, 3))
    drive[1, 2] = 1.0
    with pytest.raises(NumericalError, match=r"'neuron.v' stopped being finite at 2.8 ms \(trial 1, neuron 2\)"):
        simulate(BURST, "5 ms", n=3, trials=2, inputs={"drive": drive}, record=["spikes"], engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_infinite_number_that_the_reset_takes_away_in_its_own_step_is_none(engine):
    spike = NeuronModel("dv/dt = exp(v*1e4)/ms : 1", "v > 1", "v = 0", method="euler", initial={"v": 0.5})
    assert np.isfinite(simulate(spike, "2 ms", engine=engine).v.values).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_reset_to_what_is_not_finite(engine):
    neuron = NeuronModel("dv/dt = 1/ms : 1", "v > 0.5", "v = log(-v)")
    with pytest.raises(NumericalError, match=r"'neuron.v' stopped being finite at 0.6 ms"):
        simulate(neuron, "2 ms", record=["spikes"], engine=engine)


@pytest.mark.parametrize("make", [BatchedEngine, BrianEngine])
def test_training_names_what_neither_the_loss_nor_a_weight_shows(make):
    circuit = Circuit("c", (Population("a", 2, BURST),), phases=(Phase("p", "5 ms"),), carry=True)
    engine = make(circuit, Setting("spiking", 1e-4, "float64"))
    drive = np.array([[0.0, 0.0], [0.0, 1.0]])
    _, outputs = engine.run(initial_state(circuit, 0), {"a.drive": drive}, watch=True)
    assert (outputs.broken.name, outputs.broken.step, outputs.broken.trial, outputs.broken.neuron) == ("a.v", 28, 1, 1)
    _, outputs = engine.run(initial_state(circuit, 0), {"a.drive": 0 * drive}, watch=True)
    assert outputs.broken is None
