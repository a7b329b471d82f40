"""One compilation for each circuit and shape: new data, seeds, weights and learning rates compile nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.batched.host import program
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.gradients.true_gradient import true_gradients

pytestmark = pytest.mark.usefixtures("compiles_anew")

#: Names of all compiled programs so far; listeners cannot be taken away, so there is one.
_compiled: list[str] = []
jax.monitoring.register_event_duration_secs_listener(
    lambda event, duration_secs, **_: _compiled.append(event) if event.endswith("compile_duration") else None
)
STEADY, RATE = Setting("steady", dtype="float64"), Setting("rate", 1e-3, "float64")


@pytest.fixture(scope="module")
def circuit(build: Callable[..., Circuit]) -> Circuit:
    return build("node_perturbation")


def compilations(call: Callable[[], Any]) -> int:
    before = len(_compiled)
    call()
    return len(_compiled) - before


def changed(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Another state: weights, learning rates, time constants."""
    return {name: array * 1.25 for name, array in state.items()}


@pytest.mark.parametrize("setting", [STEADY, RATE], ids=lambda s: s.level)
def test_training_compiles_once(setting: Setting, circuit: Circuit, stimuli: Callable[[int], Any]) -> None:
    engine, state, given = BatchedEngine(circuit, setting), initial_state(circuit, 0), stimuli(24)
    order = np.arange(24).reshape(6, 4)
    # The first call compiles, which shows that compilations are seen.
    assert compilations(lambda: engine.train(state, given, order, seed=0, first=0)) >= 1
    assert compilations(lambda: engine.train(state, given, order, seed=0, first=24)) == 0
    other = {name: array[::-1] + 0.5 for name, array in given.items()}
    assert compilations(lambda: engine.train(state, other, order[::-1], seed=1, first=48)) == 0
    assert compilations(lambda: engine.train(changed(state), given, order, seed=2, first=0)) == 0


@pytest.mark.parametrize("setting", [STEADY, RATE], ids=lambda s: s.level)
def test_running_compiles_once(setting: Setting, circuit: Circuit, stimuli: Callable[[int], Any]) -> None:
    engine, state, given = BatchedEngine(circuit, setting), initial_state(circuit, 0), stimuli(4)
    report = ("loss", "output.y")
    assert compilations(lambda: engine.run(state, given, report=report)) >= 1
    other = {name: 1 - array for name, array in given.items()}
    assert compilations(lambda: engine.run(state, other, seed=5, first=77, report=report)) == 0
    assert compilations(lambda: engine.run(changed(state), given, report=report)) == 0


def test_an_equal_circuit_built_again_compiles_nothing(
    circuit: Circuit, build: Callable[..., Circuit], stimuli: Callable[[int], Any]
) -> None:
    state, given = initial_state(circuit, 0), stimuli(3)
    BatchedEngine(circuit, STEADY).run(state, given)
    again = build("node_perturbation")
    assert again is not circuit
    assert compilations(lambda: BatchedEngine(again, STEADY).run(state, given)) == 0


def test_gradients_compile_once(circuit: Circuit, stimuli: Callable[[int], Any]) -> None:
    state, given = initial_state(circuit, 0), stimuli(3)
    assert compilations(lambda: true_gradients(circuit, STEADY, state, given)) >= 1
    other = {name: array + 1 for name, array in given.items()}
    assert compilations(lambda: true_gradients(circuit, STEADY, changed(state), other)) == 0


def test_options_that_this_xla_does_not_know_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert program.options() == program.OPTIONS
    monkeypatch.setattr(program, "OPTIONS", {"xla_cpu_no_such_option": True})
    program.options.cache_clear()
    try:
        assert program.options() is None
    finally:
        program.options.cache_clear()
