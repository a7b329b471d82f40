"""Training of the shared layers by a scheme, called as the training loop calls it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks._layers import BATCH, SIZES
from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.networks.layered import Config as Network

#: Batches in one call of the engine, and trials in the data.
CALLS, TRIALS = 5, 2000
#: What learning is compared with.
SAME_LAYERS = "the same layers, forward only, changing input"


def learning(scheme: str, **settings: Any) -> Callable[[], Any]:
    """Some batches of training at the level of rates, with constant inputs.

    Parameters
    ----------
    scheme, settings
        The scheme's name and its settings.
    """
    network = Network.model_validate(
        {
            "hidden": SIZES[1:-1],
            "neuron": {"kind": "leaky_rate", "activation": "tanh", "tau_m": "20 ms"},
            "output_neuron": {"kind": "leaky_rate", "activation": "identity", "tau_m": "20 ms"},
            "readout": "squared_error",
        }
    )
    module = registry.load("schemes", scheme)
    circuit = module.build(module.Config(**settings), network, SimpleNamespace(n_inputs=SIZES[0], n_outputs=SIZES[-1]))
    engine = BatchedEngine(circuit, Setting("rate", 1e-3, "float32"))
    generator = np.random.default_rng(0)
    targets = np.eye(SIZES[-1], dtype=np.float32)[generator.integers(0, SIZES[-1], TRIALS)]
    data = {"input.r": generator.random((TRIALS, SIZES[0]), dtype=np.float32), "output.target": targets}
    placed, state = engine.placed(data, BATCH), initial_state(circuit, 0, dtype="float32")
    order = generator.integers(0, TRIALS, (CALLS, BATCH))

    def run() -> None:
        after, outputs = engine.train(state, placed, order, seed=0, first=0)
        found = [*after.values(), *(end["loss"] for end in outputs.ends.values())]
        if not all(np.isfinite(array).all() for array in found):
            raise ArithmeticError(f"'{scheme}' ran away, so that its time means nothing")

    return run
