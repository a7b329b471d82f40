"""Samples a second of every scheme, as a ratio to backpropagation in the same engine and the same run.

784-500-10 logistic units at the steady level, batch 128, float32. All schemes are measured in turn, round after round,
and the ratio is the median over rounds of those within a round, so that what else the machine does falls on all alike.
Exit code 1 if a scheme that aligns feedback with forward weights is slower than half of backpropagation.

    python -m benchmarks.schemes
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks._command import Options, alone
from benchmarks._measuring import alternate, ratio, speeds, timed
from benchmarks._results import Asked, Result, Table
from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.networks.layered import Config as Network

TITLE = "Schemes of credit assignment beside backpropagation"
BATCH, STEPS, ROUNDS = 128, 40, 7
#: Of the speed of backpropagation.
ASKED = 0.5
REFERENCE = "backpropagation"
HELD_TO = (
    "feedback_alignment",
    "kolen_pollack",
    "sign_symmetry",
    "weight_mirror",
    "information_alignment",
    "symmetric_alignment",
    "activation_alignment",
)


def training(scheme: str, data: dict[str, Any], order: np.ndarray) -> Callable[[], Any]:
    """Some steps of training by a scheme with its default settings."""
    network = Network.model_validate(
        {
            "hidden": (500,),
            "neuron": {"kind": "leaky_rate", "activation": "sigmoid"},
            "output_neuron": {"kind": "leaky_rate", "activation": "sigmoid", "readout": "potential", "method": "rk2"},
            "readout": "sigmoid_cross_entropy",
        }
    )
    module = registry.load("schemes", scheme)
    circuit = module.build(module.Config(), network, SimpleNamespace(n_inputs=784, n_outputs=10))
    engine, state = BatchedEngine(circuit, Setting("steady")), initial_state(circuit, 0, dtype="float32")
    placed = engine.placed(data, BATCH)
    return lambda: engine.train(state, placed, order, seed=0, first=0)


def measure(options: Options) -> Result:
    """Measure, and compare."""
    generator = np.random.default_rng(0)
    classes = generator.integers(0, 10, 2000)
    data = {"input.r": generator.random((2000, 784), dtype=np.float32), "output.target": np.eye(10)[classes]}
    order = generator.integers(0, 2000, (STEPS, BATCH))
    runs = {scheme: training(scheme, data, order) for scheme in (REFERENCE, *HELD_TO)}
    for run in runs.values():
        run()
    rounds = alternate({scheme: timed(run) for scheme, run in runs.items()}, options.rounds or ROUNDS)
    rows = [speeds(scheme, taken, STEPS * BATCH) for scheme, taken in rounds.seconds.items()]
    return Result(
        title=TITLE,
        about="Schemes that align feedback with forward weights, beside backpropagation in the same engine: 784-500-10 "
        f"logistic units at the steady level, batches of {BATCH}, float32, each scheme with its default settings.",
        tables=(Table("Speed", "samples a second", tuple(rows), faster="higher"),),
        asked=tuple(
            Asked(f"{found.name}: its speed over that of {REFERENCE}", ASKED, ratio(found, rows[0]), True)
            for found in rows[1:]
        ),
    )


if __name__ == "__main__":
    sys.exit(alone(measure))
