"""Perceptron learning within bounds beside plain Brian2; Dale's law holds and halves what can be learned."""

from __future__ import annotations

import brian2
import numpy as np
from brian2 import ms

from neurosim import load_circuit
from tests.classics.beside_brian import equal, joined, on_both, plain_brian

PATTERNS = "shown = int(abs(floor(t/ms + 0.5) % 60 - i) < 0.5) : 1"
OUTPUT = "on_E : 1\non_I : 1\ntarget : 1\nerror = target - sign(on_E + on_I) : 1"


def test_it_is_what_plain_brian2_computes() -> None:
    file = load_circuit("classics/dale")
    found = on_both(file, duration="200 ms", record=["output.error", "W_E.w", "W_I.w"], every={})
    with plain_brian(1e-3):
        patterns = brian2.NeuronGroup(60, PATTERNS, namespace={"ms": ms})
        inputs = {name: brian2.NeuronGroup(n, "x : 1") for name, n in (("E", 80), ("I", 20))}
        output = brian2.NeuronGroup(1, OUTPUT)
        fixed, learned, rules = [], {}, []
        for name, target, post in (
            ("shown_E", inputs["E"], "x"),
            ("shown_I", inputs["I"], "x"),
            ("taught", output, "target"),
        ):
            fixed.append(brian2.Synapses(patterns, target, f"w : 1\n{post}_post = w*shown_pre : 1 (summed)"))
            fixed[-1].summed_updaters[f"{post}_post"].order = -2
            joined(fixed[-1], file, name)
        for name, bounds in (("E", "0, inf"), ("I", "-inf, 0")):
            model = f"w : 1\non_{name}_post = w*x_pre : 1 (summed)"
            learned[name] = brian2.Synapses(inputs[name], output, model)
            joined(learned[name], file, f"W_{name}")
            rules.append(learned[name].run_regularly(f"w = clip(w + 0.01*error_post*x_pre, {bounds})", when="end"))
        monitors = {name: brian2.StateMonitor(synapses, "w", record=True) for name, synapses in learned.items()}
        errors = brian2.StateMonitor(output, "error", record=True, when="before_thresholds")
        network = brian2.Network(
            patterns, *inputs.values(), output, *fixed, *learned.values(), *monitors.values(), errors
        )
        network.run(200 * ms)
    equal(found, "output.error", errors.error)
    for name, monitor in monitors.items():
        for recording in found.values():
            got = recording[f"W_{name}.w"].values[:, 0].reshape(200, -1)
            np.testing.assert_allclose(got, monitor.w.T, rtol=1e-9, atol=1e-9)


def test_signs_hold_and_halve_the_capacity() -> None:
    wrong = {}
    for variant, count in (("", 60), ("+many", 150), ("+free", 150)):
        found = load_circuit(f"classics/dale{variant}").simulate()
        wrong[variant] = np.mean(found["output.error"].values[-10 * count :] != 0)
        if variant != "+free":
            assert found["W_E.w"].values.min() >= 0 >= found["W_I.w"].values.max()
    assert wrong[""] == 0 and wrong["+many"] > 0.2 and wrong["+free"] < 0.1
