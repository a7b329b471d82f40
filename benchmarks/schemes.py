"""Samples a second of every scheme, as a ratio to backpropagation in the same engine and the same run.

784-500-10 logistic units at the steady level, batch 128, float32. All schemes are measured in turn, round after round,
and the ratio is the median over rounds of those within a round, so that what else the machine does falls on all alike.
Exit code 1 if a scheme that aligns feedback with forward weights is slower than half of backpropagation.

    python benchmarks/schemes.py [scheme ...]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.schemes._network import Network

BATCH, STEPS, ROUNDS, ASKED = 128, 40, 7, 0.5
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
    placed = engine.placed(data)
    return lambda: engine.train(state, placed, order, seed=0, first=0)


def main(names: list[str]) -> int:
    """Measure and print."""
    generator = np.random.default_rng(0)
    classes = generator.integers(0, 10, 2000)
    data = {"input.r": generator.random((2000, 784), dtype=np.float32), "output.target": np.eye(10)[classes]}
    order = generator.integers(0, 2000, (STEPS, BATCH))
    schemes = dict.fromkeys((REFERENCE, *(names or HELD_TO)))
    runs = {scheme: training(scheme, data, order) for scheme in schemes}
    for run in runs.values():
        run()
    seconds: dict[str, list[float]] = {scheme: [] for scheme in runs}
    for _ in range(ROUNDS):
        for scheme, run in runs.items():
            begin = time.perf_counter()
            run()
            seconds[scheme].append(time.perf_counter() - begin)
    slow = []
    for scheme, taken in seconds.items():
        ratios = [reference / own for reference, own in zip(seconds[REFERENCE], taken, strict=True)]
        ratio, speed = statistics.median(ratios), STEPS * BATCH / statistics.median(taken)
        print(
            f"{scheme:24} {speed:10,.0f} samples/s, {ratio:.2f} of {REFERENCE} ({min(ratios):.2f} to {max(ratios):.2f})"
        )
        slow += [scheme] if scheme in HELD_TO and ratio < ASKED else []
    if slow:
        print(f"below {ASKED}: {', '.join(slow)}")
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
