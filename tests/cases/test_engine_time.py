"""The time counts from the beginning of each presentation, in every text, on both engines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim import Circuit, NeuronModel, Phase, Population, Setting, initial_state, simulate
from neurosim.circuit.description import hold
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine

TEXTS: dict[str, dict[str, Any]] = {
    "threshold": {"equations": "dv/dt = 0*v/ms : 1", "threshold": "t < 0.25*ms"},
    "reset": {"equations": "dv/dt = 1/ms : 1", "threshold": "v > 0.5", "reset": "v = -100*t/second"},
    "refractory": {"equations": "dv/dt = 1/ms : 1", "threshold": "v > 0.5", "reset": "v = 0", "refractory": "0.5*t"},
    "condition": {
        "equations": "dv/dt = 1/ms : 1", "threshold": "v > 0.3", "reset": "v = 0", "refractory": "t < 1*ms",
    },
    "subexpression": {"equations": "dv/dt = (x - v)/ms : 1\nx = sin(2*pi*100*Hz*t) : 1"},
    "held through a step": {"equations": "dv/dt = (x - v)/ms : 1\nx = sin(2*pi*100*Hz*t) : 1 (constant over dt)"},
    "equation": {"equations": "dv/dt = cos(2*pi*100*Hz*t)/ms : 1", "method": "rk4"},
    "last spike": {
        "equations": "dv/dt = exp(-(t - lastspike)/ms)/ms + 0.1/ms : 1", "threshold": "v > 0.5", "reset": "v = 0",
        "refractory": "0.3 ms", "method": "euler",
    },
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_trials_do_not_differ(text):
    neuron = NeuronModel(**TEXTS[text])
    for engine in ("batched", "brian"):
        alone = simulate(neuron, "3 ms", engine=engine)
        found = simulate(neuron, "3 ms", trials=3, engine=engine)
        for name, values in found.items():
            for trial in range(3):
                np.testing.assert_allclose(values[:, trial], alone[name][:, 0], rtol=1e-12, err_msg=f"{engine} {name}")


def test_what_a_phase_holds_of_the_time():
    neuron = NeuronModel("dv/dt = -v/ms : 1\nkept : second")
    circuit = Circuit(
        "c", (Population("a", 1, neuron),), phases=(Phase("p", "1 ms", hold=(hold("a.kept = t"),)), Phase("q", "1 ms"))
    )
    for make in (BatchedEngine, BrianEngine):
        engine = make(circuit, Setting("rate", 1e-4, "float64"))
        _, outputs = engine.run(initial_state(circuit, 0), {}, trials=2, report=["a.kept"])
        np.testing.assert_allclose(outputs.ends["q"]["a.kept"], 0.9e-3, rtol=1e-12)
