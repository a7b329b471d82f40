"""Training steps a second at the steady level, beside the bare products that such a step cannot do without.

784-50-20-10 units, batch 32, float32: clean and noisy pass, updates of all forward and feedback weights, online (LMS)
and by exact least squares. Exit code 1 if either is slower than asked.

    python -m benchmarks.steady_training
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks._command import Options, alone
from benchmarks._measuring import alternate, first_call, quartiles, speeds, timed
from benchmarks._results import Asked, Result, Table
from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.networks import Part
from neurosim.networks.layered import Config as Network

TITLE = "Training at the steady level"
SIZES, BATCH, STEPS, ROUNDS = (784, 50, 20, 10), 32, 2000, 7
#: Training steps a second, of either estimator.
ASKED = 8000


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
    placed = engine.placed(data, BATCH)
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


def measure(options: Options) -> Result:
    """Measure, and compare."""
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
    first = {name: first_call(call) for name, call in calls.items()}
    rounds = alternate({name: timed(call) for name, call in calls.items()}, options.rounds or ROUNDS)
    rows = [
        speeds(name, taken, STEPS, f"float32, first call {first[name]:.1f} s") for name, taken in rounds.seconds.items()
    ]
    return Result(
        title=TITLE,
        about=f"A 784-50-20-10 network at its fixed points, batches of {BATCH}: in each step a clean and a noisy pass "
        "and updates of all forward and feedback weights, online or by exact least squares. The bare products are what "
        "such a step cannot do without: a batch taken from the data, propagated, and one update of the first weights.",
        tables=(Table("Speed", "training steps a second", tuple(rows), faster="higher"),),
        asked=tuple(
            Asked(f"steps a second, {found.name}", ASKED, quartiles(found.values)[1], True) for found in rows[:2]
        ),
    )


if __name__ == "__main__":
    sys.exit(alone(measure))
