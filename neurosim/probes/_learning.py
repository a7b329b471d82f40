"""Feedback that learns while the forward weights stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.roles import drives
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.state import initial_state, learned_names
from neurosim.errors import CircuitError
from neurosim.gradients.feedback import feedback_pathway, wanted_weights
from neurosim.random import stream


def feedback_alone(circuit: Circuit) -> Circuit:
    """The circuit in which forward pathways do not learn, but feedback does, and whatever that relies on.

    Raises
    ------
    CircuitError
        If there is none, or if the neurons' state carries over from one presentation to the next.
    """
    if circuit.carry:
        raise CircuitError(
            f"the state of the circuit '{circuit.name}' carries over, and this probe presents trials in any order; "
            "use the probe 'update'"
        )
    learned_layers(circuit)
    forward = forward_pathways(circuit)
    phases = tuple(
        replace(phase, learn=tuple(name for name in phase.learn if name not in forward)) for phase in circuit.phases
    )
    return replace(circuit, phases=phases)


def forward_pathways(circuit: Circuit) -> tuple[str, ...]:
    """The pathways that drive neurons, biases included."""
    return tuple(pathway.name for pathway in circuit.pathways if drives(circuit, pathway))


def learned_layers(circuit: Circuit) -> tuple[str, ...]:
    """The layers whose feedback weights learn and can be held against the forward weights.

    Raises
    ------
    CircuitError
        If there is none.
    """
    learning = {name.split(".")[0] for name in learned_names(circuit)}
    state = initial_state(circuit, 0)
    layers = []
    for population in circuit.populations:
        pathway = feedback_pathway(circuit, population.name)
        known = wanted_weights(circuit, state, population.name) is not None
        if pathway is not None and pathway.name in learning and known:
            layers.append(population.name)
    if not layers:
        raise CircuitError(
            f"the circuit '{circuit.name}' has no feedback pathway that learns, so this probe has nothing to measure; "
            "expected a scheme such as 'node_perturbation'"
        )
    return tuple(layers)


def random_order(seed: int, first: int, trials: int, steps: int, batch: int) -> np.ndarray:
    """Trials drawn with replacement, shape (step, batch); `first` numbers the first presentation."""
    return stream(seed, "order", first).integers(0, trials, (steps, batch))


def seed_of_repetition(seed: int, repetition: int) -> int:
    """A seed of its own for each repetition of a measurement."""
    return int(stream(seed, "repetition", repetition).integers(2**31))


def start_of(engine: BatchedEngine, seed: int) -> dict[str, np.ndarray]:
    """The circuit's initial state in the engine's precision."""
    return initial_state(engine.circuit, seed, dtype=engine.setting.dtype)
