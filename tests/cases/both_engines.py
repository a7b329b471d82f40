"""Runs the same text on both engines: what one accepts the other accepts, and both give the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.neurons._model import NeuronModel
from neurosim.recording.simulate import simulate


def simulated(
    model: NeuronModel, duration: str = "3 ms", *, tolerance: float = 1e-9, **options: Any
) -> Mapping[str, np.ndarray]:
    """The recordings of a neuron, ``(time, trial, neuron)`` each, the same on both engines up to the tolerance."""
    found = {}
    for engine in ("batched", "brian"):
        recorded = simulate(model, duration, engine=engine, **options)
        found[engine] = {str(name): np.asarray(array, dtype=float) for name, array in recorded.items()}
    for name, array in found["batched"].items():
        np.testing.assert_allclose(array, found["brian"][name], rtol=tolerance, atol=tolerance, err_msg=name)
    return found["batched"]


def learned(circuit: Circuit, *, dt: float = 1e-3, report: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """What a presentation of a circuit leaves of its pathways' variables, the same on both engines."""
    spiking = any(population.neuron.threshold is not None for population in circuit.populations)
    setting = Setting("spiking" if spiking else "rate", dt=dt, dtype="float64")
    found = []
    for engine in (BatchedEngine(circuit, setting), BrianEngine(circuit, setting)):
        state, outputs = engine.run(initial_state(circuit, 0), {}, trials=1, report=list(report))
        ends = {f"{phase}:{name}": a for phase, end in outputs.ends.items() for name, a in end.items()}
        found.append({name: np.asarray(array) for name, array in {**state, **ends}.items()})
    names = [name for name in found[0] if name.split(".")[0] in circuit.pathway or ":" in name]
    for name in names:
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-9, atol=1e-9, err_msg=name)
    return {name: found[0][name] for name in names}
