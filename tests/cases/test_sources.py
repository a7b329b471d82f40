"""Neurons that only send: at random, or when told; against plain Brian2 and on both engines."""

from __future__ import annotations

from typing import Any

import brian2
import numpy as np
import pytest
from brian2 import ms

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Population
from neurosim.circuit.weights import Initial
from neurosim.errors import CircuitError, UnitError
from neurosim.neurons._model import NeuronModel
from neurosim.random import drawn_at, key_words
from neurosim.recording.courses import over_time
from neurosim.recording.simulate import simulate
from tests.cases.both_engines import simulated

ENGINES = ("batched", "brian")
LIF = NeuronModel("dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", name="leaky")


def built(name: str, **settings: Any) -> NeuronModel:
    module = registry.load("neurons", name)
    return module.build(module.Config(**settings))


def sending(source: NeuronModel, n: int = 5) -> Circuit:
    weights = Initial("constant", 0.4, None)
    populations = (Population("P", n, source), Population("L", 3, LIF))
    return Circuit("sending", populations, (Pathway("W", "P.spikes", "L.v", initial=weights),))


def plain_brian(group: Any, clock: Any, duration: Any) -> tuple[Any, Any]:
    """The potentials and spikes of three leaky neurons that any spike of a group reaches."""
    targets = brian2.NeuronGroup(
        3, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", clock=clock
    )
    synapses = brian2.Synapses(group, targets, on_pre="v_post += 0.4", clock=clock)
    synapses.connect()
    potentials = brian2.StateMonitor(targets, "v", record=True, when="start", clock=clock)
    spikes = brian2.SpikeMonitor(targets)
    brian2.Network(group, targets, synapses, potentials, spikes).run(duration)
    return potentials.v, spikes


def test_poisson_neurons_send_what_plain_brian2_sends_by_the_same_draws() -> None:
    circuit, steps = sending(built("poisson", rate="150 Hz")), 200
    found = {engine: simulate(circuit, "20 ms", engine=engine, seed=4) for engine in ENGINES}
    for name in ("P.spikes", "L.spikes"):
        np.testing.assert_array_equal(found["batched"][name], found["brian"][name])
    key = key_words(4, "continuous", "P", "threshold", "rand_0")
    draws = drawn_at("uniform", key, np.zeros(steps, np.uint32), 5, np.arange(steps), xp=np).astype(float)
    clock = brian2.Clock(dt=0.1 * ms)
    group = brian2.NeuronGroup(
        5, "rate : Hz", threshold="drawn(t, i) < rate*dt", reset="", clock=clock, name="plain_poisson",
        namespace={"drawn": brian2.TimedArray(draws, dt=0.1 * ms)},
    )  # fmt: skip
    group.rate = 150 * brian2.Hz
    potentials, spikes = plain_brian(group, clock, 20 * ms)
    assert found["batched"]["P.spikes"].values.sum() > 5 and len(spikes.t) > 0
    np.testing.assert_allclose(found["batched"]["L.v"][:, 0].T, potentials, rtol=1e-9, atol=1e-9)


def test_rates_of_poisson_neurons_differ_and_change() -> None:
    course = np.where(np.arange(100)[:, None] < 50, [0.0, 9000.0], [9000.0, 0.0])
    found = simulated(built("poisson"), "10 ms", n=2, inputs={"rate": over_time(course)})["spikes"][:, 0]
    assert found[:50, 0].sum() == found[50:, 1].sum() == 0
    assert found[50:, 0].sum() > 35 and found[:50, 1].sum() > 35


def given_spikes(seed: int, n: int = 5, steps: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Spikes out of order, at most one of a neuron in a step."""
    chosen = np.random.default_rng(seed).permutation(steps * n)[:40]
    return chosen // n * 1e-4, chosen % n


def test_told_neurons_send_what_a_spike_generator_of_plain_brian2_sends() -> None:
    times, indices = given_spikes(0)
    found = {
        engine: simulate(
            sending(built("spike_source")), "20 ms", engine=engine, inputs={"P.spikes": (times * 1e3 * ms, indices)}
        )
        for engine in ENGINES
    }
    clock = brian2.Clock(dt=0.1 * ms)
    group = brian2.SpikeGeneratorGroup(5, indices, times * 1e3 * ms, clock=clock)
    potentials, spikes = plain_brian(group, clock, 20 * ms)
    assert len(spikes.t) > 0
    for recording in found.values():
        np.testing.assert_allclose(recording["L.v"][:, 0].T, potentials, rtol=1e-9, atol=1e-9)
        steps, neurons = np.nonzero(recording["P.spikes"].values[:, 0])
        assert sorted(zip(steps, neurons, strict=True)) == sorted(
            zip(np.round(times / 1e-4).astype(int), indices, strict=True)
        )


def test_each_trial_has_spikes_of_its_own() -> None:
    pairs = [given_spikes(1), ([], []), given_spikes(2)]
    for engine in ENGINES:
        settings: dict[str, Any] = {"trials": 3, "engine": engine, "inputs": {"P.spikes": pairs}}
        whole = simulate(sending(built("spike_source")), "20 ms", **settings)
        for trial, (times, indices) in enumerate(pairs):
            expected = np.zeros((200, 5), bool)
            expected[np.round(np.asarray(times) / 1e-4).astype(int), np.asarray(indices, int)] = True
            np.testing.assert_array_equal(whole["P.spikes"][:, trial], expected)


def test_many_given_spikes_take_little_memory() -> None:
    from neurosim.recording.courses import InputSize
    from neurosim.recording.spike_times import spikes_given

    generator = np.random.default_rng(0)
    times, indices = generator.uniform(0, 10, 400_000), generator.integers(0, 4000, 400_000)
    steps = np.floor(times / 1e-4 + 1e-3)
    kept = np.unique(steps * 4000 + indices, return_index=True)[1]
    events = spikes_given("P.spikes", (times[kept], indices[kept]), InputSize(100_000, 50, 4000, 1e-4))
    assert events.values.base is not None
    assert events.values[0].nbytes < 20e6 and np.shares_memory(events.values[0], events.values[49])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (([1e-3, 2e-3], [0]), CircuitError, "got 2 times and 1 indices; expected"),
        (
            ([-1e-3], [0]),
            CircuitError,
            "spike 0 is at -1 ms; expected times from 0 ms to before 20 ms.*simulate longer",
        ),
        (([1e-3, 0.02], [0, 0]), CircuitError, "spike 1 is at 20 ms"),
        (([1e-3], [5]), CircuitError, "spike 0 is of neuron 5; expected whole numbers from 0 to 4"),
        (([1e-3], [0.5]), CircuitError, "of neuron 0.5"),
        (([1e-3], [-1]), CircuitError, "of neuron -1"),
        (
            ([2e-3, 1e-3, 1.05e-3], [1, 1, 1]),
            CircuitError,
            "spikes 1 and 2, at 1 ms and 1.05 ms.*one time step of 0.1 ms",
        ),
        (([np.nan], [0]), UnitError, "'P.spikes'.*not finite"),
        ((["1 mV"], [0]), UnitError, "'P.spikes'.*expected a quantity in second"),
        (([1e-3] * 2, [0] * 2, [0] * 2), CircuitError, "got 3 things; expected .times, indices."),
        ([([1e-3], [0])] * 3, CircuitError, "got 3 things.*each trial .2."),
        ([([1e-3], [0]), ([1e-3], [7])], CircuitError, "of trial 1': spike 0 is of neuron 7"),
        (5, CircuitError, "got a int"),
        ((np.ones((2, 2)), [0]), CircuitError, "expected .times, indices."),
    ],
)
def test_spikes_that_do_not_fit_are_refused(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        simulate(sending(built("spike_source")), "20 ms", trials=2, inputs={"P.spikes": given})


def test_other_neurons_are_not_told_to_spike() -> None:
    with pytest.raises(CircuitError, match=r"'spikes' is no parameter of 'L'.*as 'spike_source'"):
        simulate(sending(built("poisson")), "1 ms", inputs={"L.spikes": ([1e-3], [0])})
    with pytest.raises(CircuitError, match="are the same parameter"):
        given = ([1e-4], [0])
        simulate(sending(built("spike_source")), "1 ms", inputs={"P.spikes": given, "P.firing": True})


def test_the_last_spike_is_known_without_a_refractory_period() -> None:
    text = "dv/dt = (2 + clip((t - lastspike)/ms, 0, 3) - v)/(5*ms) : 1"
    neuron = NeuronModel(f"{text}\ncount : 1", "v > 1", "v = 0.01*int(lastspike == t); count += 1", method="euler")
    found = simulated(neuron, "20 ms", trials=2, record=["v", "count", "spikes"])
    clock = brian2.Clock(dt=0.1 * ms)
    group = brian2.NeuronGroup(
        1,
        f"{text}\ncount : 1",
        threshold="v > 1",
        reset="v = 0.01*int(lastspike == t)\ncount += 1",
        refractory=0 * ms,  # type: ignore[arg-type]
        method="euler",
        clock=clock,
    )
    monitor = brian2.StateMonitor(group, ["v", "count"], record=True, when="start", clock=clock)
    brian2.Network(group, monitor).run(20 * ms)
    for trial in range(2):
        np.testing.assert_allclose(found["v"][:, trial, 0], monitor.v[0], atol=1e-9)
        np.testing.assert_array_equal(found["count"][:, trial, 0], monitor.count[0])
    assert found["count"][-1, 0, 0] > 3
