"""COBA against a plain Brian2 script: the same spikes."""

from __future__ import annotations

import brian2
from brian2 import ms, mV, nS, pF

from tests.classics.scripts import Classic, assert_same_spikes, joined, period

COBA = Classic("coba+small")


def test_the_spikes_are_those_of_a_plain_script():
    brian2.start_scope()
    brian2.defaultclock.dt = 0.1 * ms
    space = {"gl": 10 * nS, "c_m": 200 * pF, "taue": 5 * ms, "taui": 10 * ms, "el": -60 * mV, "ee": 0 * mV}
    space |= {"ei": -80 * mV, "vt": -50 * mV, "vr": -60 * mV}
    equations = """
    dv/dt = (gl*(el - v) + ge*(ee - v) + gi*(ei - v))/c_m : volt (unless refractory)
    dge/dt = -ge/taue : siemens
    dgi/dt = -gi/taui : siemens
    """
    cells = {
        name: brian2.NeuronGroup(
            size, equations, threshold="v > vt", reset="v = vr", refractory=period(5), method="euler"
        )
        for name, size in (("E", 64), ("I", 16))
    }
    for name, group in cells.items():
        group.v = COBA.state[f"{name}.v"] * brian2.volt
        group.ge = COBA.state[f"{name}.ge"] * brian2.siemens
        group.gi = COBA.state[f"{name}.gi"] * brian2.siemens
    synapses = [
        joined(COBA, f"{pre}{post}", cells[pre], cells[post], model="w : siemens", on_pre=f"{variable} += w")
        for pre, post, variable in (("E", "E", "ge"), ("E", "I", "ge"), ("I", "E", "gi"), ("I", "I", "gi"))
    ]
    monitors = {name: brian2.SpikeMonitor(group) for name, group in cells.items()}
    brian2.Network(*cells.values(), *synapses, *monitors.values()).run(100 * ms, namespace=space)
    assert_same_spikes(COBA, **monitors)
