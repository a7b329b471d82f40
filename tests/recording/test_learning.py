"""Simulations that learn: each trial by itself, weights within the run and at its end, in pieces and again."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import brian2
import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Initial, Pathway, Phase, Population
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.own_weights import refuse_too_many
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.errors import ArgumentError, CircuitError, EngineError, NeurosimWarning
from neurosim.neurons._model import NeuronModel
from neurosim.recording import simulate as module
from neurosim.recording.simulate import simulate
from neurosim.recording.store import open_recording
from neurosim.rules._rule import Rule

ENGINES = ["batched", "brian"]
LIF = NeuronModel(
    "dv/dt = (i_ext + g - v)/tau_m : 1\ndg/dt = -g/tau_s : 1\ni_ext : 1",
    threshold="v > 1",
    reset="v = 0",
    parameters={"tau_m": "10 ms", "tau_s": "5 ms", "i_ext": 1.4},
    name="lif",
)
STEP = Rule(
    "x += -x*dt/tau + spikes_pre\nw += rate*(spikes_post*x - 0.3*spikes_pre)",
    traces="x : 1",
    parameters={"tau": "20 ms", "rate": 0.05},
    timing="step",
    name="stdp",
)
END = Rule("w += 0.01*v_pre*v_post", name="hebb")
BEFORE = Rule("w += -0.1*w", timing="presentation", name="decay")
CURRENTS = np.array([[1.2, 1.5, 2.0], [2.0, 1.1, 3.0], [1.2, 1.9, 1.3]])


def _circuit(*, back: Rule = STEP, learn: tuple[str, ...] = ("W", "V"), duration: str = "12 ms") -> Circuit:
    populations = (Population("a", 3, LIF), Population("b", 2, LIF))
    pathways = (
        Pathway("W", "a.spikes", "b.g", initial=Initial(scale=1.0), rule=STEP),
        Pathway("V", "b.spikes", "a.g", initial=Initial(scale=1.0), rule=back),
    )
    return Circuit("pair", populations, pathways, (Phase("all", duration, learn=learn),))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Any:
    return request.param


def _same(got: Any, expected: Any) -> None:
    assert list(got.data_vars) == list(expected.data_vars)
    for name in (*expected.data_vars, *expected.coords):
        assert got[name].dims == expected[name].dims
        np.testing.assert_array_equal(got[name].values, expected[name].values, err_msg=str(name))


# Each trial is a network of its own


def test_every_trial_learns_by_itself_at_all_three_moments_on_both_engines() -> None:
    """One trial alone, with the number of its presentation, is what it is beside others."""
    before = Pathway("U", "a.v", "b.i_ext", initial=Initial(scale=0.1), rule=BEFORE)
    circuit = _circuit(back=END)
    circuit = replace(
        circuit,
        pathways=(*circuit.pathways, before),
        phases=(replace(circuit.phases[0], learn=("W", "V", "U")),),
    )
    setting, state = Setting("spiking", 1e-4, "float64"), initial_state(circuit, 1)
    found = {}
    for kind in (BatchedEngine, BrianEngine):
        found[kind], _ = kind(circuit, setting).run(state, {"a.i_ext": CURRENTS}, own_weights=True)
    batched = found[BatchedEngine]
    for name in ("W.w", "V.w", "U.w"):
        assert batched[name].shape == (3, *state[name].shape)
        assert not np.allclose(batched[name][0], state[name])
        np.testing.assert_allclose(found[BrianEngine][name], batched[name], rtol=1e-9, atol=1e-12)
    assert not np.allclose(batched["W.w"][0], batched["W.w"][1])
    alone = BatchedEngine(circuit, setting)
    for trial in range(3):
        one, _ = alone.run(state, {"a.i_ext": CURRENTS[[trial]]}, first=trial)
        for name in ("W.w", "V.w", "U.w"):
            np.testing.assert_allclose(batched[name][trial], one[name], rtol=1e-11, atol=1e-14)


def test_trials_start_from_weights_of_their_own(engine: Any) -> None:
    weights = np.arange(18.0).reshape(3, 2, 3) / 10
    settings: dict[str, Any] = {"engine": engine, "inputs": {"a.i_ext": CURRENTS[:1]}, "record": ["W.w", "b.v"]}
    together = simulate(_circuit(), "4 ms", trials=3, state={"W.w": weights}, **_without_inputs(settings))
    for trial in range(3):
        alone = simulate(_circuit(), "4 ms", state={"W.w": weights[trial]}, **_without_inputs(settings))
        for name in ("end(W.w)", "V.w"):
            np.testing.assert_allclose(together[name][trial], alone[name][0], rtol=1e-12)
        np.testing.assert_allclose(together["b.v"][:, trial], alone["b.v"][:, 0], rtol=1e-12)
    np.testing.assert_array_equal(together["W.w"][0], weights)


def _without_inputs(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "inputs"}


def test_a_rule_at_every_step_is_what_plain_brian2_computes(engine: Any) -> None:
    currents = np.array([1.5, 2.0, 3.0])
    found = simulate(
        replace(_circuit(learn=("W",)), pathways=_circuit().pathways[:1]),
        "30 ms",
        engine=engine,
        inputs={"a.i_ext": currents},
        state={"W.w": 0.4},
        record=["W.w", "b.spikes"],
    )
    brian2.start_scope()
    clock = brian2.Clock(dt=0.1 * brian2.ms)
    text = """dv/dt = (i_ext + g - v)/(10*ms) : 1
        dg/dt = -g/(5*ms) : 1
        i_ext : 1
        fired : 1"""
    groups = [
        brian2.NeuronGroup(n, text, threshold="v > 1", reset="v = 0\nfired = 1", method="exact", clock=clock)
        for n in (3, 2)
    ]
    groups[0].i_ext, groups[1].i_ext = currents, 1.4
    synapses = brian2.Synapses(groups[0], groups[1], "w : 1\nx : 1", on_pre="g_post += w", clock=clock)
    synapses.connect()
    synapses.w = 0.4
    code = """x_new = x - x*dt/(20*ms) + fired_pre
        w = w + 0.05*(fired_post*x - 0.3*fired_pre)
        x = x_new"""
    synapses.run_regularly(code.replace("x_new", "x__new"), when="end", clock=clock)
    for group in groups:
        group.run_regularly("fired = 0", when="before_thresholds", clock=clock)
    weights = brian2.StateMonitor(synapses, "w", record=True, when="start", clock=clock)
    spikes = brian2.SpikeMonitor(groups[1])
    network = brian2.Network(*groups, synapses, weights, spikes, *_runners(groups, synapses))
    network.run(30 * brian2.ms, namespace={})
    when, who = np.nonzero(found["b.spikes"].values[:, 0])
    np.testing.assert_array_equal(np.round(np.asarray(spikes.t / brian2.ms) / 0.1), when)
    np.testing.assert_array_equal(np.asarray(spikes.i), who)
    assert len(when) > 3
    made = np.zeros((300, 2, 3))
    made[:, np.asarray(synapses.j), np.asarray(synapses.i)] = np.asarray(weights.w).T
    np.testing.assert_allclose(found["W.w"].values[:, 0], made, rtol=1e-9)


def _runners(groups: Any, synapses: Any) -> Iterator[Any]:
    for group in (*groups, synapses):
        yield from (each for each in group.contained_objects if type(each).__name__ == "CodeRunner")


# What is returned, and when rules act


def test_what_was_learned_is_returned_and_named(engine: Any) -> None:
    found = simulate(_circuit(), engine=engine, trials=2, record=["V.w"])
    assert found["W.w"].dims == ("trial", "post_W", "pre_W")
    assert found["V.w"].dims == ("time", "trial", "post_V", "pre_V")
    assert found["end(V.w)"].dims == ("trial", "post_V", "pre_V")
    alone = replace(_circuit(learn=("W",)), pathways=_circuit().pathways[:1])
    assert simulate(alone, engine=engine, record=["b.v"])["W.w"].dims == ("trial", "post", "pre")
    still = simulate(_circuit(), engine=engine, learn=False, record=["W.w"])
    assert list(still) == ["W.w"] and not np.ptp(still["W.w"].values, axis=0).any()


def test_in_a_circuit_without_phases_all_rules_act(engine: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", NeurosimWarning)
        found = simulate(replace(_circuit(), phases=()), "12 ms", engine=engine, record=["a.v"])
        expected = simulate(_circuit(), engine=engine, record=["a.v"])
    _same(found, expected)


def test_rules_of_which_none_acts_are_told_of(engine: Any) -> None:
    idle = _circuit(learn=())
    with pytest.warns(NeurosimWarning, match=r"pathways W, V do not act: no phase that runs .'all'.*learn=False"):
        simulate(idle, "1 ms", engine=engine)
    with pytest.raises(ArgumentError, match=r"learn: got True, expected False.*W, V act in no phase that runs"):
        simulate(idle, "1 ms", engine=engine, learn=True)
    with pytest.raises(ArgumentError, match="nothing here has a rule"):
        simulate(LIF, "1 ms", engine=engine, learn=True)


def test_a_rule_at_the_end_of_a_phase_acts_once_when_the_time_is_over(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit = replace(_circuit(back=END), phases=(Phase("all", "2 ms", learn=("V",)),))
    settings: dict[str, Any] = {"engine": engine, "record": ["a.v", "b.v", "V.w"]}
    whole = simulate(circuit, "4 ms", **settings)
    assert not np.ptp(whole["V.w"].values, axis=0).any()
    assert np.abs(whole["end(V.w)"].values - whole["V.w"].values[0]).min() > 0
    monkeypatch.setattr(module, "PIECE", 2000)
    pieces = simulate(circuit, "4 ms", out=tmp_path / "pieces.zarr", **settings)
    _same(pieces, whole)
    with pytest.raises(CircuitError, match=r"pathway 'V' changes when its phase is over.*learn=False"):
        simulate(circuit, "4 ms", store=tmp_path / "end", **settings)


# In pieces


def test_learning_goes_on_in_pieces_and_in_another_process_with_the_same_bits(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {
        "engine": engine,
        "trials": 2,
        "record": ["b.v", "W.w[::2]", "V.w", "W.x"],
        "every": {"W.w": "0.7 ms", "V.w": "1.3 ms"},
    }
    whole = simulate(_circuit(), "12 ms", inputs={"a.i_ext": CURRENTS[:2]}, **settings)
    assert np.ptp(whole["V.w"].values, axis=0).any()
    end = tmp_path / "end.safetensors"
    simulate(_circuit(), "5 ms", inputs={"a.i_ext": CURRENTS[:2]}, store=end, **settings)
    script = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_learning import CURRENTS, _circuit, simulate
        simulate(_circuit(), "7 ms", inputs={{"a.i_ext": CURRENTS[:2]}}, restore={str(end)!r},
                 out={str(tmp_path / "rest.zarr")!r}, **{settings!r})
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)
    rest = open_recording(tmp_path / "rest.zarr")
    for name in whole.data_vars:
        course = rest[name].dims[0] != "trial"
        expected = whole[name].values[-len(rest[name]) :] if course else whole[name].values
        np.testing.assert_array_equal(rest[name].values, expected, err_msg=str(name))
    for name in ("time_W.w[::2]", "time_V.w"):
        np.testing.assert_array_equal(rest[name].values, whole[name].values[whole[name].values >= 5e-3])
    monkeypatch.setattr(module, "PIECE", 5700)
    cut = simulate(_circuit(), "12 ms", inputs={"a.i_ext": CURRENTS[:2]}, out=tmp_path / "cut.zarr", **settings)
    _same(cut, whole)


# What is refused


def test_weights_that_do_not_fit_into_memory_are_refused_before_they_are_drawn() -> None:
    large = replace(
        _circuit(),
        populations=(Population("a", 300, LIF), Population("b", 400, LIF)),
    )
    with pytest.raises(
        CircuitError, match=r"pathway '[WV]': 1000000 trials .*1000000 x \d+ x \d+ numbers.*GiB.*learn=False"
    ):
        simulate(large, "1 ms", trials=1_000_000)
    refuse_too_many(_circuit(), 3, "float64")
    with pytest.raises(CircuitError, match="3 trials"):
        refuse_too_many(_circuit(), 3, "float64", most=500)


def test_standalone_code_has_one_set_of_weights() -> None:
    settings: dict[str, Any] = {"engine": "brian", "target": "cpp_standalone", "record": ["a.v"]}
    with pytest.raises(EngineError, match=r"2 trials have weights of their own.*or run one trial"):
        simulate(_circuit(), "1 ms", trials=2, **settings)
    with pytest.raises(EngineError, match=r"not W\.w, mean\(a\.v\)"):
        settings["record"] = ["W.w", "mean(a.v)"]
        simulate(_circuit(), "1 ms", **settings)
