"""Brunel's network against a plain Brian2 script: the same spikes, with the same external input."""

from __future__ import annotations

import brian2
from brian2 import ms, mV

from tests.classics.scripts import Classic, assert_same_spikes, course, joined, period

SPARSE = Classic("brunel2000+small")
EQUATIONS = """
dv/dt = (-v + tau*j_ext*arrivals(t, i)/dt)/tau : volt (unless refractory)
"""


def test_the_spikes_are_those_of_a_plain_script():
    brian2.start_scope()
    brian2.defaultclock.dt = 0.1 * ms
    cells = {}
    for name, size in (("E", 100), ("I", 25)):
        space = {"tau": 20 * ms, "j_ext": 0.1 * mV, "arrivals": course(SPARSE, f"{name}.arrivals")}
        cells[name] = brian2.NeuronGroup(
            size,
            EQUATIONS,
            threshold="v > 20*mV",
            reset="v = 10*mV",
            refractory=period(2),
            method="euler",
            namespace=space,
        )
        cells[name].v = SPARSE.state[f"{name}.v"] * brian2.volt
    synapses = [
        joined(SPARSE, f"{pre}{post}", cells[pre], cells[post], model="w : volt", on_pre="v += w", delay=1.5 * ms)
        for pre in "EI"
        for post in "EI"
    ]
    monitors = {name: brian2.SpikeMonitor(group) for name, group in cells.items()}
    brian2.Network(*cells.values(), *synapses, *monitors.values()).run(100 * ms)
    assert_same_spikes(SPARSE, **monitors)
