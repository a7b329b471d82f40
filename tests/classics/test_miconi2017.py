"""The reward-modulated Hebbian rule of Miconi (2017) beside plain Brian2, and a delayed response that is learned."""

from __future__ import annotations

import brian2
import numpy as np
from brian2 import Hz, ms

from neurosim import load_circuit
from tests.classics.beside_brian import draws_of, equal, joined, on_both, plain_brian

RATES = """
dx/dt = (drive + cued + kick - x)/(30*ms) : 1
dmean/dt = (x - mean)/(20*ms) : 1
dphase/dt = 1/trial : 1
kick = 16*(2*size(t, i) - 1)*int(chance(t, i) < 3*Hz*dt) : 1 (constant over dt)
ended = int(phase > 0.5*dt/trial and phase < 1.5*dt/trial) : 1
r = tanh(x) : 1
drive : 1
cued : 1
surprise : 1
"""
CRITIC = """
dphase/dt = 1/trial : 1
derror/dt = abs(answer - cue)*int(phase > 0.8)/(0.2*trial) : 1
shown = cue*int(phase < 0.4) : 1
answer : 1
cue : 1
surprise : 1
plus : 1
minus : 1
"""
JUDGED = """
phase = 0
surprise = int(cue > 0)*plus + int(cue < 0)*minus - error
plus += 0.2*int(cue > 0)*(error - plus)
minus += 0.2*int(cue < 0)*(error - minus)
error = 0
cue = 2*int(lot(t, i) < 0.5) - 1
"""
STEPS = 1000


def test_it_is_what_plain_brian2_computes() -> None:
    file = load_circuit("classics/miconi2017")
    found = on_both(file, duration="1 second", record=["R.x", "critic.plus", "critic.minus", "J.w"], every={})
    end = "phase > 1 - 0.5*dt/trial"
    with plain_brian(1e-3):
        drawn = {
            name: brian2.TimedArray(draws_of(file, where, n, STEPS, number=number), dt=1 * ms)
            for name, where, n, number in (
                ("size", "R.kick", 50, 0),
                ("chance", "R.kick", 50, 1),
                ("begin", "R.reset", 50, 0),
                ("lot", "critic.reset", 1, 0),
            )
        }
        space = {**drawn, "trial": 300 * ms, "ms": ms, "Hz": Hz}
        begin = "phase = 0; x = 0.1*(2*begin(t, i) - 1)"
        rates = brian2.NeuronGroup(50, RATES, threshold=end, reset=begin, method="euler", namespace=space)
        rates.x = found["batched"]["R.x"].values[0, 0]
        critic = brian2.NeuronGroup(1, CRITIC, threshold=end, reset=JUDGED, method="euler", namespace=space)
        critic.cue = critic.plus = critic.minus = 1
        recurrent = brian2.Synapses(
            rates, rates, "w : 1\ntrace : 1\ndrive_post = w*r_pre : 1 (summed)", namespace=space
        )
        joined(recurrent, file, "J")
        others = []
        for name, pre, post, text in (
            ("cue", critic, rates, "cued_post = w*shown_pre"),
            ("answer", rates, critic, "answer_post = w*r_pre"),
            ("surprise", critic, rates, "surprise_post = w*surprise_pre"),
        ):
            others.append(brian2.Synapses(pre, post, f"w : 1\n{text} : 1 (summed)"))
            joined(others[-1], file, name)
        rule = """w += 0.05*surprise_post*ended_post*clip(trace, -0.5, 0.5)
            trace += (r_pre*(x_post - mean_post))**3 - ended_post*trace"""
        recurrent.run_regularly(rule, when="end")
        courses = brian2.StateMonitor(rates, "x", record=True), brian2.StateMonitor(recurrent, "w", record=True)
        expected = brian2.StateMonitor(critic, ["plus", "minus"], record=True)
        brian2.Network(rates, critic, recurrent, *others, *courses, expected).run(1000 * ms)
    for name, course in (
        ("R.x", courses[0].x),
        ("critic.plus", expected.plus),
        ("critic.minus", expected.minus),
        ("J.w", courses[1].w),
    ):
        equal(found, name, course)
    assert np.ptp(found["batched"]["J.w"].values[:, 0], axis=0).max() > 1e-6
