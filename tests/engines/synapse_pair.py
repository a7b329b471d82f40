"""Three spiking neurons that drive two: as a circuit on both engines, and as a script of plain Brian2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import brian2
import numpy as np
from brian2 import ms

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.weights import Initial
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.bounds import within_bounds
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.outputs import Outputs
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state
from neurosim.neurons._model import NeuronModel
from neurosim.rules._rule import Rule

DT, STEPS = 1e-4, 600
SETTING = Setting("spiking", dtype="float64", dt=DT)
EQUATIONS = """dv/dt = (i_ext + g + h + k - v)/tau : 1
dg/dt = -g/tau_g : 1
dh/dt = -h/tau_h : 1
dz/dt = -z/tau_h : 1
i_ext : 1
k : 1"""
THRESHOLD, RESET = "v > 1", "v = 0\nz += 1"
TIMES = {"tau": 10 * ms, "tau_g": 5 * ms, "tau_h": 8 * ms}
CELL = NeuronModel(
    EQUATIONS, threshold=THRESHOLD, reset=RESET, parameters={"tau": "10 ms", "tau_g": "5 ms", "tau_h": "8 ms"}
)
SENT = {"a.i_ext": np.array([[1.5, 2.1, 3.3]]), "b.i_ext": np.array([[1.3, 1.9]])}
RECORD = ("a.spikes", "b.spikes", "b.v", "b.g", "b.h", "b.k", "a.v")
ALL = (Phase("all", "60 ms", learn=("W",)),)

STDP = Rule(
    traces="dx/dt = -x/tau_x : 1\ndy/dt = -y/tau_y : 1",
    on_pre="x += 1\nw -= down*y",
    on_post="y += 1\nw += up*x",
    parameters={"tau_x": "20 ms", "tau_y": "30 ms", "up": 0.02, "down": 0.015},
    name="pairs",
)
#: Of what is released, a share is used up.
TM = Rule(
    traces="dx/dt = (1 - x)/tau_d : 1",
    on_pre="release = 0.4*x\nx -= release\ng_post += w*release\nw += 0.01*x",
    parameters={"tau_d": "50 ms"},
    initial={"x": 1},
)


@dataclass
class Found:
    """What a run leaves: variables of the pathway, and what was recorded of its only trial, ``(step, neuron)``."""

    synapse: dict[str, np.ndarray]
    recorded: dict[str, np.ndarray]

    def same_as(self, other: Found, tolerance: float = 1e-9) -> None:
        """Fail where what both have differs."""
        for mine, others in ((self.recorded, other.recorded), (self.synapse, other.synapse)):
            for name in mine.keys() & others.keys():
                np.testing.assert_allclose(mine[name], others[name], rtol=tolerance, atol=tolerance, err_msg=name)


def pair(
    *rules: Rule, source: str = "a.spikes", target: str = "b.g", cell: NeuronModel = CELL, **options: Any
) -> Circuit:
    """Two populations and the pathway ``W``."""
    phases, sizes = options.pop("phases", ALL), options.pop("sizes", (3, 2))
    given = {"rule": rules} if rules else {}
    pathway = Pathway("W", source, target, **given, initial=Initial("uniform", 0.3), **options)
    if not pathway.synapse.learns:
        phases = tuple(replace(phase, learn=()) for phase in phases)
    return Circuit("pair", (Population("a", sizes[0], cell), Population("b", sizes[1], cell)), (pathway,), phases)


def found(state: State, outputs: Outputs) -> Found:
    """What a run of either engine leaves."""
    assert outputs.end is not None
    synapse = {name: np.asarray(array) for name, array in state.items() if name.startswith("W.")}
    synapse |= {name: array[0] for name, array in outputs.end.values.items() if name.startswith("W.")}
    return Found(synapse, {n: np.asarray(a, dtype=float)[:, 0] for n, a in outputs.recordings.items()})


def weights_of(made: Circuit) -> np.ndarray:
    """Weights of both signs' sizes that all differ."""
    weights = np.random.default_rng(4).uniform(0.1, 0.6, made.weights_shape("W"))
    return np.asarray(within_bounds(np, made, "W", initial_state(made, 0), weights))


def both(
    made: Circuit, given: Mapping[str, Any] = SENT, *, start: Mapping[str, Any] | None = None, **options: Any
) -> Found:
    """What a run leaves, the same on both engines."""
    state = initial_state(made, 3) | {"W.w": weights_of(made)} | dict(start or {})
    one, other = (
        found(*engine.run(state, given, trials=1, record=RECORD, keep=True, **options))
        for engine in (BatchedEngine(made, SETTING), BrianEngine(made, SETTING))
    )
    assert one.synapse.keys() == other.synapse.keys()
    one.same_as(other)
    assert one.recorded["b.spikes"].any(), "neurons that are silent test nothing"
    return one


def script(
    made: Circuit,
    model: str,
    *,
    initial: Mapping[str, float] | None = None,
    given: Mapping[str, Any] = SENT,
    **texts: Any,
) -> Found:
    """What a script of Brian2 gives, whose synapses have the text `model` and do `texts`: on_pre, on_post, delay."""
    text: dict[str, Any] = {"threshold": THRESHOLD, "reset": RESET, "method": "exact", "namespace": TIMES}
    a, b = (brian2.NeuronGroup(made.population[name].size, EQUATIONS, **text) for name in ("a", "b"))
    a.i_ext, b.i_ext = (given[f"{name}.i_ext"][0] for name in ("a", "b"))
    joined = brian2.Synapses(a, b, model, namespace={}, **texts)
    ends = made.connectivity("W").synapses(made.ends("W"))
    joined.connect(i=ends.pre, j=ends.post)
    weights = weights_of(made)
    joined.w = weights.ravel()[ends.weight]
    for name, value in (initial or {}).items():
        setattr(joined, name, value)
    if joined.state_updater is not None:
        # All from the beginning of the step: sums, then traces, then neurons.
        joined.state_updater.order = -1
    for updater in joined.summed_updaters.values():
        updater.order = -2
    fired = [brian2.SpikeMonitor(group) for group in (a, b)]
    seen = brian2.StateMonitor(b, ["v", "g", "h"], record=True)
    brian2.Network(a, b, joined, *fired, seen).run(STEPS * DT * brian2.second, namespace={})
    recorded = {f"b.{name}": np.array(getattr(seen, name)).T for name in ("v", "g", "h")}
    for name, monitor in zip("ab", fired, strict=True):
        raster = np.zeros((STEPS, made.population[name].size))
        raster[np.round(np.array(monitor.t) / DT).astype(int), np.array(monitor.i)] = 1.0
        recorded[f"{name}.spikes"] = raster
    own = {name: np.array(getattr(joined, f"{name}_")[:]) for name in joined.equations.names if "_post" not in name}
    spread = {}
    for name, values in own.items():
        spread[f"W.{name}"] = np.zeros(weights.size)
        spread[f"W.{name}"][ends.weight] = values
    return Found({name: array.reshape(weights.shape) for name, array in spread.items()}, recorded)
