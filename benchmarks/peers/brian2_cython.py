# /// script
# requires-python = ">=3.11"
# dependencies = ["brian2"]
#
# [tool.benchmarks]
# label = "Brian2, cython"
# works = ["spiking_forward", "rate_step", "recurrent_spiking"]
# programs = ["g++"]
# here = true
# ///
"""Brian2 by hand in a running Python, by its Cython code: single trials."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import brian2
import numpy as np
from brian2 import ms, mV, second, volt

#: Trials of a round: one after the other in one run, because each run has an overhead of its own.
TRIALS = 5


def spiking_forward(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """Spikes of the input and of the layers jump potentials."""
    weights, course, steps = _given(data)
    network, keep = _network(), float(data["keep"])
    when, neuron = np.nonzero(course)
    source = brian2.SpikeGeneratorGroup(
        course.shape[1], neuron, when * ms, dt=1 * ms, period=len(course) * ms, when="start", order=1
    )
    text = "dv/dt = -v/(20*ms) : 1"
    layers = [brian2.NeuronGroup(len(w), text, threshold="v > 1", reset="v = 0", method="exact") for w in weights]
    # Each trial begins at rest, before its first input arrives.
    network.add(source, *layers, *(layer.run_regularly("v = 0", dt=steps * ms, when="start") for layer in layers))
    # A step lets in the share 1 - keep of the input's current, and the state update leaves the share keep of it.
    for k, (scale, w) in enumerate(zip(((1 - keep) / keep, *(1.0 for _ in weights[1:])), weights, strict=True)):
        synapses = brian2.Synapses(layers[k - 1] if k else source, layers[k], "w : 1", on_pre="v_post += w")
        _connect(synapses, scale * w)
        if k == 0:
            # The input acts before the state update, as a current does.
            pathway: Any = synapses.pre
            pathway.when, pathway.order = "start", 2
        network.add(synapses)
    monitors = [brian2.SpikeMonitor(layer, record=False) for layer in layers]
    network.add(*monitors)
    network.run(len(course) * ms, namespace={})
    rates = [
        int(monitor.num_spikes) / (len(layer) * len(course)) for monitor, layer in zip(monitors, layers, strict=True)
    ]
    network.remove(*monitors)
    return _prepared(network, len(course), rates, range(TRIALS))


def rate_step(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """Leaky rate units whose inputs are sums over synapses."""
    weights, course, steps = _given(data)
    network = _network()
    again = {"values": brian2.TimedArray(course, dt=1 * ms), "whole": len(course) * ms}
    source = brian2.NeuronGroup(course.shape[1], "r = values(t % whole, i) : 1 (constant over dt)", namespace=again)
    text = "dv/dt = (drive - v)/(20*ms) : 1\nr = tanh(v) : 1\ndrive : 1"
    layers = [brian2.NeuronGroup(len(w), text, method="exact") for w in weights]
    network.add(source, *layers, *(layer.run_regularly("v = 0", dt=steps * ms, when="start") for layer in layers))
    for k, w in enumerate(weights):
        before = layers[k - 1] if k else source
        synapses = brian2.Synapses(before, layers[k], "w : 1\ndrive_post = w*r_pre : 1 (summed)")
        _connect(synapses, w)
        network.add(synapses)
    network.run(len(course) * ms, namespace={})
    # Of the last trial, since that is what the state is left by.
    last = [float(np.mean(np.abs(np.tanh(np.asarray(layer.v))))) for layer in layers]
    return _prepared(network, len(course), last, [TRIALS - 1])


def recurrent_spiking(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """The network of Vogels and Abbott as Brian2's own example writes it; a round makes it anew, as a script does."""
    brian2.prefs.codegen.target = "cython"
    brian2.defaultclock.dt = 0.1 * ms
    first_inhibitory = int(data["inhibitory_pre"].min())
    rates: list[float] = []

    def simulate() -> None:
        values = {"taum": 20 * ms, "taue": 5 * ms, "taui": 10 * ms, "Vt": -50 * mV, "Vr": -60 * mV, "El": -49 * mV}
        # Brian2's own annotation allows a truth value alone.
        refractory: Any = 5 * ms
        neurons = brian2.NeuronGroup(
            len(data["v"]),
            """
            dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
            dge/dt = -ge/taue : volt
            dgi/dt = -gi/taui : volt
            """,
            threshold="v > Vt",
            reset="v = Vr",
            refractory=refractory,
            method="exact",
            namespace=values,
            # Named, because Brian2 would compile anew in each round what is called otherwise.
            name="neurons",
        )
        neurons.v = data["v"] * volt
        network = brian2.Network(neurons)
        for name, variable in (("excitatory", "ge"), ("inhibitory", "gi")):
            weight = {"weight": float(data[f"{name}_weight"]) * volt}
            code = f"{variable}_post += weight"
            synapses = brian2.Synapses(neurons, neurons, on_pre=code, namespace=weight, name=name)
            synapses.connect(i=data[f"{name}_pre"], j=data[f"{name}_post"])
            network.add(synapses)
        monitor = brian2.SpikeMonitor(neurons, name="counted")
        network.add(monitor)
        network.run(1 * second, namespace={})
        split = np.asarray(monitor.i) < first_inhibitory
        rates[:] = [split.sum() / first_inhibitory, (~split).sum() / (len(neurons) - first_inhibitory)]

    simulate()
    return {"round": simulate, "trials": 1, "rated": [0], "rates": rates, "note": "float64, 1 thread"}


def _given(data: dict[str, np.ndarray]) -> tuple[list[np.ndarray], np.ndarray, int]:
    """Weights, some trials of the input one after the other (step, neuron), and the steps of a trial."""
    weights = [data[f"w{k}"] for k in range(1, len(data["sizes"]))]
    course = data["course"]
    return weights, np.concatenate(np.moveaxis(course[:, :TRIALS], 1, 0)), len(course)


def _network() -> Any:
    brian2.prefs.codegen.target = "cython"
    brian2.prefs.core.default_float_dtype = np.float32
    brian2.defaultclock.dt = 1 * ms
    return brian2.Network()


def _connect(synapses: Any, weights: np.ndarray) -> None:
    post, pre = weights.shape
    synapses.connect(i=np.repeat(np.arange(pre), post), j=np.tile(np.arange(post), pre))
    synapses.w = weights.T.ravel()


def _prepared(network: Any, steps: int, rates: list[float], rated: Iterable[int]) -> dict[str, Any]:
    return {
        "round": lambda: network.run(steps * ms, namespace={}),
        "trials": TRIALS,
        "rated": rated,
        "rates": rates,
        "note": f"float32, 1 thread, {TRIALS} single trials in a run",
    }
