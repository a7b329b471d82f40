"""Stimuli that cannot be set are refused by both engines, in the same words."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.errors import CircuitError
from neurosim.neurons import leaky_rate, stimulus

CIRCUIT = Circuit(
    "two",
    (
        Population("input", 2, stimulus.build(stimulus.Config())),
        Population("layer", 3, leaky_rate.build(leaky_rate.Config())),
    ),
    (Pathway("W", "input.r", "layer.drive"),),
    (Phase("run", "5 ms"),),
)


@pytest.mark.parametrize("engine", [BatchedEngine, BrianEngine])
@pytest.mark.parametrize(
    ("name", "message"),
    [("layer.drive", "the circuit computes it"), ("inptu.r", "did you mean 'input.r'"), ("layer.v", "no parameter")],
)
def test_what_cannot_be_set(engine: type[BatchedEngine] | type[BrianEngine], name: str, message: str) -> None:
    runner = engine(CIRCUIT, Setting("rate", 1e-3, "float64"))
    with pytest.raises(CircuitError, match=message):
        runner.run(initial_state(CIRCUIT, 0), {name: np.zeros((1, 3))})
