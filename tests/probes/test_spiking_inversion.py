"""Dynamic inversion by spiking neurons: beside the loop without spikes, on both engines, and as one weight matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Population
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state
from neurosim.errors import ConfigError
from neurosim.probes import _spiking_inversion
from neurosim.probes._spiking_loop import TARGET
from neurosim.probes.spiking_inversion import Config

SETTING = Setting("spiking", 1e-4, "float64")
SMALL = Config(neurons=(6,), settling=("30 ms",), background="20 ms", trials=2)


@pytest.fixture(scope="module")
def small(parts: Callable[..., Any], shipped: Callable[..., Any]) -> tuple[Circuit, State, np.ndarray]:
    """A loop of 3 units above 4, 6 neurons for each number."""
    sections = shipped("podlaski2020/spiking")
    sections["task"] = {"kind": "linear_regression", "n_outputs": 3, "n_train": 16}
    sections["network"] = {**sections["network"], "hidden": [4]}
    engine, task = parts(sections)
    bench = _spiking_inversion.bench_of(SMALL, engine, task, engine.circuit.loops[0], 0)
    circuit, state = _spiking_inversion.circuit_of(SMALL, bench, _spiking_inversion.codes_of(SMALL, bench, 6, 0))
    return circuit, state, bench.targets


def test_both_engines_run_it_spike_by_spike(small: tuple[Circuit, State, np.ndarray]) -> None:
    circuit, state, targets = small
    names = ("controller.u", "error.x", "controller_cells.spikes", "error_cells.spikes")
    _, got = BatchedEngine(circuit, SETTING).run(state, {TARGET: targets}, record=names)
    _, expected = BrianEngine(circuit, SETTING, "numpy").run(state, {TARGET: targets}, record=names)
    for name in names[2:]:
        assert expected.recordings[name].sum() > 20
        np.testing.assert_array_equal(got.recordings[name], expected.recordings[name])
    for name in names[:2]:
        theirs = expected.recordings[name]
        np.testing.assert_allclose(got.recordings[name], theirs, rtol=0, atol=1e-9 * np.abs(theirs).max())
        # The two trials have other targets.
        assert np.abs(theirs[-1, 0] - theirs[-1, 1]).max() > 0.01 * np.abs(theirs).max()


def test_the_factors_are_weights_from_every_neuron_to_every_other(small: tuple[Circuit, State, np.ndarray]) -> None:
    # The same neurons with synapses of their own, and one matrix each way. By Euler's method, because any other would
    # follow a neuron's own synapse within a step.
    circuit, state, targets = small
    circuit = replace(circuit, populations=tuple(replace(p, method="euler") for p in circuit.populations))
    of = circuit.population
    lines = {
        "controller": "ds/dt = -(leak*s + inverting*target)/tau_u : 1\ntarget : 1\ninverting : 1 (shared)",
        "error": "ds/dt = -s/tau_x : 1",
    }
    cells = [
        Population(
            f"{name}_cells",
            of[f"{name}_cells"].size,
            of[f"{name}_cells"].neuron,
            bind={"drive": "s"},
            equations=text,
            parameters=of[name].neuron.parameters,
            method="euler",
        )
        for name, text in lines.items()
    ]
    pathways = (
        replace(circuit.pathway["B"], target="error_cells.s"),
        replace(circuit.pathway["R"], target="controller_cells.s"),
    )
    full = Circuit("full", tuple(cells), pathways, circuit.phases)
    given = initial_state(full, 0) | {n: a for n, a in state.items() if n.endswith("i_ext")}
    given |= {"B.w": state["X.w"] @ state["B.w"], "R.w": state["U.w"] @ state["R.w"]}
    names = ("controller_cells.spikes", "error_cells.spikes")
    stimuli = {"controller_cells.target": targets @ state["U.w"].T}
    _, got = BatchedEngine(full, SETTING).run(given, stimuli, record=names)
    _, expected = BatchedEngine(circuit, SETTING).run(state, {TARGET: targets}, record=names)
    for name in names:
        assert expected.recordings[name].sum() > 20
        np.testing.assert_array_equal(got.recordings[name], expected.recordings[name])


@pytest.mark.slow
def test_more_neurons_invert_better_down_to_where_rates_would_be(
    probe: Callable[..., Any], shipped: Callable[..., Any]
) -> None:
    found = probe(shipped("podlaski2020/spiking", "quick"))
    numbers = found.numbers
    assert numbers["error_80"] < 0.7 * numbers["error_20"]
    assert numbers["angle_deg_80"] < numbers["angle_deg_20"] < 20
    # Rates lose less than spikes do, and at first both loops are as far as each other.
    assert numbers["static_error_80"] < 0.5 * numbers["error_80"]
    assert numbers["error_at_50ms"] == pytest.approx(numbers["rate_error_at_50ms"], rel=0.15)
    assert numbers["settling_rate_ratio"] == pytest.approx(1, abs=0.25)
    assert dict(found.curves.sizes) == {"draw": 1, "neurons": 2, "settling": 4}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scheme": {"leak": 0.0}}, "leak: got 0, expected a number above 0"),
        ({"scheme": {"inversion_duration": "100 ms"}}, "inversion_duration: got 100 ms, expected at least"),
        ({"scheme": {"convention": "saturating"}}, "expected one whose errors settle in linear loops"),
        ({"probe": {"settling": ["50 ms", "25 ms"]}}, "expected rising whole numbers"),
        ({"probe": {"lowest_rate": "900 Hz", "highest_rate": "950 Hz"}}, "refractory period allows"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    probe: Callable[..., Any], shipped: Callable[..., Any], changes: dict[str, Any], message: str
) -> None:
    sections = shipped("podlaski2020/spiking", "quick")
    for name, table in changes.items():
        sections[name] = {**sections[name], **table}
    with pytest.raises(ConfigError, match=message):
        probe(sections)
