"""Credit of every step against recursions written by hand, real-time recurrent learning, and itself by hops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurosim.circuit.connectivity import Sparse
from neurosim.circuit.description import Pathway, Role
from neurosim.engines.batched import matrices
from neurosim.engines.batched.differentiable import Differentiable
from neurosim.errors import CircuitError
from neurosim.gradients.credit_in_time import CreditInTime, credit_in_time
from neurosim.gradients.forward_gradient import forward_gradients
from neurosim.gradients.true_gradient import true_gradients
from neurosim.metrics import angle
from tests.gradients.recurrent_circuits import DT, LEAK, RATE, SETTING, SLOW_ANSWER, Made, recurrent

EXACT: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-12}


def credit(made: Made, **options: Any) -> CreditInTime:
    return credit_in_time(made.circuit, SETTING, made.state, made.stimuli, **options)


def forward(made: Made, leak_on_rate: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is in front of phi, the rates from before the first input on, and the errors times the mask."""
    trials, length, _ = made.inputs.shape
    size = made.circuit.population["hidden1"].size
    w, w_in, w_out = (made.state[f"{name}.w"] for name in ("R1", "Win", "Wout"))
    u, r = np.zeros((trials, size)), [np.zeros((trials, size))]
    before, errors = [], []
    for t in range(length):
        drive = r[-1] @ w.T + made.inputs[:, t] @ w_in.T
        u = drive if leak_on_rate else (1 - LEAK) * u + LEAK * drive
        before.append(u)
        r.append((1 - LEAK) * r[-1] + LEAK * np.tanh(u) if leak_on_rate else np.tanh(u))
        errors.append(made.mask[:, t, None] * (r[-1] @ w_out.T - made.targets[:, t]))
    return np.stack(before), np.stack(r), np.stack(errors)


def backward(made: Made, hops: int | None = None) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """lambda(t) and c(t) of the form with the leak on the potential, t first, and the gradient of weights.

    With `hops`, through at most so many recurrent transmissions.
    """
    u, r, errors = forward(made)
    w, w_out = made.state["R1.w"], made.state["Wout.w"]
    gain, most = 1 - np.tanh(u) ** 2, len(u) if hops is None else hops
    sent_on = np.zeros_like(u)
    for _ in range(most + 1):
        credit = errors @ w_out + sent_on
        c, ahead = np.zeros_like(u), np.zeros_like(u[0])
        for t in reversed(range(len(u))):
            c[t] = ahead = gain[t] * credit[t] + (1 - LEAK) * ahead
        sent_on = np.concatenate([LEAK * c[1:] @ w, np.zeros_like(c[:1])])
    trials = u.shape[1]
    weights = {
        "R1.w": LEAK * np.einsum("tki,tkj->ij", c, r[:-1]) / trials,
        "Win.w": LEAK * np.einsum("tki,ktj->ij", c, made.inputs) / trials,
        "Wout.w": np.einsum("tko,tkj->oj", errors, r[1:]) / trials,
    }
    return credit, c, weights


def by_time(array: np.ndarray) -> np.ndarray:
    """Credit of the engine's steps as (time, trial, n): the rate of time t is there when step t + 1 begins."""
    return np.swapaxes(array, 0, 1)[1:]


@pytest.fixture(scope="module")
def made() -> Made:
    return recurrent()


@pytest.fixture(scope="module")
def found(made: Made) -> CreditInTime:
    return credit(made, kicked=("hidden1.v",))


def test_total_credit_is_that_of_the_backward_recursion(made: Made, found: CreditInTime) -> None:
    at_rate, at_potential, weights = backward(made)
    np.testing.assert_allclose(by_time(found.total["hidden1.r"]), at_rate, **EXACT)
    np.testing.assert_allclose(by_time(found.kicks["hidden1.v"]), at_potential, **EXACT)
    for name, gradient in weights.items():
        np.testing.assert_allclose(found.weights[name], gradient, **EXACT)
    np.testing.assert_array_equal(found.weights["B1.w"], 0.0)
    squares = np.sum((forward(made)[1][1:] @ made.state["Wout.w"].T - made.targets.swapaxes(0, 1)) ** 2, axis=2)
    np.testing.assert_allclose(found.loss, 0.5 * np.sum(made.mask.T * squares, axis=0), **EXACT)


def test_immediate_credit_is_the_transposed_readout_of_the_error(made: Made, found: CreditInTime) -> None:
    np.testing.assert_allclose(by_time(found.immediate["hidden1.r"]), forward(made)[2] @ made.state["Wout.w"], **EXACT)


@pytest.mark.parametrize("hops", [0, 1, 3])
def test_hops_count_recurrent_transmissions(made: Made, hops: int) -> None:
    found = credit(made, hops=hops, kicked=("hidden1.v",))
    at_rate, at_potential, weights = backward(made, hops)
    np.testing.assert_allclose(by_time(found.total["hidden1.r"]), at_rate, **EXACT)
    np.testing.assert_allclose(by_time(found.kicks["hidden1.v"]), at_potential, **EXACT)
    for name, gradient in weights.items():
        np.testing.assert_allclose(found.weights[name], gradient, **EXACT)


def test_as_many_hops_as_steps_are_all(made: Made, found: CreditInTime) -> None:
    every = credit(made, hops=made.inputs.shape[1] + 1, kicked=("hidden1.v",))
    np.testing.assert_allclose(every.total["hidden1.r"], found.total["hidden1.r"], **EXACT)
    for name, gradient in found.weights.items():
        np.testing.assert_allclose(every.weights[name], gradient, **EXACT)


@pytest.mark.parametrize(("gain", "least"), [(0.8, 1.5), (1.2, 5.0)])
def test_hops_lead_from_eprop_to_the_gradient(gain: float, least: float) -> None:
    made = recurrent(size=40, length=50, trials=4, gain=gain, correlation=0.9)
    full = credit(made, immediate=False).weights["R1.w"].ravel()
    angles = [float(angle.measure(credit(made, hops=hops).weights["R1.w"].ravel(), full)) for hops in range(6)]
    assert np.all(np.diff(angles) < 0)
    assert 8 < angles[0] < 45
    assert angles[-1] < least


def test_without_transmissions_the_gradient_is_that_of_eprop(made: Made) -> None:
    # Bellec et al. (2020), Nature Communications 11:3625: a synapse sees the low-passed rate of the neuron in front.
    u, r, errors = forward(made)
    signal, gain = errors @ made.state["Wout.w"], 1 - np.tanh(u) ** 2
    trace, gradient = np.zeros_like(r[0]), np.zeros_like(made.state["R1.w"])
    for t in range(len(u)):
        trace = (1 - LEAK) * trace + LEAK * r[t]
        gradient += (signal[t] * gain[t]).T @ trace / u.shape[1]
    np.testing.assert_allclose(credit(made, hops=0).weights["R1.w"], gradient, **EXACT)


def test_forward_in_time_gives_the_same_gradient(made: Made, found: CreditInTime) -> None:
    carried = forward_gradients(made.circuit, SETTING, made.state, made.stimuli)
    held = true_gradients(made.circuit, SETTING, made.state, made.stimuli)
    for name, gradient in found.weights.items():
        np.testing.assert_allclose(carried[name], gradient, **EXACT)
        np.testing.assert_allclose(held.weights[name], gradient, **EXACT)
    np.testing.assert_allclose(held.loss, found.loss, rtol=1e-12)


def test_a_leak_on_the_rate_has_another_jacobian() -> None:
    made = recurrent(RATE, length=9)
    h, r, errors = forward(made, leak_on_rate=True)
    w, w_out, gain = made.state["R1.w"], made.state["Wout.w"], 1 - np.tanh(h) ** 2
    credit_of, ahead = np.zeros_like(h), np.zeros_like(h[0])
    for t in reversed(range(len(h))):
        later = (1 - LEAK) * ahead + (LEAK * (gain[t + 1] * ahead) @ w if t + 1 < len(h) else 0.0)
        credit_of[t] = ahead = errors[t] @ w_out + later
    found = credit(made, kicked=("hidden1.r",))
    np.testing.assert_allclose(by_time(found.kicks["hidden1.r"]), credit_of, **EXACT)
    weights = LEAK * np.einsum("tki,tkj->ij", credit_of * gain, r[:-1]) / h.shape[1]
    np.testing.assert_allclose(found.weights["R1.w"], weights, **EXACT)
    # What others receive of a rate does not pass through its own leak.
    np.testing.assert_allclose(by_time(found.immediate["hidden1.r"]), errors @ w_out, **EXACT)


def test_a_readout_that_leaks_hands_errors_back_in_time() -> None:
    made = recurrent(output=SLOW_ANSWER, length=9)
    found, keep = credit(made), 1 - 1 / 4
    _, r, _ = forward(made)
    w_out, y, errors = made.state["Wout.w"], np.zeros((3, 2)), []
    # The answer of a step is there one step after the rate that it sums.
    for t in range(8):
        y = keep * y + (1 - keep) * r[t + 1] @ w_out.T
        errors.append(made.mask[:, t + 1, None] * (y - made.targets[:, t + 1]))
    expected, ahead = np.zeros_like(r[1:9]), np.zeros((3, 2))
    for t in reversed(range(8)):
        ahead = errors[t] + keep * ahead
        expected[t] = (1 - keep) * ahead @ w_out
    np.testing.assert_allclose(by_time(found.immediate["hidden1.r"])[:8], expected, **EXACT)


def test_delays_are_transmissions_that_take_longer() -> None:
    made = recurrent(
        length=9, R1=Pathway("R1", "hidden1.r", "hidden1.drive", role=Role.RECURRENT, delay="2 ms"), size=4
    )
    every, some = credit(made), credit(made, hops=9)
    np.testing.assert_allclose(some.total["hidden1.r"], every.total["hidden1.r"], **EXACT)
    np.testing.assert_allclose(some.weights["R1.w"], every.weights["R1.w"], **EXACT)
    carried = forward_gradients(made.circuit, SETTING, made.state, made.stimuli)
    np.testing.assert_allclose(every.weights["R1.w"], carried["R1.w"], **EXACT)
    # One transmission: two steps under way, and one in the membrane.
    once = credit(made, hops=1).total["hidden1.r"] - every.immediate["hidden1.r"]
    assert np.all(once[:, -3:] == 0)
    assert np.all(np.any(once[:, :-3] != 0, axis=-1))


@pytest.mark.parametrize("entries", [matrices.MOST_DIFFERENTIATED, 1])
def test_lists_of_synapses_are_matrices_with_zeros(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrices, "MOST_DIFFERENTIATED", entries)
    # Another length, as programs are kept.
    length = 7 if entries == 1 else 8
    kind = Sparse(0.5, autapses=False)
    sparse = recurrent(length=length, R1=Pathway("R1", "hidden1.r", "hidden1.drive", connectivity=kind))
    made = kind.synapses(sparse.circuit.ends("R1"))
    dense, matrix = recurrent(length=length), np.zeros((6, 6))
    weights = np.random.default_rng(2).normal(size=len(made.pre))
    matrix[made.post, made.pre] = weights
    full = credit(replace(dense, state=dense.state | {"R1.w": matrix}))
    listed = credit(replace(sparse, state=sparse.state | {"R1.w": weights}))
    np.testing.assert_allclose(listed.total["hidden1.r"], full.total["hidden1.r"], **EXACT)
    np.testing.assert_allclose(listed.weights["R1.w"], full.weights["R1.w"][made.post, made.pre], **EXACT)


@pytest.mark.parametrize("entries", [matrices.MOST_DIFFERENTIATED, 1])
def test_what_is_kept_of_a_step_is_of_neurons_and_not_of_synapses(
    entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrices, "MOST_DIFFERENTIATED", entries)
    size = 64
    kind = Sparse(0.9, autapses=False)
    made = recurrent(size=size, trials=2, length=40, R1=Pathway("R1", "hidden1.r", "hidden1.drive", connectivity=kind))
    synapses = len(kind.synapses(made.circuit.ends("R1")).pre)

    state = made.state | {"R1.w": np.full(synapses, 0.01)}

    def kept(steps: int) -> int:
        phases = (replace(made.circuit.phases[0], duration=f"{steps} ms"),)
        through = Differentiable(replace(made.circuit, phases=phases), SETTING, ("total_loss",), lean=True)
        with through.engine.precision():
            weights, given = through.given(state, made.stimuli).without(["R1.w"])
            loss = jax.grad(lambda weights: jnp.sum(through.ends(given, values=weights)[0]))
            memory = jax.jit(loss).lower(weights).compile().memory_analysis()
        assert memory is not None
        return memory.temp_size_in_bytes

    assert (kept(41) - kept(21)) / 20 < 8 * synapses


def test_credit_says_what_it_needs(made: Made) -> None:
    with pytest.raises(CircuitError, match="over_time=True"):
        credit_in_time(replace(made.circuit, over_time=False), SETTING, made.state, made.stimuli)
    with pytest.raises(CircuitError, match="no steps"):
        credit_in_time(made.circuit, replace(SETTING, level="steady"), made.state, made.stimuli)
    with pytest.raises(CircuitError, match=r"kicked: got 'hidden1\.drive'"):
        credit(made, kicked=("hidden1.drive",))
    with pytest.raises(CircuitError, match="recurrent: got R2"):
        credit(made, recurrent=("R2",))
    with pytest.raises(CircuitError, match="hidden1 -> hidden1 still drive"):
        credit(made, recurrent=("B1",))
    text = Pathway("R1", "hidden1.r", "hidden1.drive", role=Role.RECURRENT, delivers="w*r_pre")
    with pytest.raises(CircuitError, match="'R1' says by a text"):
        credit(recurrent(R1=text))
    with pytest.raises(CircuitError, match="at most"):
        large = recurrent(size=40, length=3)
        forward_gradients(large.circuit, SETTING, large.state, large.stimuli)


def test_the_time_step_is_that_of_the_setting(found: CreditInTime) -> None:
    assert found.dt == DT
    assert found.hops is None
    assert found.recurrent == ("R1", "B1")
    assert found.spikes == ""
