"""STDP of Song, Miller and Abbott against a plain Brian2 script: the same spikes and weights."""

from __future__ import annotations

import brian2
from brian2 import ms, mV

from tests.classics.scripts import Classic, assert_same_spikes, assert_same_weights, generator, joined

STDP = Classic("song2000+small", ("simulation.duration=500 ms",))


def test_spikes_and_weights_are_those_of_a_plain_script():
    brian2.start_scope()
    brian2.defaultclock.dt = 0.1 * ms
    space = {"taum": 10 * ms, "taue": 5 * ms, "ee": 0 * mV, "el": -74 * mV, "tau": 20 * ms, "gmax": 0.1}
    equations = """
    dv/dt = (ge*(ee - v) + el - v)/taum : volt
    dge/dt = -ge/taue : 1
    """
    inputs = generator(STDP, "P")
    neuron = brian2.NeuronGroup(1, equations, threshold="v > -54*mV", reset="v = -60*mV", method="euler")
    synapses = joined(
        STDP,
        "S",
        inputs,
        neuron,
        model="""
        w : 1
        dapre/dt = -apre/tau : 1 (event-driven)
        dapost/dt = -apost/tau : 1 (event-driven)
        """,
        on_pre="""
        ge += w
        apre += 0.01*gmax
        w = clip(w + apost, 0, gmax)
        """,
        on_post="""
        apost -= 0.0105*gmax
        w = clip(w + apre, 0, gmax)
        """,
    )
    monitor = brian2.SpikeMonitor(neuron)
    brian2.Network(inputs, neuron, synapses, monitor).run(500 * ms, namespace=space)
    assert_same_spikes(STDP, N=monitor)
    assert_same_weights(STDP, "S", synapses)
