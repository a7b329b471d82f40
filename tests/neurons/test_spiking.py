"""The spiking neurons against closed forms, against what is known of them, and against Brian2."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import brian2
import numpy as np
import pytest
from pydantic import ValidationError

from neurosim import registry
from neurosim.neurons._model import NeuronModel

#: A suprathreshold constant input for each neuron: value, time step in seconds, plausible rates in hertz.
DRIVEN = {
    "lif": (1.5, 1e-4, (30.0, 60.0)),
    "adaptive_lif": (1.5, 1e-4, (10.0, 40.0)),
    "adex": (1e-9, 1e-4, (10.0, 60.0)),
    "izhikevich": (10.0, 1e-4, (5.0, 40.0)),
    "hodgkin_huxley": (0.1, 5e-5, (50.0, 90.0)),
}


def build(name: str, **settings: Any) -> NeuronModel:
    module = registry.load("neurons", name)
    return module.build(module.Config(**settings))


def step_through(
    model: NeuronModel,
    duration: float,
    dt: float,
    inputs: Mapping[str, float],
    start: Mapping[str, float] | None = None,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Brian2's order of a step, in a few lines of NumPy: traces before each step, and the spikes of each."""
    written = {**model.expressions, **model.functions}
    functions = {name: function.compile(np) for name, function in written.items()}
    values: dict[str, Any] = {
        **model.parameter_values,
        **model.initial_values,
        **inputs,
        **(start or {}),
        "dt": dt,
    }
    hold = model.refractory_seconds
    if hold is None and not model.refractory_is_condition and model.refractory:
        hold = values[model.refractory]
    since, fired = math.inf, False
    steps = round(duration / dt)
    traces = {name: np.empty(steps) for name in model.state_variables}
    spikes = np.zeros(steps, dtype=bool)

    def call(name: str) -> Any:
        return functions[name](**{argument: values[argument] for argument in written[name].arguments})

    for step in range(steps):
        for name in traces:
            traces[name][step] = values[name]
        values["not_refractory"] = True
        if hold is not None:
            values["not_refractory"] = since >= round(hold / dt)
        elif model.refractory_is_condition:
            # A condition holds a neuron that has fired, and only while it is true.
            fired = fired and bool(call("refractory"))
            values["not_refractory"] = not fired
        moved = call("advance")
        values.update(zip(model.functions["advance"].returns, moved, strict=True))
        spikes[step] = bool(call("threshold")) and values["not_refractory"]
        since += 1
        values["spikes"] = spikes[step]
        after = call("reset")
        order = model.functions["reset"].returns
        values.update(zip(order, after if len(order) > 1 else (after,), strict=True))
        if spikes[step]:
            since, fired = 1, True
    return traces, spikes


def run_in_brian(model: NeuronModel, duration: float, dt: float, inputs: Mapping[str, float]) -> tuple[Any, np.ndarray]:
    """The same text in a Brian2 group built by hand."""
    refractory: Any = False if model.refractory is None else model.refractory
    group = brian2.NeuronGroup(
        1,
        str(model.equation_set),
        threshold=model.threshold,
        reset=model.reset,
        refractory=refractory,
        method=model.resolved_method,
        dt=dt * brian2.second,
        name="neurons",
        namespace={},
    )
    for name, value in {**model.parameter_values, **model.initial_values, **inputs}.items():
        group.variables[name].set_value(value)
    traces = brian2.StateMonitor(group, model.state_variables, record=True, name="traces", when="start")
    spikes = brian2.SpikeMonitor(group, name="fired")
    brian2.Network(group, traces, spikes).run(duration * brian2.second)
    # Copies: what a monitor shows may be its own memory, which goes with it.
    courses = {name: np.array(getattr(traces, f"{name}_")[0], copy=True) for name in model.state_variables}
    return courses, np.round(np.array(spikes.t_, copy=True) / dt).astype(int)


@pytest.mark.parametrize("name", DRIVEN)
def test_silent_without_input(name: str) -> None:
    _, dt, _ = DRIVEN[name]
    traces, spikes = step_through(build(name), 0.05, dt, {})
    assert not spikes.any()
    assert np.ptp(traces["v"]) < 1e-3


@pytest.mark.parametrize("name", DRIVEN)
def test_fires_regularly_at_a_plausible_rate(name: str) -> None:
    current, dt, (slowest, fastest) = DRIVEN[name]
    _, spikes = step_through(build(name), 0.5, dt, {"i_ext": current})
    intervals = np.diff(np.flatnonzero(spikes))[-4:]
    assert slowest <= spikes.sum() / 0.5 <= fastest
    assert np.ptp(intervals) <= max(2, 0.05 * intervals.mean())


@pytest.mark.parametrize("name", DRIVEN)
def test_agrees_with_brian(name: str) -> None:
    current, dt, _ = DRIVEN[name]
    inputs = {"i_ext": current}
    model = build(name)
    traces, spikes = step_through(model, 0.1, dt, inputs)
    expected, expected_spikes = run_in_brian(model, 0.1, dt, inputs)
    np.testing.assert_array_equal(np.flatnonzero(spikes), expected_spikes)
    assert spikes.any()
    for variable, trace in traces.items():
        np.testing.assert_allclose(trace, expected[variable], rtol=1e-9, atol=1e-12 * np.abs(expected[variable]).max())


@pytest.mark.parametrize("name", DRIVEN)
def test_drive_fires_it_too_and_the_output_counts_spikes(name: str) -> None:
    _, dt, _ = DRIVEN[name]
    model = build(name)
    traces, spikes = step_through(model, 0.5, dt, {model.ports["drive"]: 1.5})
    late = slice(round(0.2 / dt), None)
    rate = spikes[late].sum() / 0.3
    # A filtered spike train of unit jumps averages to the rate times its time constant.
    assert rate > 0
    assert traces[model.ports["output"]][late].mean() == pytest.approx(rate * 0.02, rel=0.25)


@pytest.mark.parametrize("current", [1.05, 1.5, 3.0])
def test_lif_f_i_curve(current: float) -> None:
    _, spikes = step_through(build("lif"), 0.3, 1e-5, {"i_ext": current})
    interval = 2e-3 + 20e-3 * math.log(current / (current - 1.0))
    assert np.diff(np.flatnonzero(spikes)).mean() * 1e-5 == pytest.approx(interval, abs=2e-5)


def test_lif_is_silent_below_rheobase() -> None:
    assert not step_through(build("lif"), 0.5, 1e-4, {"i_ext": 1.0})[1].any()


@pytest.mark.parametrize("period", ["2 ms", "5 ms"])
def test_refractory_period_bounds_the_rate(period: str) -> None:
    _, spikes = step_through(build("lif", tau_ref=period), 0.5, 1e-4, {"i_ext": 1e4})
    steps = round(float(period.split()[0]) / 0.1)
    assert set(np.diff(np.flatnonzero(spikes))) <= {steps, steps + 1}


@pytest.mark.parametrize("name", ["lif", "adaptive_lif"])
def test_passive_decay(name: str) -> None:
    traces, _ = step_through(build(name), 0.05, 1e-4, {}, {"v": 0.5, "a": 1.0})
    time = np.arange(500) * 1e-4
    np.testing.assert_allclose(traces["v"], 0.5 * np.exp(-time / 20e-3), rtol=2e-5)
    np.testing.assert_allclose(traces["a"], np.exp(-time / 5e-3), rtol=1e-3)


@pytest.mark.parametrize("tau_syn", ["5 ms", "20 ms"])
def test_synaptic_current_makes_a_difference_of_exponentials(tau_syn: str) -> None:
    traces, _ = step_through(build("lif", tau_syn=tau_syn), 0.1, 1e-4, {}, {"i_syn": 0.9})
    time, fast, slow = np.arange(1000) * 1e-4, float(tau_syn.split()[0]) * 1e-3, 20e-3
    if fast == slow:
        expected = 0.9 * time / slow * np.exp(-time / slow)
    else:
        expected = 0.9 * fast / (slow - fast) * (np.exp(-time / slow) - np.exp(-time / fast))
    np.testing.assert_allclose(traces["v"], expected, atol=1e-4)


def test_adaptation_slows_the_neuron_down() -> None:
    _, spikes = step_through(build("adaptive_lif"), 0.5, 1e-4, {"i_ext": 2.0})
    intervals = np.diff(np.flatnonzero(spikes))
    assert intervals[-1] > 1.5 * intervals[0]
    _, plain = step_through(build("lif"), 0.5, 1e-4, {"i_ext": 2.0})
    _, without = step_through(build("adaptive_lif", beta=0.0), 0.5, 1e-4, {"i_ext": 2.0})
    np.testing.assert_array_equal(plain, without)


def test_hodgkin_huxley_starts_at_its_fixed_point() -> None:
    traces, _ = step_through(build("hodgkin_huxley"), 0.05, 5e-5, {})
    np.testing.assert_allclose(traces["v"], -65e-3, atol=1e-4)


def test_pseudo_derivative_peaks_at_threshold() -> None:
    model = build("lif", width=0.5)
    psi = model.expressions["psi"].compile(np)
    got = psi(v=np.array([1.0, 1.5, 0.5]), v_th=1.0, width=0.5)
    np.testing.assert_allclose(got, [1.0, 0.25, 0.25])


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("lif", "tau_m", "20 mV"),
        ("lif", "tau_ref", "-1 ms"),
        ("adaptive_lif", "tau_theta", "0 ms"),
        ("adex", "g_leak", "30 pF"),
        ("izhikevich", "d", "8 mV"),
        ("hodgkin_huxley", "c_m", "1 uF"),
    ],
)
def test_a_wrong_unit_names_the_parameter(name: str, setting: str, value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        build(name, **{setting: value})
    (fault,) = caught.value.errors()
    assert fault["loc"] == (setting,)
    assert value in fault["msg"] and "expected" in fault["msg"]
