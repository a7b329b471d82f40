"""What holds for every readout: its error is the derivative of its loss, in text and by the engine."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase, Population
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.equations.array_code import expression_function
from neurosim.neurons._model import NeuronModel
from neurosim.readouts._readout import Readout

REPORT = ("output.y", "output.error", "loss")


@pytest.fixture(params=registry.names("readouts"))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def readout_of(name: str) -> Readout:
    return registry.load("readouts", name).READOUT


def by_text(readout: Readout, y: Any, target: Any) -> tuple[Any, Any]:
    """Loss and error of one trial from the readout's own texts."""
    values = {"y": y, "target": target}

    def value(text: str, given: dict[str, Any]) -> Any:
        function = expression_function("value", text)
        return function.compile(jnp)(**{a: given[a] for a in function.arguments})  # type: ignore[arg-type]

    for variable, text in readout.pairwise.items():
        sides = {f"{n}_pre": v[None, :] for n, v in values.items()} | {
            f"{n}_post": v[:, None] for n, v in values.items()
        }
        values[variable] = jnp.sum(value(text, sides), axis=1)
    return jnp.sum(value(readout.loss, values)), value(readout.error, values)


def by_engine(kind: Any, readout: Readout, y: np.ndarray, target: np.ndarray, dtype: Any = "float64") -> Any:
    neuron = NeuronModel("dv/dt = 0/second : 1\nanswer = v : 1", method="euler")
    circuit = Circuit(
        "answer", (Population("output", y.shape[1], neuron),), (), (Phase("only", "1 ms"),), readout, "output.answer"
    )
    state = initial_state(circuit, 0)
    found = {}
    for trial in range(len(y)):
        engine = kind(circuit, Setting("rate", 1e-3, dtype))
        given = {"output.target": target[[trial]]}
        _, outputs = engine.run(state | {"output.v": y[trial]}, given, report=REPORT)
        for variable, values in outputs.ends["only"].items():
            found.setdefault(variable, []).append(np.asarray(values)[0])
    return {variable: np.array(values) for variable, values in found.items()}


def test_carries_its_name_and_says_what_it_is(name: str) -> None:
    assert readout_of(name).name == name
    assert registry.describe("readouts", name).endswith(".")


def test_error_is_the_derivative_of_the_loss(name: str) -> None:
    generator = np.random.default_rng(0)
    for scale in (0.1, 1.0, 10.0):
        for _ in range(5):
            y, target = scale * generator.standard_normal(6), np.eye(6)[generator.integers(6)]
            loss, error = by_text(readout_of(name), jnp.asarray(y), jnp.asarray(target))
            gradient = jax.grad(lambda y, t=target: by_text(readout_of(name), y, t)[0])(jnp.asarray(y))
            np.testing.assert_allclose(error, gradient, rtol=1e-10, atol=1e-14)
            assert loss >= 0


@pytest.mark.parametrize("kind", [BatchedEngine, BrianEngine], ids=["batched", "brian"])
def test_engines_compute_the_text(name: str, kind: Any) -> None:
    generator = np.random.default_rng(1)
    y, target = generator.standard_normal((3, 4)), np.eye(4)[[2, 0, 3]]
    found = by_engine(kind, readout_of(name), y, target)
    np.testing.assert_array_equal(found["output.y"], y)
    for trial in range(3):
        loss, error = by_text(readout_of(name), jnp.asarray(y[trial]), jnp.asarray(target[trial]))
        np.testing.assert_allclose(found["loss"][trial, 0], loss, rtol=1e-12)
        np.testing.assert_allclose(found["output.error"][trial], error, rtol=1e-12, atol=1e-15)


def test_a_single_output_and_equal_outputs(name: str) -> None:
    # What is the same for all neurons still counts once for each.
    for size in (1, 5):
        y, target = np.full((1, size), 0.7), np.full((1, size), 0.2)
        found = by_engine(BatchedEngine, readout_of(name), y, target)
        loss, error = by_text(readout_of(name), jnp.asarray(y[0]), jnp.asarray(target[0]))
        np.testing.assert_allclose(found["loss"][0, 0], loss, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(found["output.error"][0], error, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("scale", [1.0, 5.0, 30.0])
def test_cross_entropy_is_that_of_the_softmax(scale: float) -> None:
    generator = np.random.default_rng(2)
    y = np.clip(scale * generator.standard_normal((20, 10)), -39, 39)
    target = np.eye(10)[generator.integers(0, 10, 20)]
    for trial in range(20):
        loss, error = by_text(readout_of("cross_entropy"), jnp.asarray(y[trial]), jnp.asarray(target[trial]))
        np.testing.assert_allclose(loss, -np.sum(target[trial] * log_softmax(y[trial])), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(error, softmax(y[trial]) - target[trial], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_entropy_stands_logits_of_a_thousand(dtype: Any) -> None:
    y = np.array([[1e3, -1e3, 0.0], [-1e3, -1e3, 1e3], [1e3, 1e3, -1e3]])
    target = np.eye(3)[[0, 1, 2]]
    found = by_engine(BatchedEngine, readout_of("cross_entropy"), y, target, dtype)
    assert all(np.isfinite(values).all() for values in found.values())
    np.testing.assert_allclose(found["output.error"], softmax(y, axis=1) - target, atol=1e-6)
    # Right, wrong, wrong: a loss that is out of reach is at least very large.
    assert found["loss"][0, 0] < 1e-6
    assert np.all(found["loss"][1:, 0] >= 79)


def test_squared_error_is_half_the_squared_distance() -> None:
    y, target = np.array([[3.0, -1.0, 0.5]]), np.array([[1.0, 1.0, 0.5]])
    found = by_engine(BatchedEngine, readout_of("squared_error"), y, target)
    assert found["loss"][0, 0] == 4.0
    np.testing.assert_array_equal(found["output.error"], [[2.0, -2.0, 0.0]])
