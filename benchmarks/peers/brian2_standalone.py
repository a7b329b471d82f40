# /// script
# requires-python = ">=3.11"
# dependencies = ["brian2"]
#
# [tool.benchmarks]
# label = "Brian2, C++ standalone"
# works = ["spiking_forward", "rate_step", "cuba", "cuba_one_delay", "cuba_delays", "stdp_recurrent"]
# programs = ["g++", "make"]
# here = true
# ///
"""Brian2 by hand, as a program of its own: single trials, one process on each core at the same time."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import brian2
import numpy as np
from brian2 import ms, mV, second, volt

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


def cuba(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """The network of Vogels and Abbott without delays."""
    return _vogels_abbott(data)


def cuba_one_delay(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """With one delay of all synapses."""
    return _vogels_abbott(data)


def cuba_delays(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """With a delay of each synapse."""
    return _vogels_abbott(data)


def stdp_recurrent(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """Pair-based STDP by traces that are computed when a spike needs them."""
    network = _device("float64", 0.1)
    w_max, a_plus, a_minus = map(float, data["constants"])
    neurons = brian2.NeuronGroup(
        len(data["v"]),
        "dv/dt = (drive - v)/(20*ms) : 1\ndrive : 1 (constant)",
        threshold="v > 1",
        reset="v = 0",
        method="exact",
    )
    neurons.v, neurons.drive = data["v"], data["drive"]
    synapses = brian2.Synapses(
        neurons,
        neurons,
        """
        w : 1
        dx/dt = -x/(20*ms) : 1 (event-driven)
        dy/dt = -y/(20*ms) : 1 (event-driven)
        """,
        on_pre="v_post += w\nx += 1\nw = clip(w - a_minus*y, 0, w_max)",
        on_post="y += 1\nw = clip(w + a_plus*x, 0, w_max)",
        namespace={"w_max": w_max, "a_plus": a_plus, "a_minus": a_minus},
    )
    synapses.connect(i=data["pre"], j=data["post"])
    synapses.w = data["weights"]
    network.add(synapses)
    return _second(network, neurons)


def _vogels_abbott(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """The network of Vogels and Abbott, with the delays that are given."""
    network = _device("float64", 0.1)
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
    )
    neurons.v = data["v"] * volt
    for name, variable in (("excitatory", "ge"), ("inhibitory", "gi")):
        weight, late = {"weight": float(data[f"{name}_weight"]) * volt}, data.get(f"{name}_delay")
        one: Any = {"delay": float(late) * second} if late is not None and late.ndim == 0 else {}
        synapses = brian2.Synapses(
            neurons, neurons, on_pre=f"{variable}_post += weight", namespace=weight, name=name, **one
        )
        synapses.connect(i=data[f"{name}_pre"], j=data[f"{name}_post"])
        if late is not None and late.ndim:
            synapses.delay = late * second
        network.add(synapses)
    return _second(network, neurons)


def _given(data: dict[str, np.ndarray]) -> tuple[list[np.ndarray], np.ndarray, int]:
    """Weights, some trials of the input one after the other (step, neuron), and the steps of a trial."""
    weights = [data[f"w{k}"].astype(float) for k in range(1, len(data["sizes"]))]
    course = data["course"]
    return weights, np.concatenate(np.moveaxis(course[:, :TRIALS], 1, 0)), len(course)


def _device(precision: str = "float32", step: float = 1.0) -> Any:
    brian2.set_device("cpp_standalone", build_on_run=False)
    brian2.prefs.devices.cpp_standalone.extra_make_args_unix = ["-j"]
    brian2.prefs.core.default_float_dtype = np.dtype(precision).type
    brian2.defaultclock.dt = step * ms
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


def _second(network: Any, neurons: Any) -> dict[str, Any]:
    """Compile and run a second of one trial; a round is the program as a whole, its processor time what counts."""
    monitor = brian2.SpikeMonitor(neurons, record=False)
    network.add(neurons, monitor)
    device: Any = brian2.get_device()
    device.insert_code("before_network_run", "const auto began = std::clock();")
    device.insert_code(
        "after_network_run",
        """
        std::ofstream taken(std::string(argv[0]) + ".seconds");
        taken << double(std::clock() - began)/CLOCKS_PER_SEC;
        """,
    )
    brian2.prefs.codegen.cpp.headers = ["<ctime>", "<fstream>", "<string>"]
    network.run(1 * second)
    folder = Path.cwd() / "program"
    device.build(directory=str(folder), compile=True, run=True, with_output=False)
    rate = float(np.asarray(monitor.N)) / len(neurons)

    def run() -> float:
        begin = _of_children()
        subprocess.run([folder / "main"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        return _of_children() - begin

    taken = run()
    within = float((folder / "main.seconds").read_text())
    note = f"float64, 1 thread, its steps take {within / taken:.2f} of its time"
    return {"round": run, "trials": 1, "rated": [0], "rates": [rate], "note": note}


def _of_children() -> float:
    """Processor time of all that has been started and has ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
