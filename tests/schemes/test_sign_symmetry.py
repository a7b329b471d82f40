"""Sign symmetry: signs are those of the forward weights of one update ago, magnitudes as the setting says."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.networks.layered import Config as Network


@pytest.mark.parametrize("fan", ["in", "both"])
@pytest.mark.parametrize("magnitude", ["uniform", "fixed", "batchwise"])
def test_signs_and_magnitudes(magnitude: str, fan: str) -> None:
    module = registry.load("schemes", "sign_symmetry")
    task = SimpleNamespace(n_inputs=3, n_outputs=30)
    network = Network.model_validate({"hidden": (40,), "weight_fan": fan})
    circuit = module.build(module.Config(magnitude=magnitude, feedback_weights=2.0), network, task)
    engine, state = BatchedEngine(circuit, Setting("steady", dtype="float64")), initial_state(circuit, 0)
    generator = np.random.default_rng(0)
    data = {"input.r": generator.random((8, 3)), "output.target": np.eye(30)[generator.integers(0, 30, 8)]}
    found = [state]
    for step in range(3):
        found.append(engine.train(found[-1], data, np.arange(8)[None], seed=5, first=8 * step)[0])
    sd = 2 / (40 + (30 if fan == "both" else 0)) ** 0.5
    for before, after in itertools.pairwise(found):
        np.testing.assert_array_equal(np.sign(after["B1.w"]), np.sign(before["W2.w"].T))
        magnitudes = np.abs(after["B1.w"])
        if magnitude == "uniform":
            np.testing.assert_allclose(magnitudes, sd, rtol=1e-12)
            continue
        assert np.mean(magnitudes**2) == pytest.approx(sd**2, abs=4.5 * sd**2 * (2 / 1200) ** 0.5)
        kept = np.allclose(magnitudes, np.abs(before["B1.w"]), rtol=1e-12)
        assert kept == (magnitude == "fixed")
    assert not circuit.local
