"""Names that equations read and that are no variables: why they are not recorded, and that the remedy works."""

from __future__ import annotations

import re

import numpy as np
import pytest

from neurosim import simulate
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Population
from neurosim.engines.records import records_in
from neurosim.engines.unrecordable import why_not
from neurosim.equations.reserved import SPECIAL
from neurosim.errors import CircuitError
from neurosim.neurons._model import NeuronModel

LINES = {"lastspike": "a.last", "not_refractory": "a.ready", "t": "a.now", "dt": "a.step"}
SPIKING = NeuronModel(
    "dv/dt = (1.5 - v)/tau : 1 (unless refractory)\ng : 1",
    threshold="v > 1",
    reset="v = 0",
    refractory="2 ms",
    method="euler",
    parameters={"tau": "10 ms"},
)
GRADED = NeuronModel("dv/dt = (d - v)/tau : 1\nd : 1", parameters={"tau": "5 ms"})


def circuit(lines: str = "") -> Circuit:
    populations = (Population("a", 2, SPIKING, equations=lines), Population("b", 3, GRADED))
    return Circuit("net", populations, (Pathway("ab", "a.v", "b.d", initial=0.1),), ())


REASONS = {
    "a.lastspike": "the time of a neuron's last spike is no variable of a neuron: add the line 'last = lastspike",
    "a.not_refractory": "add the line 'ready = not_refractory : boolean' to the equations of 'a' and record 'a.ready'",
    "b.lastspike": "population 'b' has no threshold, so that it never spikes",
    "b.spikes": "population 'b' has no threshold, so that it has no spikes",
    "a.t": "record 'a.now'",
    "t": "the coordinate 'time'",
    "a.i": "as a coordinate",
    "a.xi": "white noise has no value at an instant",
    "a.refractory": "such as 'period = 2 ms : second'",
    "b.refractory": "population 'b' has no refractory period",
    "ab.delay": "the delays of pathway 'ab' do not change",
}


@pytest.mark.parametrize("name", REASONS)
@pytest.mark.parametrize("engine", ["batched", "brian"])
def test_the_reason_is_told(name: str, engine: str) -> None:
    with pytest.raises(CircuitError, match=re.escape(f"cannot record '{name}': ") + ".*" + re.escape(REASONS[name])):
        simulate(circuit(), "1 ms", engine=engine, record=[name])
    with pytest.raises(CircuitError, match=re.escape(REASONS[name])):
        records_in(circuit(), [name])


def test_there_is_a_reason_for_every_special_name() -> None:
    assert all(why_not(circuit(), f"a.{name}") for name in SPECIAL)
    assert why_not(circuit(), "a.v") is None and why_not(circuit(), "ab.x") is None and why_not(circuit(), "q") is None


def test_the_remedies_give_the_same_on_both_engines() -> None:
    remedies = [re.search(r"add the line '(.*?)'", why_not(circuit(), f"a.{name}") or "") for name in LINES]
    lines = "\n".join(match[1] for match in remedies if match)
    found = [
        simulate(circuit(lines), "40 ms", engine=engine, record=[*LINES.values(), "a.spikes"])
        for engine in ("batched", "brian")
    ]
    for name in LINES.values():
        np.testing.assert_array_equal(found[0][name], found[1][name])
    steps, _, neurons = np.nonzero(found[0]["a.spikes"].values)
    step = int(steps[neurons == 0][0])
    last = found[0]["a.last"].values[:, 0, 0]
    assert last[step] == -1e4 and last[step + 1] == step * 1e-4
    ready = found[0]["a.ready"].values[:, 0, 0]
    # Two milliseconds of 20 steps, of which the first is that of the spike.
    assert ready[step] and not ready[step + 1 : step + 20].any() and ready[step + 20]
    np.testing.assert_array_equal(found[0]["a.now"][:, 0, 0], found[0].time)
