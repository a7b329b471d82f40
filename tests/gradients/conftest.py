"""Small learning circuits with the stimuli they are shown."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.networks.layered import Config as Network

N_INPUTS, N_OUTPUTS, TRIALS = 3, 4, 3


@pytest.fixture(scope="session")
def build() -> Callable[..., Circuit]:
    """Builds a small network trained by a scheme; `duration` is that of each of its phases."""

    def build(scheme: str, duration: str = "20 ms", choice: dict[str, Any] | None = None, **network: Any) -> Circuit:
        module = registry.load("schemes", scheme)
        durations = {field: duration for field in module.Config.model_fields if field.endswith("duration")}
        settings = Network(**{"hidden": (5, 4), "bias_weights": 0.3, **network})
        task = SimpleNamespace(n_inputs=N_INPUTS, n_outputs=N_OUTPUTS)
        return module.build(module.Config(**durations, **(choice or {})), settings, task)

    return build


@pytest.fixture(scope="session")
def given() -> dict[str, np.ndarray]:
    """Random inputs with one-hot targets."""
    generator = np.random.default_rng(5)
    targets = np.eye(N_OUTPUTS)[generator.integers(0, N_OUTPUTS, TRIALS)]
    return {"input.r": generator.standard_normal((TRIALS, N_INPUTS)), "output.target": targets}
