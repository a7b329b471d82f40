"""What the tests of schemes in continuous time share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import load
from neurosim.training.loop import TrainingResult, train


@pytest.fixture
def digits_in_time() -> Callable[..., TrainingResult]:
    """Trains a network of rate units on the digits for eight epochs, by a scheme with its settings."""

    def trained(kind: str, *, measure_every: int = 0, **settings: Any) -> TrainingResult:
        part: dict[str, Any] = {"kind": "leaky_rate", "tau_m": "5 ms", "tau_a": "2 ms"}
        rates = {"learning_rate": 4.0, "feedback_learning_rate": 0.2}
        model = load(
            {
                "task": {"kind": "digits"},
                "network": {"hidden": [48, 32], "neuron": part, "output_neuron": {**part, "activation": "identity"}},
                "scheme": {"kind": kind, "duration": "50 ms", "tau_noise": "10 ms", **rates, **settings},
                "engine": {"level": "rate", "dt": "1 ms"},
                "training": {"epochs": 8, "batch_size": 16, "measure_every": measure_every},
            }
        )
        task = model.load_task(seed=0)
        return train(make_engine(model.engine, model.build(task)), task, model.training, seed=0)

    return trained
