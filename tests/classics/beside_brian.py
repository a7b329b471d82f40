"""What tests of classics share: a circuit file on both engines, and what a plain Brian2 script is given of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import brian2
import numpy as np
from brian2 import second

from neurosim.circuit.composition import compose
from neurosim.circuit.delays import delay_of
from neurosim.engines.state import initial_state
from neurosim.model_files.circuits.circuit_file import CircuitFile
from neurosim.random import drawn_at, key_words
from neurosim.units import parse_quantity

ENGINES = ("batched", "brian")


@contextmanager
def plain_brian(dt: float) -> Iterator[None]:
    """Brian2 as a script finds it, with a time step in seconds, and then as it was."""
    before, target = brian2.defaultclock.dt, brian2.prefs["codegen.target"]
    brian2.start_scope()
    brian2.prefs["codegen.target"] = "numpy"
    brian2.defaultclock.dt = dt * second
    try:
        yield
    finally:
        brian2.defaultclock.dt = before
        brian2.prefs["codegen.target"] = target


def on_both(file: CircuitFile, **changes: Any) -> Mapping[str, Any]:
    """Its recording on each engine, by the engine's name."""
    return {engine: file.simulate(engine=engine, **changes) for engine in ENGINES}


def weights(file: CircuitFile, pathway: str) -> np.ndarray:
    """The initial weights of a pathway, in the order of `ends`."""
    return np.asarray(initial_state(file.circuit, file.simulation.seed)[f"{pathway}.w"]).ravel()


def ends(file: CircuitFile, pathway: str) -> tuple[np.ndarray, np.ndarray]:
    """The neuron before and the neuron behind each synapse of a pathway."""
    circuit = file.circuit
    found = circuit.connectivity(pathway).indices(circuit.ends(pathway))
    assert found is not None, f"synapses of '{pathway}' share weights"
    pre, post = np.broadcast_arrays(*found)
    return pre.ravel(), post.ravel()


def joined(synapses: Any, file: CircuitFile, pathway: str, *, unit: Any = 1) -> None:
    """Give plain `Synapses` the connections and the initial weights of a pathway."""
    pre, post = ends(file, pathway)
    synapses.connect(i=pre, j=post)
    synapses.w = weights(file, pathway) * unit


def equal(recordings: Mapping[str, Any], name: str, expected: Any) -> None:
    """Both engines recorded what plain Brian2 did; `expected` is (neuron, time) as a `StateMonitor` has it."""
    for engine, recording in recordings.items():
        got = recording[name].values[:, 0]
        got = got.reshape(len(got), -1)
        np.testing.assert_allclose(got, np.asarray(expected).T, rtol=1e-9, atol=1e-9, err_msg=f"{engine} {name}")


def same_spikes(recordings: Mapping[str, Any], name: str, monitor: Any, *, least: int = 10) -> None:
    """Both engines have the spikes of a `SpikeMonitor`, all of them, and there are some."""
    expected = sorted(zip(np.asarray(monitor.t / second), np.asarray(monitor.i), strict=True))
    assert len(expected) >= least
    for engine, recording in recordings.items():
        steps, neurons = np.nonzero(recording[name].values[:, 0])
        dt = float(recording.attrs["dt"])
        assert [(round(t / dt), i) for t, i in expected] == list(zip(steps, neurons, strict=True)), f"{engine} {name}"


def draws_of(file: CircuitFile, where: str, n: int, steps: int, *, number: int = 0) -> np.ndarray:
    """What neurons draw in each step, `(step, n)`.

    Parameters
    ----------
    where
        The population and what draws: ``cells.threshold``, ``cells.reset``, or a variable (``cells.noise``).
    number
        Which of its draws.
    """
    population, purpose = where.split(".")
    model = compose(file.circuit)[population]
    name, law = {**model.expressions, **model.functions}[purpose].draws[number]
    key = key_words(file.simulation.seed, "continuous", population, purpose, name)
    return drawn_at(law, key, np.zeros(steps, np.uint32), n, np.arange(steps), xp=np).astype(float)


def delays(file: CircuitFile, pathway: str) -> np.ndarray:
    """The delay of each synapse in seconds, in the order of `ends`."""
    dt = parse_quantity(file.simulation.dt)
    found = delay_of(file.circuit, pathway, dt)
    each = np.asarray(found.depth if found.each is None else found.each).ravel()
    return np.broadcast_to(each, weights(file, pathway).shape) * dt
