"""Trials that do not learn are shared out among cores, with the results of one batch; small programs run on one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.batched.host import cpu_placement as cores
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state, learned_names
from neurosim.engines.stimuli import Stimulus
from neurosim.networks import Part

pytestmark = pytest.mark.usefixtures("compiles_anew")

TRIALS = 6
LEVELS = ("steady", "rate", "spiking")


@pytest.fixture
def shared_out(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Says whether trials are shared out, however few they are, among three cores, however many there are."""
    monkeypatch.setattr(cores, "LEAST_TRIALS", 1)
    monkeypatch.setattr(cores, "_cores", lambda: 3)

    def choose(wanted: bool) -> None:
        monkeypatch.setattr(cores, "SMALL", 0 if wanted else 1 << 60)

    choose(True)
    return choose


def _circuit(build: Callable[..., Circuit], level: str) -> Circuit:
    if level != "spiking":
        return build("node_perturbation", "25 ms", {})
    return build("node_perturbation", "25 ms", {}, weights=4.0, bias_weights=1.5, neuron=Part(kind="lif"))


def _same(found: Any, expected: Any) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_shares_give_what_one_batch_gives(
    level: Any, build: Callable[..., Circuit], stimuli: Callable[[int], Any], shared_out: Callable[[bool], None]
) -> None:
    circuit = _circuit(build, level)
    engine, state = BatchedEngine(circuit, Setting(level, 1e-3, "float64")), initial_state(circuit, 3)
    record = () if level == "steady" else ("hidden1.r", *(["hidden1.spikes"] if level == "spiking" else []))
    asked: dict[str, Any] = {"seed": 5, "first": 40, "report": ("loss", "hidden1.r"), "record": record, "learn": False}
    assert cores.shares(circuit, TRIALS, ("loss", *record)) == [slice(0, 2), slice(2, 4), slice(4, 6)]
    # The first time shares go one after the other, then at once.
    found = [engine.run(state, stimuli(TRIALS), **asked) for _ in range(2)]
    shared_out(False)
    after, expected = engine.run(state, stimuli(TRIALS), **asked)
    assert np.ptp(expected.ends["perturbed"]["loss"]) > 0  # trials differ, and so does their noise
    for shared, outputs in found:
        _same((outputs.ends, outputs.recordings), (expected.ends, expected.recordings))
        _same(shared, after)


def test_courses_noise_and_state_of_each_trial_go_where_the_trial_goes(
    build: Callable[..., Circuit], stimuli: Callable[[int], Any], shared_out: Callable[[bool], None]
) -> None:
    circuit = _circuit(build, "spiking")
    engine, state = BatchedEngine(circuit, Setting("spiking", 1e-3, "float64")), initial_state(circuit, 3)
    generator = np.random.default_rng(1)
    steps = sum(phase.steps(1e-3) for phase in circuit.phases)
    given = stimuli(TRIALS)
    given["input.r"] = Stimulus.from_steps(generator.random((steps, *given["input.r"].shape)) * 20)
    held = {f"{name}.noise": (TRIALS, circuit.population[name].size) for name in ("hidden1", "hidden2")}
    noise = {"perturbed": {name: generator.standard_normal(shape) for name, shape in held.items()}}

    def both() -> Any:
        first, outputs = engine.run(state, given, noise=noise, report=("hidden1.v",), learn=False, keep=True)
        assert outputs.end is not None
        more, later = engine.run(first, given, start=outputs.end, report=("hidden1.v",), learn=False, keep=True)
        assert later.end is not None
        return outputs.ends, first, later.ends, more, later.end.values

    found = both()
    shared_out(False)
    _same(found, both())


def test_networks_of_their_own_learn_on_any_core(
    build: Callable[..., Circuit], stimuli: Callable[[int], Any], shared_out: Callable[[bool], None]
) -> None:
    circuit = _circuit(build, "rate")
    engine, state = BatchedEngine(circuit, Setting("rate", 1e-3, "float64")), initial_state(circuit, 3)
    given, steps = stimuli(TRIALS), sum(phase.steps(1e-3) for phase in circuit.phases)
    given["input.r"] = Stimulus.from_steps(np.random.default_rng(1).random((steps, *given["input.r"].shape)))
    state["W1.w"] = np.multiply.outer(np.linspace(0.5, 1.5, TRIALS), state["W1.w"])
    asked: dict[str, Any] = {"report": ("loss",), "record": ("hidden1.r[:2]", "W1.w[::7]"), "own_weights": True}
    asked["every"] = {"W1.w": 3}

    def presented() -> Any:
        after, outputs = engine.run(state, given, seed=5, **asked)
        return after, outputs.ends, outputs.recordings

    found = presented()
    assert all(found[0][name].shape[0] == TRIALS for name in learned_names(circuit))
    shared_out(False)
    _same(found, presented())


def test_trials_that_learn_or_depend_on_each_other_stay_together(
    build: Callable[..., Circuit], stimuli: Callable[[int], Any], shared_out: Callable[[bool], None]
) -> None:
    circuit = _circuit(build, "rate")
    assert cores.shares(circuit, TRIALS, ())
    assert not cores.shares(circuit, TRIALS, ("batch_loss",))
    assert not cores.shares(build("node_perturbation", "25 ms", {"reward_scope": "batch"}), TRIALS, ())
    settling = tuple(replace(phase, until=("hidden1.v", 1e-3)) for phase in circuit.phases)
    assert not cores.shares(replace(circuit, phases=settling), TRIALS, ())
    engine, state = BatchedEngine(circuit, Setting("rate", 1e-3, "float64")), initial_state(circuit, 3)
    after, _ = engine.run(state, stimuli(TRIALS), seed=5)
    shared_out(False)
    expected, _ = engine.run(state, stimuli(TRIALS), seed=5)
    assert all(np.any(expected[name] != state[name]) for name in learned_names(circuit))
    _same(after, expected)


def test_shares_have_the_same_size(build: Callable[..., Circuit], shared_out: Callable[[bool], None]) -> None:
    circuit = _circuit(build, "rate")
    assert [part.stop - part.start for part in cores.shares(circuit, 4, ())] == [2, 2]
    assert cores.shares(circuit, 5, ()) == []


def test_programs_that_are_not_kept_would_be_compiled_for_each_core(
    build: Callable[..., Circuit], shared_out: Callable[[bool], None]
) -> None:
    folder = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", None)
    try:
        assert cores.shares(_circuit(build, "rate"), TRIALS, ()) == []
    finally:
        jax.config.update("jax_compilation_cache_dir", folder)


def test_whoever_chose_a_device_keeps_it(build: Callable[..., Circuit], shared_out: Callable[[bool], None]) -> None:
    circuit = _circuit(build, "rate")
    jax.config.update("jax_default_device", jax.devices()[0])
    try:
        assert cores.shares(circuit, TRIALS, ()) == []
        shared_out(False)
        with cores.few_cores(circuit, TRIALS):
            assert jax.numpy.zeros(1).devices() == {jax.devices()[0]}
    finally:
        jax.config.update("jax_default_device", None)


@pytest.mark.parametrize("before", [None, "7"])
def test_small_programs_run_on_one_core(
    before: str | None,
    build: Callable[..., Circuit],
    shared_out: Callable[[bool], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NPROC", raising=False)
    if before is not None:
        monkeypatch.setenv("NPROC", before)
    circuit = _circuit(build, "rate")
    usual = jax.numpy.zeros(1).devices()
    shared_out(False)
    with cores.few_cores(circuit, TRIALS):
        assert jax.numpy.zeros(1).devices() != usual
    shared_out(True)
    with cores.few_cores(circuit, TRIALS):
        assert jax.numpy.zeros(1).devices() == usual
    assert os.environ.get("NPROC") == before


def test_data_placed_for_a_batch_train_as_they_are(
    build: Callable[..., Circuit], stimuli: Callable[[int], Any], shared_out: Callable[[bool], None]
) -> None:
    circuit = _circuit(build, "rate")
    engine, state = BatchedEngine(circuit, Setting("rate", 1e-3, "float64")), initial_state(circuit, 3)
    order, found = np.arange(6).reshape(3, 2), []
    for shared in (True, False):
        shared_out(shared)
        # Also where they were placed for another size of the batch, elsewhere.
        for placed in (stimuli(TRIALS), engine.placed(stimuli(TRIALS), 2), engine.placed(stimuli(TRIALS), 1 << 40)):
            found.append(engine.train(state, placed, order, seed=5, first=0)[0])
    for other in found[1:]:
        _same(other, found[0])
