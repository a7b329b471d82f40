"""Facts about the estimator of Lansdell, Prakash & Kording (2020), on MNIST with 784-50-20-10 units.

Logistic hidden units, linear output, half squared error, batches of 32, weights fixed; feedback by exact
least squares. The predictions are those of the probes `convergence` and `estimate`.
"""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.probes import convergence, estimate
from neurosim.probes._findings import Findings
from neurosim.schemes._network import Network, Part
from neurosim.tasks._task import Task

SETTING = Setting("steady", dtype="float64")
BATCH = 32


@pytest.fixture(scope="module")
def mnist(data_folder) -> Task:
    task = registry.load("tasks", "mnist")
    return task.load(task.Config(folder=str(data_folder)), seed=0)


def engine(task: Task, *, sigma: float = 0.01, scope: str = "trial") -> BatchedEngine:
    network = Network(
        hidden=(50, 20),
        neuron=Part.model_validate({"kind": "leaky_rate", "activation": "sigmoid", "sigma": sigma}),
        readout="squared_error",
        weights=2**0.5,
        bias_weights=0.05,
    )
    scheme = registry.load("schemes", "node_perturbation")
    config = scheme.Config(estimator="exact_least_squares", reward_scope=scope)
    return BatchedEngine(scheme.build(config, network, task), SETTING)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_feedback_converges_to_the_weights_at_the_predicted_rate(mnist: Task, seed: int) -> None:
    """Facts 1, 2 and 5: the error falls as the root of the number of samples, and to the predicted value.

    After 320,000 presentations the last feedback delivers what it should within two degrees. The one below, which
    learned from errors that were themselves wrong at first, takes far longer.
    """
    marks = tuple(BATCH * steps for steps in (100, 316, 1000, 3162, 10_000))
    found = convergence.measure(convergence.Config(marks=marks), engine(mnist), mnist, seed=seed)
    assert found.numbers["slope"] == pytest.approx(-0.5, abs=0.05)
    assert found.numbers["worst_ratio"] < 0.25
    assert found.numbers["hidden2.local_angle_deg"] < 2
    assert 3 * found.numbers["hidden2.local_angle_deg"] < found.numbers["hidden1.local_angle_deg"] < 12


def test_estimate_is_the_gradient_on_average_with_the_predicted_variance(mnist: Task) -> None:
    """Facts 3 and 4, for one example of an untrained network.

    With a clean baseline the variance does not depend on sigma but for the curvature of the loss.
    """
    variance = {}
    for sigma in (0.01, 0.02, 0.1):
        config = estimate.Config(draws=200_000, curvature=True)
        found = estimate.measure(config, engine(mnist, sigma=sigma), mnist, seed=0)
        assert found.curves is not None
        variance[sigma] = found.curves["variance"].values[0]
        if sigma <= 0.02:
            assert found.numbers["hidden1.cosine"] > 0.99
            assert found.numbers["hidden2.cosine"] > 0.99
            assert found.numbers["variance_ratio"] == pytest.approx(1, abs=0.02)
            # One draw over all 70 units points as a random direction would, but, with small noise, to the right side.
            assert found.numbers["one_shot_cosine"] == pytest.approx(np.sqrt(2 / (np.pi * 70)), rel=0.02)
        assert found.numbers["curvature_variance_ratio"] == pytest.approx(1, abs=0.02)
    assert np.mean(variance[0.02] / variance[0.01]) == pytest.approx(1, abs=0.02)


def test_batch_summed_reward_costs_at_least_three_times_the_error(mnist: Task) -> None:
    """Fact 8: after one epoch of 1000 batches."""

    def error(found: Findings) -> float:
        return found.numbers["hidden2.weight_relative_error"]

    config = convergence.Config(marks=(1000 * BATCH,))
    errors = {
        scope: error(convergence.measure(config, engine(mnist, scope=scope), mnist, seed=0))
        for scope in ("trial", "batch")
    }
    assert errors["batch"] > 3 * errors["trial"]
