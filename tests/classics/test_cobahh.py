"""COBAHH against a plain Brian2 script: the same spikes."""

from __future__ import annotations

import brian2
from brian2 import ms, mV, nS, pF, uS

from tests.classics.scripts import Classic, assert_same_spikes, joined, period

COBAHH = Classic("cobahh+small")
EQUATIONS = """
dv/dt = (gl*(el - v) + ge*(ee - v) + gi*(ei - v) - g_na*m**3*h*(v - ena) - g_kd*n**4*(v - ek))/c_m : volt
dm/dt = alpha_m*(1 - m) - beta_m*m : 1
dn/dt = alpha_n*(1 - n) - beta_n*n : 1
dh/dt = alpha_h*(1 - h) - beta_h*h : 1
dge/dt = -ge/taue : siemens
dgi/dt = -gi/taui : siemens
alpha_m = 0.32*4/exprel((13*mV - v + vt)/(4*mV))/ms : Hz
beta_m = 0.28*5/exprel((v - vt - 40*mV)/(5*mV))/ms : Hz
alpha_h = 0.128*exp((17*mV - v + vt)/(18*mV))/ms : Hz
beta_h = 4/(1 + exp((40*mV - v + vt)/(5*mV)))/ms : Hz
alpha_n = 0.032*5/exprel((15*mV - v + vt)/(5*mV))/ms : Hz
beta_n = 0.5*exp((10*mV - v + vt)/(40*mV))/ms : Hz
"""


def test_the_spikes_are_those_of_a_plain_script():
    brian2.start_scope()
    brian2.defaultclock.dt = 0.1 * ms
    space = {"c_m": 200 * pF, "gl": 10 * nS, "g_na": 20 * uS, "g_kd": 6 * uS, "taue": 5 * ms, "taui": 10 * ms}
    space |= {"el": -60 * mV, "ek": -90 * mV, "ena": 50 * mV, "ee": 0 * mV, "ei": -80 * mV, "vt": -63 * mV}
    cells = {
        name: brian2.NeuronGroup(
            size, EQUATIONS, threshold="v > -20*mV", refractory=period(3), method="exponential_euler", namespace=space
        )
        for name, size in (("E", 64), ("I", 16))
    }
    for name, group in cells.items():
        group.v = COBAHH.state[f"{name}.v"] * brian2.volt
        group.ge = COBAHH.state[f"{name}.ge"] * brian2.siemens
        group.gi = COBAHH.state[f"{name}.gi"] * brian2.siemens
    synapses = [
        joined(COBAHH, f"{pre}{post}", cells[pre], cells[post], model="w : siemens", on_pre=f"{variable} += w")
        for pre, post, variable in (("E", "E", "ge"), ("E", "I", "ge"), ("I", "E", "gi"), ("I", "I", "gi"))
    ]
    monitors = {name: brian2.SpikeMonitor(group) for name, group in cells.items()}
    brian2.Network(*cells.values(), *synapses, *monitors.values()).run(100 * ms)
    assert_same_spikes(COBAHH, **monitors)
