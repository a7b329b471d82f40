"""Processor time of a recurrent network that learns at each spike, beside Brian2's C++ standalone.

1,000 leaky integrate-and-fire neurons, a tenth of all pairs connected, pair-based additive STDP with hard bounds (Song,
Miller and Abbott, 2000, Nature Neuroscience 3:919) at every synapse, steps of 0.1 ms, float32: one trial, 16 trials
with weights of their own, and 16 that share their weights, at most 1.2 times those. Exit code 1 above what is asked.

    python -m benchmarks.stdp_recurrent
"""

from __future__ import annotations

import sys

import numpy as np

from benchmarks._command import Options, alone
from benchmarks._events import Batch, compared
from benchmarks._results import Result
from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Sparse
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.neurons._model import NeuronModel

TITLE = "Recurrent network with STDP"
SIZE, CONNECTED, W_MAX, A_PLUS, A_MINUS = 1000, 0.1, 0.01, 1e-4, 1.05e-4
BATCHES = (Batch(1, 0.4), Batch(16, 0.25, own_weights=True), Batch(16, 1.2 * 0.25))


def drive() -> np.ndarray:
    """What each neuron's potential approaches: below the threshold, or a little above it."""
    return np.random.default_rng(6).uniform(0.95, 1.01, SIZE)


def network() -> Circuit:
    """One population, joined to itself."""
    neuron = NeuronModel(
        "dv/dt = (drive - v)/tau_m : 1\ndrive : 1 (constant)",
        threshold="v > 1",
        reset="v = 0",
        method="exact",
        parameters={"tau_m": "20 ms", "drive": drive()},
    )
    pathway = Pathway(
        "recurrent",
        "cells.spikes",
        "cells.v",
        registry.load("rules", "stdp_pair").RULE,
        {"a_plus": A_PLUS, "a_minus": A_MINUS},
        connectivity=Sparse(CONNECTED, 0),
        initial=f"{W_MAX}*rand()",
        bounds=(0, W_MAX),
    )
    return Circuit(
        "stdp", (Population("cells", SIZE, neuron),), (pathway,), (Phase("run", "1 second", learn=("recurrent",)),)
    )


def measure(options: Options) -> Result:
    """Measure, and compare."""
    circuit = network()
    made = circuit.connectivity("recurrent").synapses(circuit.ends("recurrent"))
    starts = np.random.default_rng(7).random((max(batch.trials for batch in BATCHES), SIZE))
    weights = W_MAX * np.random.default_rng(5).random(len(made.pre))
    data = {"pre": made.pre, "post": made.post, "weights": weights, "v": starts[0]}
    data |= {"drive": drive(), "constants": np.array([W_MAX, A_PLUS, A_MINUS])}
    given = {"cells.v": starts, "recurrent.w": weights.astype(np.float32)}
    table, asked, missing, versions = compared("stdp_recurrent", circuit, given, data, BATCHES, options)
    about = (
        "1,000 leaky integrate-and-fire neurons, a tenth of all pairs connected, pair-based additive STDP with hard "
        "bounds at every synapse, 1 s of model time in steps of 0.1 ms. All count spikes. Brian2 runs single trials by "
        "its program as a whole, which reads its synapses from files; compiling is left out."
    )
    return Result(TITLE, about, (table,), asked, dict(missing), dict(versions))


if __name__ == "__main__":
    sys.exit(alone(measure))
