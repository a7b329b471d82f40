# /// script
# requires-python = ">=3.10"
# dependencies = ["ANNarchy==5.0.4.1"]
#
# [tool.benchmarks]
# label = "ANNarchy"
# works = ["spiking_forward", "rate_step"]
# programs = ["g++", "cmake", "make"]
# ///
"""ANNarchy: single trials, one process of one thread on each core at the same time."""

# pyright: reportMissingImports=false
# It is imported in an environment of its own.

from __future__ import annotations

import multiprocessing
import os
import time
from typing import Any

import ANNarchy as ann
import numpy as np

#: Trials that each process simulates in a round.
TRIALS = 5


def spiking_forward(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """Spikes of the input and of the layers jump potentials, a step later."""
    weights, course = _given(data)
    network, keep = _network(), float(data["keep"])
    # A number that is no parameter is compiled; what arrives in a step is in `g_exc` for that step.
    neuron = ann.Neuron(equations=f"v = {keep!r}*(v + g_exc) : init = 0.0", spike="v > 1.0", reset="v = 0.0")
    source = network.create(ann.SpikeSourceArray([[0.0]] * len(weights[0][0])))
    layers = [network.create(len(w), neuron) for w in weights]
    # A step lets in the share 1 - keep of the input's current, and the equation leaves the share keep of it.
    scaled = [(1 - keep) / keep * weights[0], *weights[1:]]
    for before, after, w in zip([source, *layers[:-1]], layers, scaled, strict=True):
        network.connect(before, after, "exc").from_matrix(w)
    monitors = [network.monitor(layer, "spike") for layer in layers]
    network.compile(silent=True)
    steps = len(course)
    trains = [[np.flatnonzero(row).astype(float).tolist() for row in course[:, k].T] for k in range(TRIALS)]

    def trials() -> float:
        taken = 0.0
        for train in trains:
            source.spike_times = train
            network.reset(monitors=False)
            begin = time.perf_counter()
            # One more, because the input arrives a step later.
            network.simulate(float(steps + 1))
            taken += time.perf_counter() - begin
        return taken * steps / (steps + 1)

    trials()
    counts = [sum(map(len, monitor.get("spike").values())) for monitor in monitors]
    for monitor in monitors:
        monitor.stop()
    rates = [count / (len(w) * steps * TRIALS) for count, w in zip(counts, weights, strict=True)]
    return _prepared(trials, rates)


def rate_step(data: dict[str, np.ndarray]) -> dict[str, Any]:
    """Leaky rate units with dense weights."""
    weights, course = _given(data)
    network = _network()
    neuron = ann.Neuron(
        parameters={"tau": 20.0},
        equations=[ann.Variable("tau*dv/dt = sum(exc) - v", init=0.0, method="exponential"), "r = tanh(v)"],
    )
    source = network.create(ann.TimedArray(rates=course[:, 0]))
    layers = [network.create(len(w), neuron) for w in weights]
    for before, after, w in zip([source, *layers[:-1]], layers, weights, strict=True):
        network.connect(before, after, "exc").from_matrix(w, storage_format="dense")
    network.compile(silent=True)
    steps = len(course)

    def trials() -> float:
        taken = 0.0
        for k in range(TRIALS):
            network.reset()
            # After it, since it brings back the first trial's; its own timers start anew.
            source.update(rates=course[:, k], reset=True)
            begin = time.perf_counter()
            # One more, because the input arrives a step later.
            network.simulate(float(steps + 1))
            taken += time.perf_counter() - begin
            activities.append([float(np.mean(np.abs(layer.r))) for layer in layers])
        return taken * steps / (steps + 1)

    activities: list[list[float]] = []
    trials()
    return _prepared(trials, np.mean(activities, axis=0).tolist())


def _given(data: dict[str, np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Weights, and some trials of the input (step, trial, neuron)."""
    return [data[f"w{k}"].astype(float) for k in range(1, len(data["sizes"]))], data["course"][:, :TRIALS].astype(float)


def _network() -> Any:
    network = ann.Network(dt=1.0)
    network.config(num_threads=1, dtype=ann.float32)
    return network


def _prepared(trials: Any, rates: list[float]) -> dict[str, Any]:
    """A copy of the process for each further core, which does the same trials when told."""
    cores = os.cpu_count() or 1
    fork = multiprocessing.get_context("fork")
    others = []
    for _ in range(cores - 1):
        here, there = fork.Pipe()
        fork.Process(target=_repeat, args=(trials, there), daemon=True).start()
        others.append(here)

    def round_() -> float:
        for other in others:
            other.send_bytes(b"\n")
        return max(trials(), *(float(other.recv_bytes()) for other in others))

    return {
        "round": round_,
        "trials": cores * TRIALS,
        "rated": range(TRIALS),
        "rates": rates,
        "note": f"float32, {cores} processes of one thread, each with {TRIALS} single trials",
    }


def _repeat(trials: Any, told: Any) -> None:
    while told.recv_bytes():
        told.send_bytes(repr(trials()).encode())
