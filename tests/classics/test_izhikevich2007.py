"""Dopamine-modulated spike timing beside plain Brian2, and the synapse that earns the reward."""

from __future__ import annotations

from typing import Any

import brian2
import numpy as np
from brian2 import ms, second

from neurosim import load_circuit
from tests.classics.beside_brian import draws_of, equal, joined, on_both, plain_brian, same_spikes

CELL = """
dv/dt = (0.04*v**2 + 5*v + 140 - u + 19*(draws(t, i) - 0.5))/ms : 1
du/dt = a*(0.2*v - u)/ms : 1
dopamine : 1
a : 1
b : 1
"""
CRITIC = "dn1/dt = -n1/(20*ms) : 1\ndn2/dt = -n2/ms : 1"
SYNAPSE = """
dx/dt = -x/(20*ms) : 1 (clock-driven)
dy/dt = -y/(20*ms) : 1 (clock-driven)
dc/dt = -c/(1*second) : 1 (clock-driven)
w : 1
"""
STEPS, SECONDS = 800, 0.4


def test_it_is_what_plain_brian2_computes() -> None:
    """With reward that is likely and comes after 20 to 40 ms, so that some comes within the test."""
    likely = "n2 > 0.5 and n1 > exp(-1) and rand() < 0.9"
    changes = [
        "pathways.paid.delay=20*ms + 5*ms*i",
        "pathways.chosen.initial=3",
        f"populations.critic.threshold={likely}",
    ]
    file = load_circuit("classics/izhikevich2007", changes)
    # Neuron 1 fires soon after neuron 0.
    start = {"E.v": np.array([29.0, 10.0, *np.linspace(-65, 20, 78)])}
    record = ["E.spikes", "critic.spikes", "chosen.w", "EE.w", "dopamine.d"]
    found = on_both(file, duration="0.4 second", record=record, every={}, state=start)
    with plain_brian(5e-4):
        groups: dict[str, Any] = {}
        for name, n, a, b in (("E", 80, 0.02, 8), ("I", 20, 0.1, 2)):
            space = {"draws": brian2.TimedArray(draws_of(file, f"{name}.noise", n, STEPS), dt=0.5 * ms), "ms": ms}
            settings = {"threshold": "v >= 30", "reset": "v = -65; u += b", "method": "euler", "namespace": space}
            groups[name] = brian2.NeuronGroup(n, CELL, **settings)
            groups[name].v, groups[name].u, groups[name].a, groups[name].b = -65, -13, a, b
        groups["E"].v = start["E.v"]
        lots = brian2.TimedArray(draws_of(file, "critic.threshold", 5, STEPS), dt=0.5 * ms)
        groups["critic"] = brian2.NeuronGroup(
            5,
            CRITIC,
            threshold="n2 > 0.5 and n1 > exp(-1) and lots(t, i) < 0.9",
            reset="n1 = 0",
            method="exact",
            namespace={"lots": lots, "ms": ms},
        )
        groups["dopamine"] = brian2.NeuronGroup(1, "dd/dt = -d/(200*ms) : 1", method="exact")
        learned = {"on_pre": "v_post += w; x = 0.1; c -= 1.5*y", "on_post": "y = 0.1; c += x"}
        synapses, rules = {}, []
        texts: dict[str, Any]
        for name, pre, post, target, delay in (
            ("EE", "E", "E", "v", 1 * ms),
            ("chosen", "E", "E", "v", 1 * ms),
            ("EI", "E", "I", "v", 1 * ms),
            ("IE", "I", "E", "v", 1 * ms),
            ("to_n1", "E", "critic", "n1", None),
            ("to_n2", "E", "critic", "n2", None),
            ("paid", "critic", "dopamine", "d", None),
        ):
            plastic = name in ("EE", "chosen")
            model, texts = (SYNAPSE, learned) if plastic else ("w : 1", {"on_pre": f"{target}_post += w"})
            made = brian2.Synapses(groups[pre], groups[post], model, method="exact", **texts)
            joined(made, file, name)
            if delay is not None:
                made.pre.delay = delay
            synapses[name] = made
            if plastic:
                text = "w = clip(w + (0.002 + dopamine_post)*c*dt/(10*ms), 0, 4)"
                rules.append(made.run_regularly(text, when="end"))
        synapses["paid"].pre.delay = "20*ms + 5*ms*i"
        told = brian2.Synapses(groups["dopamine"], groups["E"], "dopamine_post = d_pre : 1 (summed)")
        told.connect()
        spikes = {name: brian2.SpikeMonitor(groups[name]) for name in ("E", "critic")}
        courses = [brian2.StateMonitor(synapses[name], "w", record=True) for name in ("EE", "chosen")]
        courses.append(brian2.StateMonitor(groups["dopamine"], "d", record=True))
        network = brian2.Network(*groups.values(), *synapses.values(), told, *spikes.values(), *courses)
        network.run(SECONDS * second)
    same_spikes(found, "E.spikes", spikes["E"], least=40)
    same_spikes(found, "critic.spikes", spikes["critic"], least=1)
    for name, course in zip(
        ("EE.w", "chosen.w", "dopamine.d"), (courses[0].w, courses[1].w, courses[2].d), strict=True
    ):
        equal(found, name, course)
