"""What tests of the classics share: a circuit file run on both engines, and what a plain Brian2 script needs of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import brian2
import numpy as np
import xarray

from neurosim.engines.state import State, initial_state
from neurosim.model_files.circuits.circuit_file import CircuitFile, load_circuit
from tests.classics.beside_brian import ENGINES, delays, ends, weights

SECOND = brian2.second


@dataclass
class Classic:
    """A circuit file, its initial state, and its simulations.

    Attributes
    ----------
    name
        With the variant that is compared: ``cuba+small``.
    overrides
        Settings of the file, such as a shorter duration.
    """

    name: str
    overrides: tuple[str, ...] = ()

    @cached_property
    def file(self) -> CircuitFile:
        """The checked file."""
        return load_circuit(f"classics/{self.name}", self.overrides)

    @cached_property
    def state(self) -> State:
        """Weights, parameters and starts, drawn from the file's seed."""
        return initial_state(self.file.circuit, self.file.simulation.seed)

    @cached_property
    def recordings(self) -> tuple[xarray.Dataset, ...]:
        """What both engines record."""
        return tuple(self.file.simulate(engine=engine) for engine in ENGINES)

    def synapses(self, pathway: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The neurons before and behind each synapse, and its initial weight, in SI units."""
        return (*ends(self.file, pathway), weights(self.file, pathway))

    def delays(self, pathway: str) -> Any:
        """The delay of each synapse."""
        return delays(self.file, pathway) * SECOND

    def spikes(self, recording: xarray.Dataset, population: str) -> list[tuple[int, int]]:
        """Step and neuron of every spike of the first trial, in order."""
        dt = recording.attrs["dt"]
        if f"{population}.spikes" in recording:
            return [(int(s), int(n)) for s, n in np.argwhere(recording[f"{population}.spikes"].values[:, 0])]
        time, neuron = (recording[f"{population}.spike_{what}"].values for what in ("time", "neuron"))
        return sorted((round(float(t) / dt), int(n)) for t, n in zip(time, neuron, strict=True))


def spikes_of(monitor: brian2.SpikeMonitor) -> list[tuple[int, int]]:
    """Step and neuron of every spike that Brian2 recorded, in order."""
    steps = np.round(np.asarray(monitor.t) / float(brian2.defaultclock.dt)).astype(int)
    return sorted((int(step), int(neuron)) for step, neuron in zip(steps, np.asarray(monitor.i), strict=True))


def period(milliseconds: float) -> Any:
    """A refractory period; Brian2's declared types know of truth values only."""
    return milliseconds * brian2.ms


def joined(classic: Classic, pathway: str, *groups: Any, on_pre: str, **more: Any) -> brian2.Synapses:
    """Synapses of Brian2 with the connections and the initial weights of a pathway; `more` goes to `Synapses`."""
    pre, post, weights = classic.synapses(pathway)
    model = more.pop("model", "w : 1")
    source, target = groups[0], groups[-1]
    found = brian2.Synapses(source, target, model, on_pre=on_pre, **more)
    found.connect(i=pre, j=post)
    found.variables["w"].set_value(weights)
    return found


def assert_same_spikes(classic: Classic, **scripts: brian2.SpikeMonitor) -> None:
    """The spikes of both engines are those of the script, step by step and neuron by neuron, and there are some."""
    for population, monitor in scripts.items():
        wanted = spikes_of(monitor)
        assert wanted
        for recording in classic.recordings:
            assert classic.spikes(recording, population) == wanted


def assert_same_weights(classic: Classic, pathway: str, synapses: brian2.Synapses) -> None:
    """The weights at the end are those of the script on both engines, and they have changed."""
    wanted = np.asarray(synapses.variables["w"].get_value())
    scale = np.abs(wanted).max()
    assert np.abs(wanted - classic.synapses(pathway)[2]).max() > 1e-6 * scale
    for recording in classic.recordings:
        name = f"end({pathway}.w)" if f"end({pathway}.w)" in recording else f"{pathway}.w"
        np.testing.assert_allclose(recording[name].values[0].ravel(), wanted, rtol=1e-9, atol=1e-9 * scale)


def generator(classic: Classic, population: str) -> brian2.SpikeGeneratorGroup:
    """The spikes of a population of the circuit, for a script."""
    recording = classic.recordings[0]
    steps, neurons = np.array(classic.spikes(recording, population)).T
    size = classic.file.circuit.population[population].size
    return brian2.SpikeGeneratorGroup(size, neurons, steps * recording.attrs["dt"] * SECOND)


def course(classic: Classic, name: str) -> brian2.TimedArray:
    """What a variable of neurons was at every step, for a script: ``name(t, i)``."""
    recording = classic.recordings[0]
    return brian2.TimedArray(recording[name].values[:, 0], dt=recording.attrs["dt"] * SECOND)
