"""Triplet STDP against a plain Brian2 script: the same weights; and against the closed form of two pairs."""

from __future__ import annotations

import brian2
import numpy as np
import pytest
from brian2 import Hz, ms

from tests.classics.scripts import Classic, assert_same_weights, joined

TRIPLETS = Classic("pfister2006+short")
RATES = np.tile([1, 10, 20, 40, 50], 2)
FIRST = np.array([0.97, 0.7, 0.4, -0.2, -0.5])
SECOND = np.array([0.96, 0.6, 0.2, -0.6, -1.0])


def test_the_weights_are_those_of_a_plain_script():
    brian2.start_scope()
    brian2.defaultclock.dt = 1 * ms
    space = {"tau_plus": 16.8 * ms, "tau_x": 101 * ms, "tau_minus": 33.7 * ms, "tau_y": 125 * ms}
    space |= {"a2_plus": 5e-10, "a3_plus": 6.2e-3, "a2_minus": 7e-3, "a3_minus": 2.3e-4}
    equations = """
    dphase/dt = rate*int(pairs < 60) : 1
    rate : Hz
    pairs : 1
    """
    groups = []
    for phases in ([*FIRST, *SECOND], [*SECOND, *FIRST]):
        group = brian2.NeuronGroup(
            10, equations, threshold="phase > 0.999999", reset="phase = 0; pairs += 1", method="euler"
        )
        group.rate, group.phase = RATES * Hz, phases
        groups.append(group)
    synapses = joined(
        TRIPLETS,
        "S",
        *groups,
        model="""
        w : 1
        dr1/dt = -r1/tau_plus : 1 (event-driven)
        dr2/dt = -r2/tau_x : 1 (event-driven)
        do1/dt = -o1/tau_minus : 1 (event-driven)
        do2/dt = -o2/tau_y : 1 (event-driven)
        """,
        on_pre="""
        w -= o1*(a2_minus + a3_minus*r2)
        r1 += 1
        r2 += 1
        """,
        on_post="""
        w += r1*(a2_plus + a3_plus*o2)
        o1 += 1
        o2 += 1
        """,
    )
    brian2.Network(*groups, synapses).run(2000 * ms, namespace=space)
    assert_same_weights(TRIPLETS, "S", synapses)


def test_two_pairs_at_one_hertz_change_the_weight_as_the_papers_equations_say():
    """Pre before post by 10 ms, twice, 1 s apart; then the reverse."""
    recording = TRIPLETS.recordings[0]
    weights = recording["end(S.w)"].values[0]
    second = np.exp(-1 / 0.125)
    before = np.exp(-0.01 / 0.0168) * (2 * 5e-10 + 6.2e-3 * second) - np.exp(-0.99 / 0.0337) * 7e-3
    assert weights[0] - 0.5 == pytest.approx(before, rel=1e-3)
    after = -np.exp(-0.01 / 0.0337) * (2 * 7e-3 + 2.3e-4 * np.exp(-1 / 0.101))
    assert weights[5] - 0.5 == pytest.approx(after, rel=1e-3)
