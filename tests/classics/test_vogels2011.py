"""Inhibitory plasticity against a plain Brian2 script: the same spikes and weights."""

from __future__ import annotations

import brian2
from brian2 import Hz, ms, mV, nS, pA, pF

from tests.classics.scripts import Classic, assert_same_spikes, assert_same_weights, joined, period

BALANCE = Classic("vogels2011+small", ("simulation.duration=100 ms",))


def test_spikes_and_weights_are_those_of_a_plain_script():
    brian2.start_scope()
    brian2.defaultclock.dt = 0.1 * ms
    space = {"gl": 10 * nS, "el": -60 * mV, "er": -80 * mV, "c_m": 200 * pF, "background": 200 * pA}
    space |= {"tau_ampa": 5 * ms, "tau_gaba": 10 * ms, "tau": 20 * ms, "eta": 0.1 * nS, "w_max": 100 * nS}
    space |= {"alpha": 2 * 20 * ms * 3 * Hz}
    equations = """
    dv/dt = (gl*(el - v) - (g_ampa*v + g_gaba*(v - er)) + background)/c_m : volt (unless refractory)
    dg_ampa/dt = -g_ampa/tau_ampa : siemens
    dg_gaba/dt = -g_gaba/tau_gaba : siemens
    """
    cells = {
        name: brian2.NeuronGroup(
            size, equations, threshold="v > -50*mV", reset="v = -60*mV", refractory=period(5), method="euler"
        )
        for name, size in (("E", 80), ("I", 20))
    }
    for name, group in cells.items():
        group.v = BALANCE.state[f"{name}.v"] * brian2.volt
    synapses = [
        joined(BALANCE, f"{pre}{post}", cells[pre], cells[post], model="w : siemens", on_pre=f"{variable} += w")
        for pre, post, variable in (("E", "E", "g_ampa"), ("E", "I", "g_ampa"), ("I", "I", "g_gaba"))
    ]
    plastic = joined(
        BALANCE,
        "IE",
        cells["I"],
        cells["E"],
        model="""
        w : siemens
        dapre/dt = -apre/tau : 1 (event-driven)
        dapost/dt = -apost/tau : 1 (event-driven)
        """,
        on_pre="""
        apre += 1
        w = clip(w + (apost - alpha)*eta, 0*nS, w_max)
        g_gaba += w
        """,
        on_post="""
        apost += 1
        w = clip(w + apre*eta, 0*nS, w_max)
        """,
    )
    monitors = {name: brian2.SpikeMonitor(group) for name, group in cells.items()}
    brian2.Network(*cells.values(), *synapses, plastic, *monitors.values()).run(100 * ms, namespace=space)
    assert_same_spikes(BALANCE, **monitors)
    assert_same_weights(BALANCE, "IE", plastic)
