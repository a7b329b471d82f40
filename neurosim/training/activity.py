"""Firing rates of spiking populations, and whether they are silent or saturated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.circuit.noiseless import undisturbed
from neurosim.engines._engine import Engine
from neurosim.engines.over_time import for_whole_streams
from neurosim.engines.stimuli import stimuli_of
from neurosim.metrics import firing_rate
from neurosim.tasks._task import Split
from neurosim.tasks._timed import TimedSplit

#: A population is saturated at this fraction of the highest rate that its refractory period allows.
SATURATED = 0.9
_TRIALS = 16


@dataclass(frozen=True)
class Activity:
    """Firing rate of one population.

    Attributes
    ----------
    rate_hz
        Spikes per second and neuron.
    highest_hz
        The rate if every neuron fired as soon as its refractory period is over.
    """

    rate_hz: float
    highest_hz: float

    @property
    def fault(self) -> str:
        """``silent``, ``saturated``, or empty."""
        if self.rate_hz == 0:
            return "silent"
        return "saturated" if self.rate_hz >= SATURATED * self.highest_hz else ""


def potentials(circuit: Circuit) -> tuple[str, ...]:
    """The state variables from which spikes or the output of a population follow."""
    potential_names = []
    for population, model in compose(circuit).items():
        names = set(model.functions["threshold"].arguments) if model.threshold is not None else set()
        names.add(model.ports.get("output", ""))
        # Follow expressions such as the rate to their state variables.
        expressions = model.equation_set.of("subexpression")
        for _ in expressions:
            names |= {inner for equation in expressions if equation.name in names for inner in equation.names}
        potential_names += [f"{population}.{name}" for name in model.state_variables if name in names]
    return tuple(potential_names)


def activity(engine: Engine, state: Mapping[str, Any], split: Split | TimedSplit) -> dict[str, Activity]:
    """Firing rates of all spiking populations in a few trials of a split, without noise and from rest.

    Parameters
    ----------
    engine
        What runs the circuit, such as a `BatchedEngine`.
    state
        See `neurosim.engines.state`.
    """
    populations = [name for name, model in compose(engine.circuit).items() if model.threshold is not None]
    if not populations or engine.setting.level != "spiking" or not len(split):
        return {}
    circuit = engine.circuit
    if isinstance(split, TimedSplit):
        circuit = for_whole_streams(circuit, split, engine.setting.dt)
    quiet = engine.with_circuit(undisturbed(circuit))
    spikes = [f"{name}.spikes" for name in populations]
    phase = quiet.circuit.phases[0].name
    rows = np.arange(min(_TRIALS, len(split)))
    stimuli = stimuli_of(quiet.circuit, split, rows, dt=engine.setting.dt, phases=(phase,))
    _, outputs = quiet.run(state, stimuli, record=spikes, learn=False, phases=(phase,))
    dt, by_population = engine.setting.dt, {}
    for name in populations:
        rate = float(np.mean(firing_rate.measure(outputs.recordings[f"{name}.spikes"], dt)))
        by_population[name] = Activity(rate, _highest(engine.circuit, state, name, dt))
    return by_population


def _highest(circuit: Circuit, state: Mapping[str, Any], population: str, dt: float) -> float:
    """The highest rate: one spike a step, except in refractory steps."""
    model = circuit.population[population].model
    seconds = model.refractory_seconds
    if seconds is None:
        # A condition, or an expression of several parameters, has no bound known in advance.
        seconds = float(np.mean(state.get(f"{population}.{model.refractory}", 0.0)))
    return 1 / (dt * max(1, round(seconds / dt)))
