"""Processor time of a feed-forward layer that learns at each spike, in a batch, beside dense products by hand in JAX.

784 inputs of which 5 % spike in a step, 400 leaky integrate-and-fire neurons, all to all, pair-based additive STDP with
hard bounds, 70 steps of 1 ms, 32 trials that share their weights: increments are averaged at every step. float32. Exit
code 1 if the loop by hand learns something else, or if we are slower than asked.

    python -m benchmarks.stdp_dense
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks._command import Options, alone
from benchmarks._events import on_processors
from benchmarks._measuring import alternate, first_call, ratio, row
from benchmarks._results import Asked, Result, Table
from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.engines.stimuli import Stimulus
from neurosim.neurons import spike_source
from neurosim.neurons._model import NeuronModel

TITLE = "Feed-forward layer with STDP in a batch"
ROUNDS = 3
INPUTS, OUTPUTS, TRIALS, STEPS, ACTIVE = 784, 400, 32, 70, 0.05
THRESHOLD, W_MAX, A_PLUS, A_MINUS, KEEP = 12.0, 1.0, 1e-3, 1.05e-3, float(np.exp(-1 / 20))
#: At most this share of the processor time of the loop by hand.
ASKED = 0.75
#: By how much mean rate and mean weight may differ from those by hand, whose sums are in another order.
SAME = 0.02


def network() -> Circuit:
    """Inputs that fire when they are told, and the layer."""
    neuron = NeuronModel(
        "dv/dt = -v/tau_m : 1",
        threshold=f"v > {THRESHOLD}",
        reset="v = 0",
        method="exact",
        parameters={"tau_m": "20 ms"},
    )
    pathway = Pathway(
        "W",
        "input.spikes",
        "layer.v",
        registry.load("rules", "stdp_pair").RULE,
        {"a_plus": A_PLUS, "a_minus": A_MINUS},
        bounds=(0, W_MAX),
    )
    source = spike_source.build(spike_source.Config())
    populations = (Population("input", INPUTS, source), Population("layer", OUTPUTS, neuron))
    return Circuit("layer", populations, (pathway,), (Phase("run", f"{STEPS} ms", learn=("W",)),))


def simulation(weights: np.ndarray, course: np.ndarray) -> Callable[[], tuple[float, float]]:
    """Our run: the mean rate a step, and the mean weight after it."""
    engine = BatchedEngine(network(), Setting("spiking", 1e-3, "float32"))
    state = {**initial_state(network(), 0, dtype="float32"), "W.w": weights}
    given = {"input.firing": Stimulus.from_steps(course)}

    def run() -> tuple[float, float]:
        after, outputs = engine.run(state, given, record=("sum(layer.spikes)",))
        spikes = outputs.recordings["sum(layer.spikes)"]
        return float(spikes.mean()) / OUTPUTS, float(after["W.w"].mean())

    return run


def by_hand(weights: np.ndarray, course: np.ndarray) -> Callable[[], tuple[float, float]]:
    """The same steps as a plain loop with dense products."""

    def step(carried: Any, given: Any) -> Any:
        v, x, y, w = carried
        v, x, y = KEEP * v, KEEP * x, KEEP * y
        spikes = (v > THRESHOLD).astype(jnp.float32)
        v = jnp.where(spikes > 0, 0.0, v + given @ w.T)
        x = x + given
        change = A_PLUS * (spikes.T @ x) - A_MINUS * (y.T @ given)
        return (v, x, y + spikes, jnp.clip(w + change / TRIALS, 0, W_MAX)), spikes.sum()

    @jax.jit
    def compiled(weights: Any, course: Any) -> Any:
        shapes = ((TRIALS, OUTPUTS), (TRIALS, INPUTS), (TRIALS, OUTPUTS))
        start = (*(jnp.zeros(shape, jnp.float32) for shape in shapes), weights)
        after, counts = jax.lax.scan(step, start, course)
        return counts.sum() / (STEPS * TRIALS * OUTPUTS), after[-1].mean()

    placed = jnp.asarray(weights), jnp.asarray(course)

    def run() -> tuple[float, float]:
        rate, mean = jax.device_get(compiled(*placed))
        return float(rate), float(mean)

    return run


def measure(options: Options) -> Result:
    """Measure, and compare."""
    generator = np.random.default_rng(0)
    weights = (0.05 * generator.random((OUTPUTS, INPUTS))).astype(np.float32)
    course = (generator.random((STEPS, TRIALS, INPUTS)) < ACTIVE).astype(np.float32)
    runs = {"neurosim": simulation(weights, course), "JAX, dense products by hand": by_hand(weights, course)}
    first = {name: first_call(run) for name, run in runs.items()}
    found = {name: run() for name, run in runs.items()}
    rounds = alternate({name: on_processors(run) for name, run in runs.items()}, options.rounds or ROUNDS)
    rows = tuple(
        row(
            name,
            taken,
            1 / TRIALS,
            f"float32, first call {first[name]:.1f} s, {100 * found[name][0]:.2f} % spike in a step, "
            f"mean weight {found[name][1]:.5f}",
        )
        for name, taken in rounds.seconds.items()
    )
    ours, hand = (np.asarray(values) for values in found.values())
    return Result(
        title=TITLE,
        about="784 inputs of which 5 % spike in a step, 400 leaky integrate-and-fire neurons, all to all, pair-based "
        "additive STDP with hard bounds, 70 steps of 1 ms, 32 trials that share their weights: increments are "
        "averaged at every step. Other simulators have no batches that share weights.",
        tables=(Table("Processor time", "s a trial", rows),),
        asked=(
            Asked("relative difference from the loop by hand", SAME, float(np.max(np.abs(ours / hand - 1))), False),
            Asked("ours over dense products by hand", ASKED, ratio(rows[0], rows[1]), False),
        ),
    )


if __name__ == "__main__":
    sys.exit(alone(measure))
