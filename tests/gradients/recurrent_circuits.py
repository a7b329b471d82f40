"""Small recurrent circuits over time, with trials, and the same network as a loop in NumPy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population, Role
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.engines.stimuli import Stimulus
from neurosim.neurons._model import NeuronModel

DT, LEAK = 1e-3, 0.2
SETTING = Setting("rate", DT, "float64")
READOUT = registry.load("readouts", "squared_error").READOUT
INPUT = NeuronModel("r : 1")
POTENTIAL = NeuronModel(
    "dv/dt = (drive - v)/tau : 1\nr = tanh(v) : 1\ndrive : 1\nlearning_signal : Hz",
    parameters={"tau": "5 ms"},
    ports={"drive": "drive", "output": "r"},
    method="euler",
)
#: The leak on the rate: RFLO's form.
RATE = NeuronModel(
    "dr/dt = (tanh(drive) - r)/tau : 1\ndrive : 1\nlearning_signal : Hz",
    parameters={"tau": "5 ms"},
    ports={"drive": "drive", "output": "r"},
    method="euler",
)
ANSWER = NeuronModel("r = drive : 1\ndrive : 1", ports={"drive": "drive", "output": "r"}, method="euler")
#: A readout that leaks with 4 ms.
SLOW_ANSWER = NeuronModel(
    "dr/dt = (drive - r)/(4*ms) : 1\ndrive : 1", ports={"drive": "drive", "output": "r"}, method="euler"
)


#: Threshold, adaptation, width of the pseudo-derivative and silence after a spike (ms) of the neurons that spike.
THETA, BETA, WIDTH, SILENT = 0.4, 0.3, 0.3, 3
ADAPTIVE = NeuronModel(
    "dv/dt = (drive - v)/(20*ms) : 1\nda/dt = -a/(100*ms) : 1\ndrive : 1\nlearning_signal : Hz",
    threshold=f"v > {THETA} + {BETA}*a",
    reset=f"v -= {THETA}\na += 1",
    refractory=f"{SILENT} ms",
    ports={"drive": "drive"},
    method="euler",
)
SPIKES_SUMMED = NeuronModel("dr/dt = -r/(4*ms) : 1", ports={"output": "r"}, method="euler")


@dataclass(frozen=True)
class Made:
    """A circuit with its state and stimuli, and the trials as arrays (trial, time, n)."""

    circuit: Circuit
    state: dict[str, Any]
    stimuli: dict[str, Any]
    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray


def recurrent(
    hidden: NeuronModel = POTENTIAL,
    output: NeuronModel = ANSWER,
    *,
    size: int = 6,
    length: int = 14,
    trials: int = 3,
    gain: float = 1.2,
    seed: int = 0,
    correlation: float = 0.0,
    **pathways: Any,
) -> Made:
    """A network with random weights and trials; `pathways` are replaced by their names."""
    by_name = {
        "Win": Pathway("Win", "input.r", "hidden1.drive"),
        "R1": Pathway("R1", "hidden1.r", "hidden1.drive", role=Role.RECURRENT),
        "Wout": Pathway("Wout", "hidden1.r", "output.drive"),
        "B1": Pathway("B1", "output.error", "hidden1.learning_signal", role=Role.FEEDBACK),
        **pathways,
    }
    circuit = Circuit(
        "recurrent",
        (Population("input", 2, INPUT), Population("hidden1", size, hidden), Population("output", 2, output)),
        tuple(by_name.values()),
        (Phase("trial", f"{length + 1} ms"),),
        READOUT,
        "output.r",
        over_time=True,
    )
    drawn = np.random.default_rng(seed)
    state = initial_state(circuit, seed)
    state |= {
        "Win.w": drawn.normal(size=(size, 2)),
        "R1.w": gain * drawn.normal(size=(size, size)) / np.sqrt(size),
        "Wout.w": drawn.normal(size=(2, size)) / np.sqrt(size),
        "B1.w": drawn.normal(size=(size, 2)),
    }
    inputs, targets = drawn.normal(size=(trials, length, 2)), drawn.normal(size=(trials, length, 2))
    for step in range(1, length):
        fresh = np.sqrt(1 - correlation**2)
        inputs[:, step] = correlation * inputs[:, step - 1] + fresh * inputs[:, step]
        targets[:, step] = correlation * targets[:, step - 1] + fresh * targets[:, step]
    mask = np.ones((trials, length)) if length < 5 else (drawn.random((trials, length)) < 0.7).astype(float)
    mask[:, -1] = 1
    late, early = ((0, 0), (0, 1), (0, 0)), ((0, 0), (1, 0), (0, 0))
    density = mask / (mask.sum(axis=1, keepdims=True) * DT)
    stimuli = {
        "input.r": Stimulus(np.pad(inputs, late), "course"),
        "output.target": Stimulus(np.pad(targets, early), "course"),
        "output.mask": Stimulus(np.pad(np.repeat(density[..., None], 2, axis=2), early), "course"),
    }
    return Made(circuit, state, stimuli, inputs, targets, density * DT)


def spiking(**recurrence: Any) -> Made:
    """Neurons that spike and adapt, for 60 ms; `recurrence` are settings of the pathway among them."""
    made = recurrent(
        ADAPTIVE,
        SPIKES_SUMMED,
        length=60,
        gain=1.0,
        R1=Pathway("R1", "hidden1.spikes", "hidden1.v", role=Role.RECURRENT, **recurrence),
        Wout=Pathway("Wout", "hidden1.spikes", "output.r"),
    )
    return replace(made, state=made.state | {"Win.w": 3 * made.state["Win.w"]})
