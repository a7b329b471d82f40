"""The spiking models: as accurate, and as much nearer to the gradient than fixed feedback, as is claimed of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.experiments.model_file import load
from neurosim.experiments.run import train

DIGITS = "lansdell2020/spiking_digits"


def fixed_twin() -> dict[str, Any]:
    """The sections of the digits model, with feedback alignment for its scheme."""
    sections = {name: dict(section) for name, section in load(DIGITS).given.items() if name != "variants"}
    settings = {"learning_rate": 0.12, "feedback_weights": 3.0, "duration": "60 ms"}
    sections["scheme"] = {"kind": "feedback_alignment", **settings}
    return sections


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
    # 13 s a run on a quiet core.
    def summaries(kind: str, model: Any) -> list[Any]:
        return [train(model, seed=seed, out=tmp_path / f"{kind}{seed}").summary for seed in range(3)]

    learned, fixed = summaries("learned", DIGITS), summaries("fixed", fixed_twin())
    assert np.mean([s["test_accuracy"] for s in learned]) >= 95
    for layer, nearer in (("hidden1", 10), ("hidden2", 4)):
        here, there = (np.mean([s["layers"][layer]["signal_angle_deg"] for s in found]) for found in (learned, fixed))
        assert there - here >= nearer, layer
