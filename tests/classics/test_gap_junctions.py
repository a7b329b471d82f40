"""Gap junctions beside plain Brian2: the same spikes, which come together."""

from __future__ import annotations

import brian2
import numpy as np
from brian2 import ms

from neurosim import load_circuit
from tests.classics.beside_brian import equal, joined, on_both, plain_brian, same_spikes

EQUATIONS = """
dv/dt = (1.05 - v + i_gap)/(10*ms) : 1
i_gap : 1
"""


def test_it_is_what_plain_brian2_computes() -> None:
    file = load_circuit("classics/gap_junctions")
    found = on_both(file, duration="200 ms")
    with plain_brian(1e-4):
        cells = brian2.NeuronGroup(10, EQUATIONS, threshold="v > 1", reset="v = 0", method="euler")
        cells.v = "i*1.0/N"
        gap = brian2.Synapses(cells, cells, "w : 1\ni_gap_post = w*(v_pre - v_post) : 1 (summed)")
        spikelet = brian2.Synapses(cells, cells, "w : 1", on_pre="v_post += w")
        joined(gap, file, "gap")
        joined(spikelet, file, "spikelet")
        spikes, potentials = brian2.SpikeMonitor(cells), brian2.StateMonitor(cells, "v", record=True)
        brian2.Network(cells, gap, spikelet, spikes, potentials).run(200 * ms)
    same_spikes(found, "cells.spikes", spikes)
    equal(found, "cells.v", potentials.v)


def test_spikes_come_together() -> None:
    """The last spikes of all neurons: within two steps with gap junctions, over the whole period without."""
    spread = []
    for name in ("gap_junctions", "gap_junctions+apart"):
        spikes = load_circuit(f"classics/{name}").simulate(record=["cells.spikes"])["cells.spikes"].values[:, 0]
        first = 9000 + int(np.flatnonzero(spikes[9000:].any(axis=1))[0])
        spread.append(np.ptp([first + int(np.argmax(train[first:])) for train in spikes.T]))
    assert spread[0] <= 2 and spread[1] > 100
