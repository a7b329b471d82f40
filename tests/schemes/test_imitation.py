"""What feedback that imitates the true gradient is taught by, against automatic differentiation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.gradients.true_gradient import true_gradients
from neurosim.networks.layered import Config as Network

OUTPUTS = {
    "identity": ({"activation": "identity"}, "squared_error"),
    "tanh": ({"activation": "tanh", "method": "rk2"}, "squared_error"),
    # The readout's error is that of the potential: nothing is left to multiply it with.
    "logistic": ({"activation": "sigmoid", "readout": "potential", "method": "rk2"}, "sigmoid_cross_entropy"),
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_teacher_is_the_true_gradient_whatever_the_output(output):
    neuron, readout = OUTPUTS[output]
    network = Network.model_validate(
        {
            "hidden": (5, 4),
            "neuron": {"kind": "leaky_rate", "activation": "sigmoid", "sigma": 0.1},
            "output_neuron": {"kind": "leaky_rate", **neuron},
            "readout": readout,
        }
    )
    scheme = registry.load("schemes", "node_perturbation")
    task = SimpleNamespace(n_inputs=6, n_outputs=3)
    circuit = scheme.build(scheme.Config(estimator="true_gradient"), network, task)
    setting, state = Setting("steady", dtype="float64"), initial_state(circuit, 2)
    generator = np.random.default_rng(0)
    given = {"input.r": generator.random((8, 6)), "output.target": np.eye(3)[generator.integers(0, 3, 8)]}
    phase = circuit.phases[0].name
    taught = tuple(f"{layer}.exact" for layer in ("hidden1", "hidden2"))
    _, outputs = BatchedEngine(circuit, setting).run(state, given, report=taught, learn=False, phases=(phase,))
    truth = true_gradients(circuit, setting, state, given).sites
    for name in taught:
        (site,) = (site for site in truth if site.startswith(name.split(".")[0]))
        np.testing.assert_allclose(outputs.ends[phase][name], truth[site], rtol=1e-9, atol=1e-12)
