"""BAC firing beside plain Brian2: a spike or a dendritic pulse alone give one spike or none, both give a burst."""

from __future__ import annotations

import brian2
import numpy as np
from brian2 import ms, mV, nA, nS, pA, pF

from neurosim import load_circuit
from tests.classics.beside_brian import equal, on_both, plain_brian, same_spikes
from tests.classics.scripts import period

TEXT = """
dv/dt = (e_l - v)/tau_s + (g_s*opened + i_s - w_s)/c_s : volt (unless refractory)
dw_s/dt = -w_s/tau_ws : amp
dv_d/dt = (e_l - v_d)/tau_d + (g_d*opened + back*i_back + i_d - w_d)/c_d : volt
dw_d/dt = (a_d*(v_d - e_l) - w_d)/tau_wd : amp
opened = 1/(1 + exp(-(v_d - e_d)/d_d)) : 1
back = int(t - lastspike > 0.5*ms)*int(t - lastspike < 2.5*ms) : 1
i_s = soma*int(t > 50*ms)*int(t < 55*ms) : amp
i_d = dendrite*int(t > 52*ms)*int(t < 67*ms) : amp
soma : amp
dendrite : amp
"""
PARAMETERS = {
    "e_l": -70 * mV,
    "e_d": -38 * mV,
    "d_d": 6 * mV,
    "tau_s": 16 * ms,
    "tau_d": 7 * ms,
    "tau_ws": 100 * ms,
    "tau_wd": 30 * ms,
    "c_s": 370 * pF,
    "c_d": 170 * pF,
    "g_s": 1300 * pA,
    "g_d": 1200 * pA,
    "i_back": 2600 * pA,
    "a_d": 13 * nS,
}


def test_it_is_what_plain_brian2_computes() -> None:
    found = on_both(load_circuit("classics/bac_firing"))
    with plain_brian(1e-4):
        cell = brian2.NeuronGroup(
            3,
            TEXT,
            threshold="v > -50*mV",
            reset="v = e_l; w_s += 200*pA",
            refractory=period(3),
            method="euler",
            namespace=PARAMETERS | {"mV": mV, "ms": ms, "pA": pA},
        )
        cell.v = cell.v_d = -70 * mV
        cell.soma, cell.dendrite = [2, 0, 2] * nA, [0, 600, 600] * pA
        spikes, courses = brian2.SpikeMonitor(cell), brian2.StateMonitor(cell, ["v", "v_d"], record=True)
        brian2.Network(cell, spikes, courses).run(200 * ms)
    same_spikes(found, "cell.spikes", spikes, least=4)
    equal(found, "cell.v", courses.v)
    equal(found, "cell.v_d", courses.v_d)


def test_both_inputs_together_give_a_burst() -> None:
    spikes = load_circuit("classics/bac_firing").simulate()["cell.spikes"].values[:, 0]
    assert spikes.sum(axis=0).tolist() == [1, 0, 3]
    intervals = np.diff(np.flatnonzero(spikes[:, 2])) * 1e-4
    assert (1 / intervals > 50).all()
