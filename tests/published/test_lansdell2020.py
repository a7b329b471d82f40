"""Facts about the estimator of Lansdell, Prakash & Kording (2020), on MNIST with 784-50-20-10 units.

Logistic hidden units, linear output, half squared error, batches of 32, weights fixed; feedback by exact
least squares. The predicted error follows from the variance of the estimate, see `_predicted_error`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.description import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.batched.presentation import present
from neurosim.engines.noise import noise_keys
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.gradients.true_gradient import true_gradients
from neurosim.metrics import relative_error
from neurosim.random import stream
from neurosim.schemes._network import Network, Part
from neurosim.tasks._task import Task

SETTING = Setting("steady", dtype="float64")
BATCH = 32


@pytest.fixture(scope="module")
def mnist(data_folder) -> Task:
    task = registry.load("tasks", "mnist")
    return task.load(task.Config(folder=str(data_folder)), seed=0)


def build(task: Task, *, sigma: float = 0.01, scope: str = "trial") -> Circuit:
    network = Network(
        hidden=(50, 20),
        neuron=Part.model_validate({"kind": "leaky_rate", "activation": "sigmoid", "sigma": sigma}),
        readout="squared_error",
        weights=2**0.5,
        bias_weights=0.05,
    )
    scheme = registry.load("schemes", "node_perturbation")
    return scheme.build(scheme.Config(estimator="exact_least_squares", reward_scope=scope), network, task)


def frozen(circuit: Circuit, seed: int) -> dict[str, np.ndarray]:
    """Initial state in which forward weights do not learn."""
    state = initial_state(circuit, seed)
    return state | {name: np.zeros(()) for name in state if name.endswith(".learning_rate")}


def stimuli_of(task: Task) -> dict[str, np.ndarray]:
    return {"input.r": task.train.inputs, "output.target": task.train.targets}


def learn(circuit: Circuit, task: Task, state: dict, steps: int, *, seed: int, first: int) -> dict:
    order = stream(seed, "order", first).integers(0, len(task.train.inputs), (steps, BATCH))
    state, _ = BatchedEngine(circuit, SETTING).train(state, stimuli_of(task), order, seed=seed, first=first)
    return state


def feedback_error(state: dict) -> float:
    """Relative error of the output-side feedback, which should be the transposed forward weights."""
    wanted = state["W3.w"].T
    return float(relative_error.measure(state["B2.w"].ravel(), wanted.ravel()))


def predicted_error(circuit: Circuit, task: Task, state: dict, samples: int) -> float:
    """What the variance of the estimate predicts for `feedback_error`.

    With Var(estimate_k) = g_k^2 + G^2, G the norm of the gradient at all perturbed units, least squares over T
    samples errs by tr(S^-1 E[(n G^2 + |g|^2) e e^T] S^-1)/T in squared Frobenius norm, S = E[e e^T].
    """
    stimuli = {name: array[:4096] for name, array in stimuli_of(task).items()}
    gradients = true_gradients(circuit, SETTING, state, stimuli)
    _, outputs = BatchedEngine(circuit, SETTING).run(
        state, stimuli, report=["output.error"], learn=False, phases=("clean",)
    )
    error = outputs.ends["clean"]["output.error"]
    own = np.sum(gradients.sites["hidden2"] ** 2, axis=1)
    all_units = own + np.sum(gradients.sites["hidden1"] ** 2, axis=1)
    inverse = np.linalg.inv(error.T @ error / len(error))
    weighted = (error * (20 * all_units + own)[:, None]).T @ error / len(error)
    return float(np.sqrt(np.trace(inverse @ weighted @ inverse) / samples) / np.linalg.norm(state["W3.w"]))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_feedback_converges_to_the_weights_at_the_predicted_rate(mnist: Task, seed: int) -> None:
    """Facts 1 and 2: the error falls as the root of the number of samples, and to the predicted value."""
    circuit = build(mnist)
    state = frozen(circuit, seed)
    predicted = predicted_error(circuit, mnist, state, 1)
    marks, errors, done = [100, 316, 1000, 3162, 10_000], [], 0
    for steps in marks:
        state = learn(circuit, mnist, state, steps - done, seed=seed, first=done * BATCH)
        done = steps
        errors.append(feedback_error(state))
    samples = BATCH * np.array(marks)
    slope = np.polyfit(np.log(samples), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.05)
    np.testing.assert_allclose(errors, predicted / np.sqrt(samples), rtol=0.25)


def estimates(circuit: Circuit, task: Task, state: dict, draws: int) -> dict[str, np.ndarray]:
    """Noise-based estimates of one example's gradient, shape (draw, n), by the engine that learns from them."""
    chunk = 10_000
    one = {name: np.repeat(array[:1], chunk, axis=0) for name, array in stimuli_of(task).items()}
    names = ("hidden1.estimate", "hidden2.estimate")
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}
    keep = Circuit(
        circuit.name,
        circuit.populations,
        circuit.pathways,
        circuit.phases,
        circuit.readout,
        circuit.output,
        carry=True,  # what phases hold is returned
    )
    engine = BatchedEngine(keep, SETTING)
    for first in range(0, draws, chunk):
        after, _ = engine.run(state, one, seed=0, first=first, learn=False)
        for name in names:
            found[name].append(after[name])
    return {name.split(".")[0]: np.concatenate(arrays) for name, arrays in found.items()}


def hessian(circuit: Circuit, state: dict, one: dict) -> np.ndarray:
    """Second derivatives of one example's loss with respect to all perturbed units, by central differences."""
    engine, sizes = BatchedEngine(circuit, SETTING), {"hidden1": 50, "hidden2": 20}
    keys, step, rows = noise_keys(circuit, 0), 1e-4, []
    values = {name: engine.array(array) for name, array in state.items()}

    def loss(flat: jax.Array) -> jax.Array:
        bumps = {"hidden1.r": flat[None, :50], "hidden2.r": flat[None, 50:]}
        outcome = present(
            circuit, SETTING, values, one, keys, jnp.zeros(1, "uint32"), report=("loss",), perturbations=bumps,
            phases=("clean",), learn=False,
        )  # fmt: skip
        return outcome.ends["clean"]["loss"][0, 0]

    slope = jax.jit(jax.grad(loss))
    for unit in range(sum(sizes.values())):
        bump = np.zeros(sum(sizes.values()))
        bump[unit] = step
        rows.append((np.asarray(slope(bump)) - np.asarray(slope(-bump))) / (2 * step))
    return np.array(rows)


def test_estimate_is_the_gradient_on_average_with_the_predicted_variance(mnist: Task) -> None:
    """Facts 3 and 4, for one example of an untrained network.

    With a clean baseline the variance does not depend on sigma but for the loss's curvature H: it adds
    sigma^2/4 (tr(H)^2 + 2 |H|^2 + 4 H_kk tr(H) + 8 (H^2)_kk), the fourth and sixth moments of Gaussian noise.
    """
    variance = {}
    for sigma in (0.01, 0.02, 0.1):
        circuit = build(mnist, sigma=sigma)
        state = frozen(circuit, 0)
        one = {name: array[:1] for name, array in stimuli_of(mnist).items()}
        truth = true_gradients(circuit, SETTING, state, one).sites
        draws = estimates(circuit, mnist, state, 200_000)
        everything = sum(float(np.sum(g**2)) for g in truth.values())
        variance[sigma] = np.concatenate([np.var(draws[layer], axis=0) for layer in truth])
        predicted = np.concatenate([gradient[0] ** 2 + everything for gradient in truth.values()])
        if sigma <= 0.02:
            for layer, gradient in truth.items():
                mean = draws[layer].mean(axis=0)
                cosine = mean @ gradient[0] / np.linalg.norm(mean) / np.linalg.norm(gradient)
                assert cosine > 0.99
            assert np.mean(variance[sigma] / predicted) == pytest.approx(1, abs=0.02)
        curvature = hessian(circuit, state, one)
        trace, diagonal, square = np.trace(curvature), np.diag(curvature), np.diag(curvature @ curvature)
        added = trace**2 + 2 * np.sum(curvature**2) + 4 * diagonal * trace + 8 * square
        assert np.mean(variance[sigma] / (predicted + sigma**2 / 4 * added)) == pytest.approx(1, abs=0.02)
    assert np.mean(variance[0.02] / variance[0.01]) == pytest.approx(1, abs=0.02)


def test_batch_summed_reward_costs_at_least_three_times_the_error(mnist: Task) -> None:
    """Fact 8: after one epoch of 1000 batches."""
    errors = {}
    for scope in ("trial", "batch"):
        circuit = build(mnist, scope=scope)
        errors[scope] = feedback_error(learn(circuit, mnist, frozen(circuit, 0), 1000, seed=0, first=0))
    assert errors["batch"] > 3 * errors["trial"]
