"""The ring of Ben-Yishai, Bar-Or & Sompolinsky (1995) beside plain Brian2, and the width of its bump."""

from __future__ import annotations

from typing import Any

import brian2
import numpy as np
from brian2 import ms
from scipy.optimize import brentq

from neurosim import load_circuit
from tests.classics.beside_brian import equal, joined, on_both, plain_brian

#: The modulation of the weights, and the angle between two neurons in degrees: orientations repeat after 180.
J2, APART = 11.0, 180 / 120
EQUATIONS = """
dm/dt = (clip(drive + 1, 0, inf) - m)/(10*ms) : 1
drive : 1
"""


def test_it_is_what_plain_brian2_computes() -> None:
    file = load_circuit("classics/ring_attractor")
    found = on_both(file, duration="50 ms", record=["ring.m"])
    with plain_brian(0.5e-3):
        group = brian2.NeuronGroup(120, EQUATIONS, method="euler")
        group.m = found["batched"]["ring.m"].values[0, 0]
        synapses = brian2.Synapses(group, group, "w : 1\ndrive_post = w*m_pre : 1 (summed)")
        joined(synapses, file, "J")
        monitor = brian2.StateMonitor(group, "m", record=True)
        brian2.Network(group, synapses, monitor).run(50 * ms)
    equal(found, "ring.m", monitor.m)


def test_the_bump_has_the_width_of_the_theory_and_the_place_of_chance() -> None:
    file = load_circuit("classics/ring_attractor")
    courses = [file.simulate(seed=seed, record=["ring.m"])["ring.m"].values[-1, 0] for seed in range(3)]
    width: Any = brentq(lambda c: J2 * (c - np.sin(4 * c) / 4) - np.pi, 0.1, 1.5)
    expected = np.degrees(width)
    for course in courses:
        assert abs((course > 1e-9).sum() * APART / 2 - expected) <= APART
    assert len({int(course.argmax()) for course in courses}) == 3
    uniform = load_circuit("classics/ring_attractor+uniform").simulate(record=["ring.m"])["ring.m"].values[-1, 0]
    np.testing.assert_allclose(uniform, uniform.mean(), rtol=1e-6)
