"""Credit of spikes: e-prop of adaptive neurons by hand, the factorisation of the gradient, and hops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.gradients.credit_in_time import CreditInTime, credit_in_time
from tests.gradients.recurrent_circuits import BETA, DT, SILENT, THETA, WIDTH, Made, spiking

EXACT: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-12}
#: What is left after one step: of the potential, the adaptation and the answer.
KEEP, SLOW, KAPPA = 1 - 1 / 20, 1 - 1 / 100, 1 - 1 / 4
SETTING = Setting("spiking", DT, "float64", surrogate_width=WIDTH)


@pytest.fixture(scope="module")
def made() -> Made:
    return spiking()


def credit(made: Made, **options: Any) -> CreditInTime:
    return credit_in_time(made.circuit, SETTING, made.state, made.stimuli, **options)


def run(made: Made) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spikes, pseudo-derivatives and errors times the mask of each step, step first, by a loop of its own."""
    w, w_in, w_out = (made.state[f"{name}.w"] for name in ("R1", "Win", "Wout"))
    inputs = made.stimuli["input.r"].values
    targets, mask = made.stimuli["output.target"].values, made.stimuli["output.mask"].values * DT
    trials, steps, size = *inputs.shape[:2], len(w)
    v, a, y = np.zeros((trials, size)), np.zeros((trials, size)), np.zeros((trials, 2))
    last = np.full((trials, size), -1000)
    spikes, slopes, errors = [], [], []
    for step in range(steps):
        errors.append(mask[:, step] * (y - targets[:, step]))
        ready = step - last >= SILENT
        v, a, y = KEEP * v + (1 - KEEP) * inputs[:, step] @ w_in.T, SLOW * a, KAPPA * y
        margin = v - THETA - BETA * a
        z = (ready & (margin > 0)).astype(float)
        slopes.append(ready / WIDTH / (1 + np.abs(margin) / WIDTH) ** 2)
        last = np.where(z > 0, step, last)
        v, a, y = v + z @ w.T - THETA * z, a + z, y + z @ w_out.T
        spikes.append(z)
    return np.stack(spikes), np.stack(slopes), np.stack(errors)


def eligibilities(spikes: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """How the spike of each step depends on recurrent weights through the neuron's own state, (step, trial, i, j)."""
    trace = np.zeros_like(spikes[0])
    slow = np.zeros((*spikes[0].shape, spikes.shape[2]))
    found = []
    for z, psi in zip(spikes, slopes, strict=True):
        trace, slow = KEEP * trace, SLOW * slow
        found.append(psi[:, :, None] * (trace[:, None, :] - BETA * slow))
        trace, slow = trace + z, slow + found[-1]
    return np.stack(found)


def test_eprop_of_adaptive_neurons_is_the_gradient_without_recurrence_and_reset(made: Made) -> None:
    spikes, slopes, errors = run(made)
    _, outputs = BatchedEngine(made.circuit, SETTING).run(made.state, made.stimuli, record=("hidden1.spikes",))
    np.testing.assert_array_equal(outputs.recordings["hidden1.spikes"], spikes > 0)
    assert 0.02 < spikes.mean() < 0.3
    # An error reaches back as far as the answer's filter does; the spike of a step is in the answer of the next.
    signal, ahead = np.zeros_like(spikes), np.zeros_like(errors[0])
    for step in reversed(range(len(spikes))):
        signal[step] = ahead @ made.state["Wout.w"]
        ahead = errors[step] + KAPPA * ahead
    found = credit(made, hops=0)
    np.testing.assert_allclose(np.swapaxes(found.immediate["hidden1.spikes"], 0, 1), signal, **EXACT)
    eprop = np.einsum("tki,tkij->ij", signal, eligibilities(spikes, slopes)) / spikes.shape[1]
    np.testing.assert_allclose(found.weights["R1.w"], eprop, **EXACT)


def test_the_gradient_is_total_credit_times_eligibility(made: Made) -> None:
    spikes, slopes, _ = run(made)
    found = credit(made)
    total = np.swapaxes(found.total["hidden1.spikes"], 0, 1)
    product = np.einsum("tki,tkij->ij", total, eligibilities(spikes, slopes)) / spikes.shape[1]
    np.testing.assert_allclose(found.weights["R1.w"], product, **EXACT)
    assert np.linalg.norm(total - np.swapaxes(found.immediate["hidden1.spikes"], 0, 1)) > 0.1 * np.linalg.norm(total)
    every = credit(made, hops=61)
    np.testing.assert_allclose(every.weights["R1.w"], found.weights["R1.w"], **EXACT)
    np.testing.assert_allclose(every.total["hidden1.spikes"], found.total["hidden1.spikes"], **EXACT)


def test_credit_says_how_spikes_are_differentiated(made: Made) -> None:
    assert credit(made).spikes == "spikes have a surrogate derivative of width 0.3, which does not go through resets"
    through = replace(SETTING, surrogate_reset=True)
    other = credit_in_time(made.circuit, through, made.state, made.stimuli)
    assert "goes through resets" in other.spikes
    assert np.linalg.norm(other.weights["R1.w"] - credit(made).weights["R1.w"]) > 0.01
