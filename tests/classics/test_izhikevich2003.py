"""Izhikevich's network against a plain Brian2 script: the same spikes."""

from __future__ import annotations

import brian2
from brian2 import ms

from tests.classics.scripts import Classic, assert_same_spikes, course, joined

RHYTHMS = Classic("izhikevich2003+small")
EQUATIONS = """
dv/dt = (0.04*v**2 + 5*v + 140 - u + {noise}*sqrt(2)*thalamic(t, i))/ms : 1
du/dt = a*(b*v - u)/ms : 1
a : 1
b : 1
c : 1
d : 1
"""


def test_the_spikes_are_those_of_a_plain_script():
    brian2.start_scope()
    brian2.defaultclock.dt = 0.5 * ms
    cells = {}
    for name, size, noise in (("E", 80, 5), ("I", 20, 2)):
        group = cells[name] = brian2.NeuronGroup(
            size,
            EQUATIONS.format(noise=noise),
            threshold="v >= 30",
            reset="v = c; u += d",
            method="euler",
            namespace={"thalamic": course(RHYTHMS, f"{name}.thalamic")},
        )
        r = RHYTHMS.state[f"{name}.r"]
        group.v, group.u = -65, -13
        if name == "E":
            group.a, group.b, group.c, group.d = 0.02, 0.2, -65 + 15 * r**2, 8 - 6 * r**2
        else:
            group.a, group.b, group.c, group.d = 0.02 + 0.08 * r, 0.25 - 0.05 * r, -65, 2
    synapses = [
        joined(RHYTHMS, f"{pre}{post}", cells[pre], cells[post], on_pre="v += w") for pre in "EI" for post in "EI"
    ]
    monitors = {name: brian2.SpikeMonitor(group) for name, group in cells.items()}
    brian2.Network(*cells.values(), *synapses, *monitors.values()).run(200 * ms)
    assert_same_spikes(RHYTHMS, **monitors)
