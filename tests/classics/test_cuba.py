"""CUBA against a plain Brian2 script: the same spikes."""

from __future__ import annotations

import brian2
from brian2 import ms, mV

from tests.classics.scripts import Classic, assert_same_spikes, joined, period

CUBA = Classic("cuba+small", ("simulation.duration=100 ms",))


def test_the_spikes_are_those_of_a_plain_script():
    brian2.start_scope()
    brian2.defaultclock.dt = 0.1 * ms
    taum, taue, taui = 20 * ms, 5 * ms, 10 * ms
    vt, vr, el = -50 * mV, -60 * mV, -49 * mV
    equations = """
    dv/dt = (ge + gi - (v - el))/taum : volt (unless refractory)
    dge/dt = -ge/taue : volt
    dgi/dt = -gi/taui : volt
    """
    cells = {
        name: brian2.NeuronGroup(
            size, equations, threshold="v > vt", reset="v = vr", refractory=period(5), method="exact"
        )
        for name, size in (("E", 64), ("I", 16))
    }
    for name, group in cells.items():
        group.v = CUBA.state[f"{name}.v"] * brian2.volt
    synapses = [
        joined(CUBA, f"{pre}{post}", cells[pre], cells[post], model="w : volt", on_pre=f"{variable} += w")
        for pre, post, variable in (("E", "E", "ge"), ("E", "I", "ge"), ("I", "E", "gi"), ("I", "I", "gi"))
    ]
    monitors = {name: brian2.SpikeMonitor(group) for name, group in cells.items()}
    space = {"taum": taum, "taue": taue, "taui": taui, "vt": vt, "vr": vr, "el": el}
    brian2.Network(*cells.values(), *synapses, *monitors.values()).run(100 * ms, namespace=space)
    assert_same_spikes(CUBA, **monitors)
