"""Wilson & Cowan (1972) beside plain Brian2; with input a limit cycle, without it rest."""

from __future__ import annotations

import brian2
import numpy as np
from brian2 import ms

from neurosim import load_circuit
from tests.classics.beside_brian import equal, on_both, plain_brian

TEXT = """
dr/dt = (-r + (1 - r)*(1/(1 + exp(-a*(on_E + on_I + p - theta))) - 1/(1 + exp(a*theta))))/(8*ms) : 1
on_E : 1
on_I : 1
a : 1
theta : 1
p : 1
"""


def test_it_is_what_plain_brian2_computes() -> None:
    found = on_both(load_circuit("classics/wilson_cowan"), duration="100 ms")
    with plain_brian(1e-4):
        groups = {name: brian2.NeuronGroup(1, TEXT, method="euler") for name in "EI"}
        for name, a, theta, p, r in (("E", 1.3, 4, 1.25, 0.1), ("I", 2, 3.7, 0, 0.05)):
            groups[name].a, groups[name].theta, groups[name].p, groups[name].r = a, theta, p, r
        synapses = []
        for pre, post, w in (("E", "E", 16), ("E", "I", 15), ("I", "E", -12), ("I", "I", -3)):
            model = f"w : 1\non_{pre}_post = w*r_pre : 1 (summed)"
            synapses.append(brian2.Synapses(groups[pre], groups[post], model))
            synapses[-1].connect()
            synapses[-1].w = w
        monitors = {name: brian2.StateMonitor(group, "r", record=True) for name, group in groups.items()}
        brian2.Network(*groups.values(), *synapses, *monitors.values()).run(100 * ms)
    for name, monitor in monitors.items():
        equal(found, f"{name}.r", monitor.r)


def test_input_makes_it_oscillate() -> None:
    course = load_circuit("classics/wilson_cowan").simulate()["E.r"].values[:, 0, 0]
    assert np.ptp(course[-1000:]) > 0.15 and abs(np.ptp(course[-1000:]) - np.ptp(course[-2000:-1000])) < 1e-3
    rest = load_circuit("classics/wilson_cowan+rest").simulate()["E.r"].values[-1000:, 0, 0]
    assert np.ptp(rest) < 1e-6
