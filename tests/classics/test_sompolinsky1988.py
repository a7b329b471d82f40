"""Sompolinsky, Crisanti & Sommers (1988) beside plain Brian2, and what the theory says of both sides of g = 1."""

from __future__ import annotations

import brian2
import numpy as np
from brian2 import ms

from neurosim import load_circuit
from tests.classics.beside_brian import equal, joined, on_both, plain_brian

EQUATIONS = """
dx/dt = (drive - x)/(10*ms) : 1
drive : 1
r = tanh(x) : 1
"""


def test_it_is_what_plain_brian2_computes() -> None:
    file = load_circuit("classics/sompolinsky1988", ["populations.N.size=60"])
    found = on_both(file, duration="100 ms")
    with plain_brian(1e-3):
        group = brian2.NeuronGroup(60, EQUATIONS, method="exponential_euler")
        group.x = found["batched"]["N.x"].values[0, 0]
        synapses = brian2.Synapses(group, group, "w : 1\ndrive_post = w*r_pre : 1 (summed)")
        joined(synapses, file, "J")
        monitor = brian2.StateMonitor(group, "x", record=True)
        brian2.Network(group, synapses, monitor).run(100 * ms)
    equal(found, "N.x", monitor.x)


def test_activity_dies_below_the_onset_of_chaos_and_lives_above() -> None:
    quiet = load_circuit("classics/sompolinsky1988+quiet").simulate(duration="500 ms")["N.x"].values[-1]
    assert np.abs(quiet).max() < 1e-6
    # Above, what is left after a second is as large as at the start; two starts that are close part.
    file = load_circuit("classics/sompolinsky1988")
    start = np.random.default_rng(0).standard_normal(200)
    one, other = (file.simulate(state={"N.x": start + e})["N.x"].values[:, 0] for e in (0.0, 1e-6))
    assert one[-200:].std() > 0.5
    assert np.abs(one - other)[-1].max() > 0.1
