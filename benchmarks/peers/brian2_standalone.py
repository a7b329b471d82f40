# /// script
# requires-python = ">=3.11"
# dependencies = ["brian2"]
#
# [tool.benchmarks]
# label = "Brian2, C++ standalone"
# works = ["spiking_forward", "rate_step"]
# programs = ["g++", "make"]
# here = true
# ///
"""Brian2 by hand, as a program of its own: single trials, one process on each core at the same time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import brian2
import numpy as np
from brian2 import ms

#: Trials that each process simulates in a round.
TRIALS = 5


def spiking_forward(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """Spikes of the input and of the layers jump potentials."""
    weights, course, steps = _given(data)
    network = _device()
    keep = float(data["keep"])
    when, neuron = np.nonzero(course)
    source = brian2.SpikeGeneratorGroup(
        course.shape[1], neuron, when * ms, dt=1 * ms, when="start", order=1, name="source"
    )
    layers = [
        brian2.NeuronGroup(
            len(w), "dv/dt = -v/(20*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", name=f"layer{k}"
        )
        for k, w in enumerate(weights, start=1)
    ]
    for layer in layers:
        # Each trial begins at rest, before its first input arrives.
        network.add(layer.run_regularly("v = 0", dt=steps * ms, when="start", order=0))
    # A step lets in the share 1 - keep of the input's current, and the state update leaves the share keep of it.
    scales = ((1 - keep) / keep, *(1.0 for _ in weights[1:]))
    for k, (scale, w) in enumerate(zip(scales, weights, strict=True)):
        synapses = brian2.Synapses(
            layers[k - 1] if k else source, layers[k], "w : 1", on_pre="v_post += w", name=f"synapses{k + 1}"
        )
        _connect(synapses, scale * w)
        if k == 0:
            # The input acts before the state update, as a current does.
            synapses.pre.when, synapses.pre.order = "start", 2
        network.add(synapses)
    monitors = [brian2.SpikeMonitor(layer, record=False, name=f"counts{k}") for k, layer in enumerate(layers, 1)]
    network.add(source, *layers)
    program = _built(network, TRIALS * steps, monitors)
    counts = [int(np.asarray(monitor.N)) for monitor in monitors]
    rates = [count / (len(layer) * TRIALS * steps) for count, layer in zip(counts, layers, strict=True)]
    return _prepared(program, rates, range(TRIALS))


def rate_step(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """Leaky rate units whose inputs are sums over synapses."""
    weights, course, steps = _given(data)
    network = _device()
    values = brian2.TimedArray(course, dt=1 * ms, name="values")
    source = brian2.NeuronGroup(course.shape[1], "r = values(t, i) : 1 (constant over dt)", name="source")
    source.namespace["values"] = values
    text = "dv/dt = (drive - v)/(20*ms) : 1\nr = tanh(v) : 1\ndrive : 1"
    layers = [
        brian2.NeuronGroup(len(w), text, method="exact", name=f"layer{k}") for k, w in enumerate(weights, start=1)
    ]
    for layer in layers:
        network.add(layer.run_regularly("v = 0", dt=steps * ms, when="start"))
    for k, w in enumerate(weights):
        synapses = brian2.Synapses(
            layers[k - 1] if k else source,
            layers[k],
            "w : 1\ndrive_post = w*r_pre : 1 (summed)",
            name=f"synapses{k + 1}",
        )
        _connect(synapses, w)
        network.add(synapses)
    network.add(source, *layers)
    program = _built(network, TRIALS * steps, [])
    last = [float(np.mean(np.abs(np.tanh(np.asarray(layer.v))))) for layer in layers]
    # Of the last trial, since that is what the state is left by.
    return _prepared(program, last, [TRIALS - 1])


def _given(data: dict[str, np.ndarray]) -> tuple[list[np.ndarray], np.ndarray, int]:
    """Weights, some trials of the input one after the other (step, neuron), and the steps of a trial."""
    weights = [data[f"w{k}"].astype(float) for k in range(1, len(data["sizes"]))]
    course = data["course"]
    return weights, np.concatenate(np.moveaxis(course[:, :TRIALS], 1, 0)), len(course)


def _device() -> Any:
    brian2.set_device("cpp_standalone", build_on_run=False)
    brian2.prefs.devices.cpp_standalone.extra_make_args_unix = ["-j"]
    brian2.prefs.core.default_float_dtype = np.float32
    brian2.defaultclock.dt = 1 * ms
    return brian2.Network()


def _connect(synapses: Any, weights: np.ndarray) -> None:
    post, pre = weights.shape
    synapses.connect(i=np.repeat(np.arange(pre), post), j=np.tile(np.arange(post), pre))
    synapses.w = weights.T.ravel()


def _built(network: Any, steps: int, monitors: list[Any]) -> Path:
    """Compile and run once, so that results can be read, then once more without counting spikes."""
    network.add(*monitors)
    device: Any = brian2.get_device()
    # Brian2 2.9 measures processor time. What counts here is the time on the wall, of the simulation without the start
    # of the program, which makes all synapses.
    device.insert_code("before_network_run", "const auto began = std::chrono::steady_clock::now();")
    device.insert_code(
        "after_network_run",
        """
        std::ofstream taken(std::string(argv[0]) + "." + std::to_string(getpid()) + ".seconds");
        taken.precision(17);
        taken << std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        """,
    )
    brian2.prefs.codegen.cpp.headers = ["<chrono>", "<fstream>", "<string>", "<unistd.h>"]
    network.run(steps * ms)
    folder = Path.cwd() / "program"
    device.build(directory=str(folder), compile=True, run=True, with_output=False)
    return folder / "main"


def _prepared(program: Path, rates: list[float], rated: Iterable[int]) -> dict[str, Any]:
    cores = os.cpu_count() or 1

    def run() -> float:
        running = [subprocess.Popen([program], cwd=program.parent) for _ in range(cores)]
        for process in running:
            if process.wait():
                raise RuntimeError(f"the program ended with exit code {process.returncode}")
        files = [program.with_name(f"main.{process.pid}.seconds") for process in running]
        found = [float(file.read_text()) for file in files]
        for file in files:
            file.unlink()
        return max(found)

    return {
        "round": run,
        "trials": cores * TRIALS,
        "rated": rated,
        "rates": rates,
        "note": f"float32, {cores} processes of one thread, each with {TRIALS} single trials",
    }
