"""What is said to go wrong: each cause on both sides of its limit, once, and where learning does diverge."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from neurosim import NeurosimClassifier
from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.errors import NeurosimWarning
from neurosim.gradients.alignment import alignment
from neurosim.model_files.model_file import load
from neurosim.runs.run import train
from neurosim.training.activity import Activity
from neurosim.training.config import Config
from neurosim.training.history import EpochReport
from neurosim.training.troubles import Troubles

SETTING = Setting("steady", dtype="float64")
RATED = {"kind": "node_perturbation", "learning_rate": 0.1, "feedback_learning_rate": 0.05}


def model_of(**scheme: Any) -> dict[str, Any]:
    neuron = {"kind": "leaky_rate", "sigma": 0.01}
    network = {"hidden": [12], "neuron": neuron}
    return {
        "task": {"kind": "digits"},
        "network": network,
        "scheme": {**RATED, **scheme},
        "engine": {"level": "steady"},
    }


def circuit_of(**scheme: Any) -> Circuit:
    return load(model_of(**scheme)).circuit


def given(trials: int = 20) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    return {"input.r": generator.random((trials, 64)), "output.target": np.eye(10)[generator.integers(10, size=trials)]}


def share_of(circuit: Circuit, **changed: float) -> float:
    state = initial_state(circuit, 0) | {f"B1.{name}": np.asarray(value) for name, value in changed.items()}
    return alignment(circuit, SETTING, state, given())["hidden1"]["feedback_rate_share"]


def test_the_share_is_the_rate_over_two_over_the_largest_power() -> None:
    circuit = circuit_of()
    _, outputs = BatchedEngine(circuit, SETTING).run(initial_state(circuit, 0), given(), report=("output.delta",))
    error = outputs.ends["clean"]["output.delta"]
    power = np.linalg.eigvalsh(error.T @ error / len(error)).max()
    assert share_of(circuit) == pytest.approx(0.05 * power / 2, rel=1e-9)
    assert share_of(circuit, learning_rate=0.1) == pytest.approx(2 * share_of(circuit), rel=1e-9)


@pytest.mark.parametrize("over", [0.9, 1.1])
def test_weights_diverge_above_the_limit_and_not_below(over: float) -> None:
    """With forward weights that stay, and the mean of many draws of noise, feedback grows or settles."""
    circuit = circuit_of(learning_rate=1e-12)
    rate = 0.05 / share_of(circuit) * over
    state = initial_state(circuit, 0) | {"B1.learning_rate": np.asarray(rate)}
    engine, stimuli, first = BatchedEngine(circuit, SETTING), given(), np.linalg.norm(initial_state(circuit, 0)["B1.w"])
    # The same batch again and again, so that its eigenvalues are those that were measured.
    for step in range(150):
        state, _ = engine.run(state, stimuli, first=20 * step)
    assert (np.linalg.norm(state["B1.w"]) > 1e3 * first) == (over > 1)


@pytest.mark.parametrize(
    ("scheme", "share"),
    [
        ({"estimator": "normalised_lms", "feedback_learning_rate": 1.0}, (0.05, 0.5)),
        ({"kind": "node_perturbation", "feedback_learning_rate": None}, (0.05, 0.5)),
        ({"kind": "vector_response", "feedback_learning_rate": 0.5}, (0.25, 0.25)),
    ],
)
def test_other_rules_have_their_own_limits(scheme: dict[str, Any], share: tuple[float, float]) -> None:
    """Normalised steps are a share of what would cancel an error; a leaky mean forgets its rate."""
    given_scheme = {name: value for name, value in {**RATED, **scheme}.items() if value is not None}
    measured = share_of(load({**model_of(), "scheme": given_scheme}).circuit)
    assert share[0] - 1e-9 <= measured <= share[1] + 1e-9


def test_feedback_that_follows_nothing_delivered_has_no_limit() -> None:
    for kind in ("feedback_alignment", "backpropagation"):
        circuit = load({**model_of(), "scheme": {"kind": kind, "learning_rate": 0.1}}).circuit
        assert math.isnan(share_of(circuit))


@pytest.mark.parametrize(
    ("activation", "bias", "silent", "saturated"),
    [("relu", -100.0, 1.0, 0.0), ("relu", 0.5, 0.0, 0.0), ("tanh", 50.0, 0.0, 1.0), ("tanh", 0.0, 0.0, 0.0)],
)
def test_shares_of_silent_and_saturated_neurons(activation: str, bias: float, silent: float, saturated: float) -> None:
    network = {"hidden": [12], "neuron": {"kind": "leaky_rate", "activation": activation}, "weights": 0.05}
    circuit = load({**model_of(), "network": network}).circuit
    state = initial_state(circuit, 0)
    state["b1.w"] = np.full_like(state["b1.w"], bias)
    measured = alignment(circuit, SETTING, state, given())["hidden1"]
    assert (measured["silent_share"], measured["saturated_share"]) == (silent, saturated)


def layer(**numbers: float) -> dict[str, dict[str, float]]:
    plain = {"signal_norm_ratio": 1.0, "signal_angle_deg": 30.0, "feedback_rate_share": 0.1}
    return {"hidden1": {**plain, "silent_share": 0.0, "saturated_share": 0.0, **numbers}}


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"feedback_rate_share": 0.99}, ""),
        (
            {"feedback_rate_share": 1.25},
            "'B1' into 'hidden1' has learning rate 0.05; it is stable up to 0.04, 2 over the power 50",
        ),
        ({"signal_norm_ratio": 9.9}, ""),
        (
            {"signal_norm_ratio": 12.0},
            "feedback delivers to 'hidden1' 12 times the length of the gradient; try a third",
        ),
        ({"signal_angle_deg": 95.0}, ""),
        ({"signal_angle_deg": 120.0}, "delivers to 'hidden1' is 120 degrees off the gradient, worse than chance; try"),
        ({"silent_share": 0.6}, "60 % of the neurons of 'hidden1' have no rate in any trial; try smaller"),
        ({"saturated_share": 0.95}, "95 % of the rates of 'hidden1' are saturated"),
    ],
)
def test_each_cause_is_named_with_a_remedy(numbers: dict[str, float], message: str) -> None:
    measured = Troubles(circuit_of(), Config()).add(EpochReport(3, 9, layers=layer(**numbers)))
    assert bool(measured) == bool(message)
    assert not message or (len(measured) == 1 and measured[0].startswith("after epoch 3: ") and message in measured[0])


def test_a_cause_is_told_again_when_it_has_become_much_worse() -> None:
    troubles = Troubles(circuit_of(), Config())
    for epoch, share in enumerate([2.0, 3.0, 5.9, 6.1, 7.0, 0.5, 2.0]):
        troubles.add(EpochReport(epoch, 9, layers=layer(feedback_rate_share=share)))
    assert [text.partition(":")[0] for text in troubles.texts] == ["after epoch 0", "after epoch 3"]


def test_feedback_is_not_judged_before_it_has_learned() -> None:
    troubles = Troubles(circuit_of(), Config(feedback_warm_up=2))
    for epoch in range(4):
        troubles.add(EpochReport(epoch, 9, layers=layer(signal_angle_deg=130.0)))
    assert [text.partition(":")[0] for text in troubles.texts] == ["after epoch 3"]
    fixed = load({**model_of(), "scheme": {"kind": "feedback_alignment", "learning_rate": 0.1}}).circuit
    assert not Troubles(fixed, Config()).add(EpochReport(3, 9, layers=layer(signal_angle_deg=130.0)))


def test_falling_silent_is_said_once_until_it_comes_back() -> None:
    silent, well, full = Activity(0.0, 500.0), Activity(20.0, 500.0), Activity(460.0, 500.0)
    troubles = Troubles(circuit_of(), Config())
    for epoch, firing in enumerate(
        [{"a": well}, {"a": silent}, {}, {"a": silent}, {"a": well, "b": full}, {"a": silent}]
    ):
        troubles.add(EpochReport(epoch, 9, activity=firing))
    assert [text.partition(":")[0] for text in troubles.texts] == [
        "population 'a' is silent after epoch 1",
        "population 'b' is saturated after epoch 4",
        "population 'a' is silent after epoch 5",
    ]


def test_a_run_says_it_when_it_happens_and_keeps_it(tmp_path: Any) -> None:
    model = {
        **model_of(feedback_learning_rate=30.0, learning_rate=1e-9),
        "training": {"epochs": 1, "steps_per_epoch": 2},
    }
    with pytest.warns(NeurosimWarning, match="feedback 'B1' into 'hidden1' has learning rate 30"):
        run = train(model, out=tmp_path / "run")
    assert run.summary["warnings"][0].startswith("after epoch 0: feedback 'B1'")
    assert run.summary["warnings"][0] in (run.folder / "log.txt").read_text()
    quiet = train({**model_of(), "training": {"epochs": 1, "steps_per_epoch": 2}}, out=tmp_path / "quiet")
    assert "warnings" not in quiet.summary


def test_an_estimator_warns_too() -> None:
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((40, 3)), np.arange(40) % 2
    settings = {"scheme": {"feedback_learning_rate": 80.0}, "training": {"measure_every": 1}}
    classifier = NeurosimClassifier((4,), scheme="node_perturbation", epochs=1, learning_rate=1e-9, settings=settings)
    with pytest.warns(NeurosimWarning, match="is stable up to"):
        classifier.fit(X, y)
