"""The order of operations within a step does not depend on names."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial, Pathway, Phase, Population
from neurosim.neurons._model import NeuronModel
from neurosim.recording.simulate import simulate


@pytest.mark.parametrize("names", [("a", "b", "c"), ("c", "b", "a")])
def test_a_chain_of_instantaneous_variables_has_no_lag(names: tuple[str, str, str]) -> None:
    """Three populations pass on an oscillation at once, whatever they are called, on both engines."""
    source = NeuronModel("dx/dt = -y/tau : 1\ndy/dt = x/tau : 1", parameters={"tau": "5 ms"}, initial={"x": 1})
    relay = NeuronModel("u : 1\nr = 2*u : 1")
    first, second, third = names
    circuit = Circuit(
        "chain",
        (Population(first, 1, source), Population(second, 1, relay), Population(third, 1, relay)),
        (
            Pathway(f"to_{second}", f"{first}.x", f"{second}.u", initial=Initial("constant", 1.0, None)),
            Pathway(f"to_{third}", f"{second}.r", f"{third}.u", initial=Initial("constant", 1.0, None)),
        ),
        (Phase("run", "20 ms"),),
    )
    record = [f"{first}.x", f"{third}.r"]
    for engine in ("batched", "brian"):
        found = simulate(circuit, record=record, engine=engine)
        np.testing.assert_allclose(found[f"{third}.r"].values, 4 * found[f"{first}.x"].values, rtol=1e-12)
