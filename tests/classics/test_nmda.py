"""Saturating NMDA receptors beside plain Brian2, and how they saturate."""

from __future__ import annotations

from typing import Any

import brian2
import numpy as np
from brian2 import Hz, ms, mV, nA, nF, nS

from neurosim import load_circuit
from tests.classics.beside_brian import equal, joined, on_both, plain_brian, same_spikes

CLOCK = """
dphi/dt = rate : 1
rate : Hz
"""
CELL = """
dv/dt = (-25*nS*(v + 70*mV) - i_nmda + 0.45*nA)/(0.5*nF) : volt (unless refractory)
i_nmda = 10*nS*v/(1 + exp(-0.062*v/mV)/3.57)*s_nmda : amp
s_nmda : 1
"""


def test_it_is_what_plain_brian2_computes() -> None:
    file = load_circuit("classics/nmda")
    found = on_both(file, duration="300 ms", record=["P.spikes", "E.spikes", "E.s_nmda", "E.v"])
    pause: Any = 2 * ms
    with plain_brian(1e-4):
        units = {"mV": mV, "nS": nS, "nA": nA, "nF": nF, "ms": ms}
        reset = "phi -= 1"
        before = brian2.NeuronGroup(6, CLOCK, threshold="phi >= 1", reset=reset, method="euler", namespace=units)
        before.rate = [5, 10, 20, 40, 80, 160] * Hz
        cell = brian2.NeuronGroup(
            6, CELL, threshold="v > -50*mV", reset="v = -55*mV", refractory=pause, method="euler", namespace=units
        )
        cell.v = -70 * mV
        model = """s_nmda_post = w*s : 1 (summed)
            ds/dt = -s/(100*ms) + alpha*x*(1 - s) : 1 (clock-driven)
            dx/dt = -x/(2*ms) : 1 (clock-driven)
            w : 1"""
        space = {"alpha": 500 * Hz, "ms": ms}
        synapses: Any = brian2.Synapses(before, cell, model, on_pre="x += 1", method="euler", namespace=space)
        joined(synapses, file, "nmda")
        # All that advances in a step starts from the state before it.
        synapses.summed_updaters["s_nmda_post"].order, synapses.state_updater.order = -2, -1
        spikes = [brian2.SpikeMonitor(group) for group in (before, cell)]
        # What is summed at an instant is there as soon as it is summed.
        opened = brian2.StateMonitor(cell, "s_nmda", record=True, when="groups", order=-1)
        potentials = brian2.StateMonitor(cell, "v", record=True)
        brian2.Network(before, cell, synapses, spikes, opened, potentials).run(300 * ms)
    same_spikes(found, "P.spikes", spikes[0])
    equal(found, "E.s_nmda", opened.s_nmda)
    same_spikes(found, "E.spikes", spikes[1], least=3)
    equal(found, "E.s_nmda", opened.s_nmda)
    equal(found, "E.v", potentials.v)


def test_receptors_saturate_with_the_rate() -> None:
    opened = load_circuit("classics/nmda").simulate(record=["E.s_nmda"])["E.s_nmda"].values[5000:, 0].mean(axis=0)
    assert (np.diff(opened) > 0).all() and opened[-1] < 1
    # Twice the rate opens nearly twice as many at first, and a few percent more in the end.
    assert opened[1] / opened[0] > 1.5 and opened[-1] / opened[-2] < 1.1
