"""The spiking models: as accurate, and as much nearer to the gradient than fixed feedback, as is claimed of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.model_files.model_file import load
from neurosim.runs.run import train

DIGITS = "lansdell2020/spiking_digits"


@pytest.mark.parametrize("name", ["spiking_digits", "spiking_mnist"])
def test_a_local_circuit_of_spiking_neurons_with_two_readings_from_rest(name: str) -> None:
    from types import SimpleNamespace

    model = load(f"lansdell2020/{name}")
    circuit = model.build(SimpleNamespace(n_inputs=6, n_outputs=10))
    assert circuit.local
    assert all(p.neuron.threshold is not None for p in circuit.populations if p.name.startswith("hidden"))
    clean, perturbed = circuit.phases
    assert clean.seconds == perturbed.seconds and perturbed.restart


@pytest.mark.slow
def test_digits(tmp_path: Path) -> None:
    # 90 s on one core.
    def summaries(model: str) -> list[Any]:
        return [train(model, seed=seed, out=tmp_path / f"{model.split('/')[1]}{seed}").summary for seed in range(3)]

    learned, fixed = summaries(DIGITS), summaries(f"{DIGITS}+fa")
    assert np.mean([s["test_accuracy"] for s in learned]) >= 95
    for layer in ("hidden1", "hidden2"):
        here, there = (np.mean([s["layers"][layer]["signal_angle_deg"] for s in found]) for found in (learned, fixed))
        assert there - here >= 10, layer
