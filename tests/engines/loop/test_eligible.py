"""Which presentations run in the loop over time, and why others do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Sparse
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.images import Convolution, Window
from neurosim.engines.batched.batch import Batch, Request
from neurosim.engines.batched.loop import eligible, presented
from neurosim.engines.records import Record
from neurosim.engines.setting import Setting
from neurosim.neurons._model import NeuronModel
from neurosim.rules._rule import Rule

NEURON = NeuronModel(
    "dv/dt = (drive - v)/tau : 1\ndrive : 1\nr = v**2 : 1",
    threshold="v > 1",
    reset="v = 0",
    parameters={"tau": "10 ms"},
)
SPIKING = Setting("spiking", 1e-4, "float64")
BATCH = Batch({}, {}, {}, np.arange(2, dtype=np.uint32))


def circuit(*pathways: Pathway, size: int = 16, **population: Any) -> Circuit:
    phase = Phase("all", "1 ms", learn=tuple(p.name for p in pathways if p.synapse.learns))
    return Circuit("one", (Population("a", size, NEURON, **population),), pathways, (phase,))


def reasons(circuit: Circuit, setting: Setting = SPIKING, record: tuple[str, ...] = ("a.v",)) -> list[str]:
    return presented.reasons(Request(circuit, setting, record=tuple(map(Record, record))), BATCH)


SUMMED = {"sums": {"total": "v_pre"}, "equations": "more = total : 1"}
CASES = {
    "nothing": (reasons(circuit()), None),
    "a surrogate": (reasons(circuit(), replace(SPIKING, surrogate_width=0.1)), "surrogate"),
    "a rule": (reasons(circuit(Pathway("aa", "a.r", "a.drive", rule=Rule("w += r_pre", timing="step")))), "'aa' acts"),
    "a sum": (reasons(circuit(**SUMMED), record=("a.more",)), "a sum over a population"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_reason_is_told(name: str) -> None:
    found, expected = CASES[name]
    assert found == [] if expected is None else len(found) == 1 and expected in found[0]


def test_images_and_what_does_not_spike_stay_in_xla() -> None:
    kernel = Convolution(Window((3, 3), (1, 1), (1, 1)))
    of_images = circuit(Pathway("aa", "a.spikes", "a.v", connectivity=kernel), shape=(4, 4, 1))
    assert "'aa' joins images" in reasons(of_images)
    silent = NeuronModel(str(NEURON.equation_set), parameters={"tau": "10 ms"})
    assert "no population spikes" in reasons(Circuit("one", (Population("a", 3, silent),), (), circuit().phases))


def test_phases_that_end_by_themselves_and_periods_that_read_inputs_stay_in_xla() -> None:
    ending = replace(circuit(), phases=(replace(circuit().phases[0], until=("a.v", 0.1)),))
    assert any("settled" in reason for reason in presented.reasons(Request(ending, SPIKING, report=("a.v",)), BATCH))
    stuck = replace(NEURON, refractory="drive*ms")
    pathway = Pathway("aa", "a.r", "a.drive")
    reading = Circuit("one", (Population("a", 3, stuck),), (pathway,), circuit().phases)
    assert reasons(reading) == ["the refractory period of 'a' depends on what it receives"]


def test_size_decides_whatever_the_batch() -> None:
    def serves(connected: Circuit, trials: int) -> bool:
        batch = Batch({}, {}, {}, np.arange(trials, dtype=np.uint32))
        return presented.serves(Request(connected, SPIKING, record=(Record("a.v"),)), batch)

    def recurrent(size: int) -> Circuit:
        return circuit(Pathway("aa", "a.spikes", "a.v", connectivity=Sparse(0.2)), size=size)

    assert eligible.available()
    assert not serves(recurrent(100), 1) and not serves(recurrent(100), 1000)
    assert serves(recurrent(400), 1) and serves(recurrent(400), 1000)
    assert not presented.serves(Request(recurrent(400), Setting("steady")), BATCH)
