"""The change of the loss: the difference of two losses, without the digits that a subtraction loses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase, Population, hold
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.errors import CircuitError
from neurosim.neurons._model import NeuronModel
from neurosim.readouts._readout import Readout

ANSWER = NeuronModel(
    "dx/dt = 0/second : 1\nanswer = v + perturb*sigma*noise : 1\nv : 1\nsigma : 1\nnoise : 1\nperturb : 1 (shared)",
    method="euler",
    name="answer",
)
READOUTS = registry.names("readouts")
ENGINES = pytest.mark.parametrize("kind", [BatchedEngine, BrianEngine], ids=["batched", "brian"])


def circuit(readout: Readout, size: int, *, held: bool = True) -> Circuit:
    holds = [f"output.{name}_held = {text}" for name, text in readout.held.items()] if held else []
    return Circuit(
        "change",
        (Population("output", size, ANSWER, noise=("noise",)),),
        phases=(
            Phase("clean", "1 ms", hold=(hold("loss_held = loss"), *map(hold, holds))),
            Phase("perturbed", "1 ms", {"perturb": 1.0}, draw_noise=True, hold=(hold("used = loss_change"),)),
        ),
        readout=readout,
        output="output.answer",
    )


def run(kind: Any, readout: Readout, y: np.ndarray, step: np.ndarray, target: np.ndarray, dtype: Any) -> Any:
    """Both outputs, both losses and the change, each (trial, n): every trial from its own outputs."""
    built = circuit(readout, y.shape[1])
    _, outputs = kind(built, Setting("rate", 1e-3, dtype)).run(
        initial_state(built, 0, dtype=dtype) | {"output.sigma": np.ones(())},
        {"output.target": target, "output.v": y},
        noise={"perturbed": {"output.noise": step}},
        report=("output.y", "loss", "loss_change"),
        learn=False,
    )
    return {
        f"{phase}.{name}": np.asarray(values, dtype=np.float64)
        for phase, ends in outputs.ends.items()
        for name, values in ends.items()
    }


def exact(name: str, before: np.ndarray, after: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The change of the loss between two outputs, in extended precision."""
    before, after, target = (a.astype(np.longdouble) for a in (before, after, target))

    def loss(y: np.ndarray) -> np.ndarray:
        if name == "squared_error":
            return 0.5 * np.sum((y - target) ** 2, axis=1)
        if name == "sigmoid_cross_entropy":
            return np.sum(np.logaddexp(0, y) - target * y, axis=1)
        return logsumexp(y, axis=1) - np.sum(target * y, axis=1)

    return (loss(after) - loss(before)).astype(np.float64)


def trials(size: float, count: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(4)
    y = 2 * generator.standard_normal((count, 10))
    return y, size * generator.standard_normal(y.shape), np.eye(10)[generator.integers(0, 10, count)]


@ENGINES
@pytest.mark.parametrize("name", READOUTS)
def test_is_the_difference_of_the_losses(name: str, kind: Any) -> None:
    readout = registry.load("readouts", name).READOUT
    for size in (0.01, 1.0, 10.0):
        y, step, target = trials(size, 4)
        found = run(kind, readout, y, step, target, "float64")
        difference = found["perturbed.loss"] - found["clean.loss"]
        np.testing.assert_allclose(found["perturbed.loss_change"], difference, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("size", [1e-4, 1e-5, 1e-6])
@pytest.mark.parametrize(
    ("name", "kind"),
    [("squared_error", BatchedEngine), ("cross_entropy", BatchedEngine), ("squared_error", BrianEngine)],
)
def test_keeps_the_digits_of_small_changes_in_single_precision(name: str, size: float, kind: Any) -> None:
    readout = registry.load("readouts", name).READOUT
    y, step, target = trials(size)
    found = run(kind, readout, y, step, target, "float32")
    # What the outputs were rounded to is what they are: only the loss is in question.
    before, after = found["clean.output.y"], found["perturbed.output.y"]
    wanted = exact(name, before, after, target)
    scale = np.sum(np.abs(after - before), axis=1)
    error = np.abs(found["perturbed.loss_change"][:, 0] - wanted) / scale
    lost = np.abs((found["perturbed.loss"] - found["clean.loss"])[:, 0] - wanted) / scale
    assert np.max(error) < 2e-6
    assert np.mean(lost) > 30 * np.mean(error) * (1e-4 / size) ** 0.5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_entropy_stands_a_mistake_that_is_put_right(dtype: Any) -> None:
    # The loss falls by dozens of nats, where 1 + growth has no digits left.
    readout = registry.load("readouts", "cross_entropy").READOUT
    y = np.array([[0.0, 30.0, -5.0], [60.0, 0.0, 1.0], [0.5, 0.0, 1.0]])
    step = np.array([[40.0, -20.0, 0.0], [-70.0, 9.0, 0.0], [0.0, 0.0, 0.0]])
    target = np.eye(3)[[0, 1, 2]]
    for kind in (BatchedEngine, BrianEngine):
        found = run(kind, readout, y, step, target, dtype)
        wanted = exact("cross_entropy", y, y + step, target)
        np.testing.assert_allclose(found["perturbed.loss_change"][:, 0], wanted, rtol=1e-6)


def test_a_readout_without_such_a_text_subtracts() -> None:
    plain = Readout(error="y - target", loss="0.5*(y - target)**2")
    y, step, target = trials(0.1, 3)
    found = run(BatchedEngine, plain, y, step, target, "float64")
    wanted = exact("squared_error", y, y + step, target)
    np.testing.assert_allclose(found["perturbed.loss_change"][:, 0], wanted, rtol=1e-12, atol=1e-14)


def test_is_there_only_where_it_is_used() -> None:
    from neurosim.circuit.plan import plan

    used = circuit(registry.load("readouts", "squared_error").READOUT, 2)
    assert "loss_change" in plan(used).nodes and "loss_change = sum over output" in str(used)
    unused = Circuit("unused", used.populations, phases=used.phases[:1], readout=used.readout, output=used.output)
    assert "loss_change" not in plan(unused).nodes and "loss_change" not in str(unused)


def test_something_has_to_hold_what_it_is_measured_from() -> None:
    with pytest.raises(CircuitError, match=r"'loss_change' is used, but no phase holds 'output\.y_held = y'"):
        circuit(registry.load("readouts", "squared_error").READOUT, 2, held=False)
