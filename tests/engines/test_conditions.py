"""State updates that depend on refractoriness, in XLA's loop: both cases are computed, each neuron takes one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim import simulate
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Population
from neurosim.engines.batched import stepping
from neurosim.engines.batched.conditions import updates
from neurosim.neurons._model import NeuronModel

#: Among its variables one stands still, one goes on, and one does either by its own text.
TEXT = """
dv/dt = (drive + ge - v)/tau : 1 (unless refractory)
dge/dt = -ge/taue : 1
dslow/dt = (int(not_refractory)*v - slow)/(2*tau) : 1
drive : 1
tau : second
"""
PARAMETERS = {"tau": [8e-3, 10e-3, 20e-3], "taue": "5 ms", "drive": 1.5}
SETTINGS: dict[str, dict[str, Any]] = {
    "exact": {"method": "exact"},
    "euler": {"method": "euler"},
    "exponential euler": {"method": "exponential_euler"},
    "a condition": {"method": "euler", "refractory": "ge > 0.2*rho", "parameters": {**PARAMETERS, "rho": 1.0}},
    "noise": {"method": "euler", "equations": TEXT.replace("- v)/tau", "- v)/tau + xi*tau**-0.5")},
    "time": {"method": "euler", "equations": TEXT.replace("drive + ge", "drive*(1 + sin(200*Hz*t)) + ge")},
}


def neuron(**changes: Any) -> NeuronModel:
    settings = {"equations": TEXT, "refractory": "3 ms", "parameters": PARAMETERS, **changes}
    return NeuronModel(threshold="v > 1", reset="v = 0", **settings)


def circuit(name: str, **changes: Any) -> Circuit:
    pathway = Pathway("aa", "a.spikes", "a.ge", initial=0.3)
    return Circuit(name, (Population("a", 3, neuron(**changes)),), (pathway,), ())


@pytest.mark.parametrize("name", SETTINGS)
def test_results_are_those_of_the_update_as_a_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []

    def counting(*given: Any) -> Any:
        found = updates(*given)
        counted.append(len(found))
        return found

    monkeypatch.setattr(stepping, "updates", counting)
    cut = circuit("cut", **SETTINGS[name])
    got = simulate(cut, "60 ms", trials=2)
    # What reads the time is computed in double precision, as a whole.
    assert counted == [0 if name == "time" else 1]
    monkeypatch.setattr(stepping, "updates", lambda *_: {})
    whole = simulate(replace(cut, name="whole"), "60 ms", trials=2)
    for variable in ("a.v", "a.ge", "a.slow"):
        np.testing.assert_allclose(got[variable], whole[variable], rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(got["a.spikes"], whole["a.spikes"])
    assert got["a.spikes"].sum() > 5
