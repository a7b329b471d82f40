"""Neurons with common noise beside plain Brian2 with the same draws; correlations of counts grow with the rate."""

from __future__ import annotations

import brian2
import numpy as np
from brian2 import ms, mV

from neurosim import load_circuit
from neurosim.model_files.circuits.circuit_file import CircuitFile
from tests.classics.beside_brian import draws_of, equal, on_both, plain_brian, same_spikes

NOISE = "dy/dt = -y/tau_y + sqrt(2/tau_y/dt)*draws(t, i) : 1"
CELLS = f"""
dv/dt = (mu + sigma*(sqrt(1 - c)*y + sqrt(c)*shared) - v)/tau : volt (unless refractory)
{NOISE}
shared : 1
"""


def test_it_is_what_plain_brian2_computes_by_the_same_draws() -> None:
    file = load_circuit("classics/correlated_ou")
    found = on_both(file, duration="200 ms", record=["common.y", "cells.spikes", "cells.v"])
    start = file.simulate(duration="0.2 ms", record=["common.y", "cells.y", "cells.v"])
    with plain_brian(2e-4):
        groups = []
        for name, n, text in (("common", 1, NOISE), ("cells", 50, CELLS)):
            numbers = brian2.TimedArray(draws_of(file, f"{name}.drawn", n, 1000), dt=0.2 * ms)
            firing = {"threshold": "v > 20*mV", "reset": "v = 10*mV", "refractory": 2 * ms} if n > 1 else {}
            space = {"mu": 17 * mV, "sigma": 8 * mV, "c": 0.3, "tau": 20 * ms, "tau_y": 5 * ms}
            space |= {"draws": numbers, "mV": mV}
            groups.append(brian2.NeuronGroup(n, text, method="euler", namespace=space, **firing))
            groups[-1].y = start[f"{name}.y"].values[0, 0]
        common, cells = groups
        cells.v = start["cells.v"].values[0, 0] * brian2.volt
        sharing = brian2.Synapses(common, cells, "shared_post = y_pre : 1 (summed)")
        sharing.connect()
        spikes = brian2.SpikeMonitor(cells)
        courses = [brian2.StateMonitor(common, "y", record=True), brian2.StateMonitor(cells, "v", record=True)]
        brian2.Network(common, cells, sharing, spikes, courses).run(200 * ms)
    equal(found, "common.y", courses[0].y)
    same_spikes(found, "cells.spikes", spikes, least=30)
    equal(found, "cells.v", courses[1].v)


def correlation(file: CircuitFile) -> tuple[float, float]:
    """The rate in Hz, and the mean correlation of spike counts of two neurons in windows of 40 ms."""
    spikes = file.simulate(record=["cells.spikes"], duration="20 second")["cells.spikes"].values[:, 0]
    counts = spikes.reshape(-1, 200, spikes.shape[1]).sum(axis=1)
    pairs = np.corrcoef(counts.T)[np.triu_indices(spikes.shape[1], 1)]
    return spikes.mean() / 2e-4, float(pairs.mean())


def test_correlation_grows_with_the_rate() -> None:
    (low, less), (high, more) = (correlation(load_circuit(f"classics/correlated_ou{v}")) for v in ("+slow", ""))
    assert low < high and 0 < less < 0.6 * more < more < 0.3
