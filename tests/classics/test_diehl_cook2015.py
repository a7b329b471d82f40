"""The network of Diehl & Cook (2015) beside plain Brian2, and neurons that come to prefer one digit."""

from __future__ import annotations

from typing import Any

import brian2
from brian2 import Hz, ms, mV

from neurosim import load_circuit
from tests.classics.beside_brian import delays, draws_of, equal, joined, on_both, plain_brian, same_spikes, weights

INPUT = "rate = pixels(t % (5000*ms), i)*int(t/ms % 500 < 350) : Hz"
CELL = """
dv/dt = (v_rest - v - ge*v + gi*(v_inh - v))/tau : volt (unless refractory)
dge/dt = -ge/ms : 1
dgi/dt = -gi/(2*ms) : 1
"""
THETA = "dtheta/dt = -theta/(1e7*ms) : volt"
SYNAPSE = """
dx/dt = -x/(20*ms) : 1 (clock-driven)
dy1/dt = -y1/(20*ms) : 1 (clock-driven)
dy2/dt = -y2/(40*ms) : 1 (clock-driven)
w : 1
"""

#: Of excitatory and of inhibitory neurons.
REFRACTORY: tuple[Any, Any] = 5 * ms, 2 * ms


def test_it_is_what_plain_brian2_computes() -> None:
    file, steps = load_circuit("classics/diehl_cook2015"), 600
    found = on_both(file, duration="300 ms", record=["E.spikes", "E.theta", "learned.w"], every={})
    units, (long, short) = {"ms": ms, "mV": mV}, REFRACTORY
    with plain_brian(5e-4):
        groups: dict[str, Any] = {}
        draws = brian2.TimedArray(draws_of(file, "inputs.threshold", 35, steps), dt=0.5 * ms)
        pixels = brian2.TimedArray(weights(file, "image").reshape(35, 10).T * Hz, dt=500 * ms)
        space = units | {"draws": draws, "pixels": pixels}
        groups["inputs"] = brian2.NeuronGroup(35, INPUT, threshold="draws(t, i) < rate*dt", reset="", namespace=space)
        own = {"tau": 100 * ms, "v_rest": -65 * mV, "v_inh": -100 * mV}
        groups["E"] = brian2.NeuronGroup(
            20,
            CELL + THETA,
            threshold="v > theta - 52*mV",
            reset="v = -65*mV; theta += 0.5*mV",
            refractory=long,
            method="euler",
            namespace=units | own,
        )
        own = {"tau": 10 * ms, "v_rest": -60 * mV, "v_inh": -85 * mV}
        groups["I"] = brian2.NeuronGroup(
            20, CELL, threshold="v > -40*mV", reset="v = -45*mV", refractory=short, method="euler",
            namespace=units | own,
        )  # fmt: skip
        groups["E"].v, groups["I"].v = -65 * mV, -60 * mV
        learned = brian2.Synapses(
            groups["inputs"],
            groups["E"],
            SYNAPSE,
            on_pre="ge_post += 5*w; x = 1; w = clip(w - 0.001*y1, 0, 1)",
            on_post="w = clip(w + 0.05*x*y2, 0, 1); y1 = 1; y2 = 1",
            method="exact",
            namespace=units,
        )
        joined(learned, file, "learned")
        learned.pre.delay = delays(file, "learned") * brian2.second
        fixed = []
        for name, pre, post, target in (("EI", "E", "I", "ge"), ("IE", "I", "E", "gi")):
            fixed.append(brian2.Synapses(groups[pre], groups[post], "w : 1", on_pre=f"{target}_post += w"))
            joined(fixed[-1], file, name)
        spikes = brian2.SpikeMonitor(groups["E"])
        theta, course = (
            brian2.StateMonitor(owner, name, record=True) for owner, name in ((groups["E"], "theta"), (learned, "w"))
        )
        brian2.Network(*groups.values(), learned, *fixed, spikes, theta, course).run(300 * ms)
    same_spikes(found, "E.spikes", spikes, least=5)
    equal(found, "E.theta", theta.theta)
    equal(found, "learned.w", course.w)


def test_neurons_come_to_prefer_a_digit() -> None:
    """After five rounds, the neuron that answers a digit most is mostly the same as a round before, and another one."""
    spikes = load_circuit("classics/diehl_cook2015").simulate(duration="25 second", record=["E.spikes"], every={})
    shown = spikes["E.spikes"].values[:, 0].reshape(50, 1000, 20)[:, :700].sum(axis=1)
    winners = shown.argmax(axis=1).reshape(5, 10)
    assert (winners[-1] == winners[-2]).sum() >= 4
    assert len(set(winners[-1])) >= 7
