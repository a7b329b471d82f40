"""Training steps a second at the steady level, beside the bare products that such a step cannot do without.

784-50-20-10 units, batch 32, float32: clean and noisy pass, updates of all forward and feedback weights, online (LMS)
and by exact least squares. The bare step takes a batch from the data, propagates it, and updates the first weights.
All are measured in the same run, in turn. Exit code 1 below 4,000 steps a second for either.

    python benchmarks/steady_training.py
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.schemes._network import Network, Part

SIZES, BATCH, STEPS, ROUNDS, ASKED = (784, 50, 20, 10), 32, 2000, 7, 4000


def training(data: dict[str, Any], order: np.ndarray, **settings: Any) -> Callable[[], Any]:
    """Training by node perturbation."""
    network = Network(
        hidden=SIZES[1:-1],
        neuron=Part.model_validate({"kind": "leaky_rate", "activation": "sigmoid", "sigma": 0.01}),
        readout="squared_error",
    )
    scheme = registry.load("schemes", "node_perturbation")
    task = SimpleNamespace(n_inputs=SIZES[0], n_outputs=SIZES[-1])
    circuit = scheme.build(scheme.Config(learning_rate=0.01, **settings), network, task)
    engine, state = BatchedEngine(circuit, Setting("steady")), initial_state(circuit, 0, dtype="float32")
    placed = engine.placed(data)
    return lambda: engine.train(state, placed, order, seed=0, first=0)


def bare(data: dict[str, Any], order: np.ndarray) -> Callable[[], Any]:
    """A batch, its way through the layers, and one update of the first weights."""
    weights = [jnp.full((post, pre), 1e-2) for pre, post in itertools.pairwise(SIZES)]
    inputs = jnp.asarray(data["input.r"])

    @jax.jit
    def run(first: Any, order: Any) -> Any:
        def step(first: Any, chosen: Any) -> Any:
            x = inputs[chosen]
            hidden = x @ first.T
            top = (hidden @ weights[1].T) @ weights[2].T
            return first - 1e-6 * (hidden + top[:, :1]).T @ x, None

        return jax.lax.scan(step, first, order)[0]

    placed = jnp.asarray(order)
    return lambda: run(weights[0], placed).block_until_ready()


def main() -> int:
    """Measure, print, and say whether it is fast enough."""
    generator = np.random.default_rng(0)
    images = generator.random((20_000, SIZES[0]), dtype=np.float32) * (generator.random((20_000, SIZES[0])) < 0.2)
    targets = np.eye(SIZES[-1], dtype=np.float32)[generator.integers(0, SIZES[-1], len(images))]
    data = {"input.r": images.astype(np.float32), "output.target": targets}
    order = generator.integers(0, len(images), (STEPS, BATCH))
    calls = {
        "online (LMS)": training(data, order),
        "exact least squares": training(data, order, estimator="exact_least_squares"),
        "bare products": bare(data, order),
    }
    for call in calls.values():
        call()
    rates: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            rates[name].append(STEPS / (time.perf_counter() - started))
    print(f"784-50-20-10 units, batch {BATCH}, float32, medians of {ROUNDS} runs of {STEPS} steps")
    limit = statistics.median(rates.pop("bare products"))
    for name, found in rates.items():
        rate = statistics.median(found)
        share = 100 * rate / limit
        print(f"  {name:20s} {rate:8.0f} steps/s   {share:5.1f} % of the limit   (best {max(found):.0f})")
    print(f"  {'bare products':20s} {limit:8.0f} steps/s   (asked of both: at least {ASKED})")
    return 0 if all(statistics.median(found) >= ASKED for found in rates.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
