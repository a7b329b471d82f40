"""Networks as scikit-learn's estimators."""

from __future__ import annotations

import inspect
from typing import Any, cast

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import neurosim
from neurosim.errors import ConfigError
from neurosim.estimators.estimator import NeurosimClassifier, NeurosimRegressor
from tests.default_run import LAYERED, one_of_each

SMALL: dict[str, Any] = {"hidden": (8,), "epochs": 8, "scheme": "feedback_alignment"}
#: Schemes that have no steady level, with the shortest phases that they do something in.
# Schemes whose loops or noise need time.
IN_TIME = {
    "continuous_node_perturbation",
    "continuous_weight_mirror",
    "dynamic_inversion",
    "single_loop_dynamic_inversion",
}


CHECKS = parametrize_with_checks([NeurosimClassifier(**SMALL), NeurosimRegressor(**SMALL)]).mark


# A check of both estimators runs for the classifier by default.
@pytest.mark.parametrize(
    CHECKS.args[0], one_of_each(CHECKS.args[1], lambda _, check: check.func.__name__), **CHECKS.kwargs
)
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    """All of them, none left out; 46 s of one core together, most of it compilation for each shape of data."""
    check(estimator)


def _blobs(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    found = make_classification(count, 6, n_informative=4, n_classes=3, class_sep=2.0, random_state=0)
    return np.asarray(found[0]), np.asarray(found[1])


def test_the_public_names() -> None:
    assert neurosim.NeurosimClassifier is NeurosimClassifier
    assert neurosim.NeurosimRegressor is NeurosimRegressor
    own, other = (inspect.signature(each).parameters for each in (NeurosimClassifier, NeurosimRegressor))
    assert list(own) == list(other)


def test_it_works_in_pipelines_and_searches() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), NeurosimClassifier((12,), epochs=40, random_state=0))
    choices = {"neurosimclassifier__learning_rate": [1e-6, 0.1]}
    search = GridSearchCV(pipeline, choices, cv=3, error_score=cast("Any", "raise")).fit(X, y)
    assert search.best_params_["neurosimclassifier__learning_rate"] == 0.1
    assert search.best_score_ > 0.9


def test_probabilities_and_outputs_agree_with_the_answer() -> None:
    X, y = load_iris(return_X_y=True)
    labels = np.array(["a", "b", "c"])[y]
    found = NeurosimClassifier((8,), scheme="backpropagation", random_state=0).fit(X, labels)
    probabilities = found.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(found.classes_[probabilities.argmax(axis=1)], found.predict(X))
    np.testing.assert_allclose(np.diff(np.log(probabilities)), np.diff(found.decision_function(X)), rtol=1e-6)
    assert found.score(X, labels) > 0.9
    squared = cast("NeurosimClassifier", clone(found)).set_params(readout="squared_error", learning_rate=0.05)
    assert not hasattr(squared, "predict_proba")


def test_the_seed_decides_and_nothing_is_left_of_an_earlier_fit() -> None:
    X, y = _blobs()
    one = NeurosimClassifier(**SMALL, random_state=3).fit(X, y)
    first = {name: array.copy() for name, array in one.state_.items()}
    for name, array in one.fit(X, y).state_.items():
        np.testing.assert_array_equal(array, first[name], err_msg=name)
    other = cast("NeurosimClassifier", clone(one)).set_params(random_state=4).fit(X, y)
    assert not np.array_equal(first["W1.w"], other.state_["W1.w"])
    assert one.seed_ == 3 and len(one.loss_curve_) == one.n_iter_ == 8


def test_held_out_data_are_followed_in_each_epoch() -> None:
    X, y = _blobs()
    found = NeurosimClassifier(**SMALL, validation_fraction=0.25, random_state=0).fit(X, y)
    assert bool(found.history_.validation_accuracy.notnull().all())
    assert found.loss_ == pytest.approx(float(found.history_.validation_loss[-1]))


def test_the_regressor_answers_in_the_targets_own_units() -> None:
    X = np.random.default_rng(0).uniform(-1, 1, (120, 2))
    y = np.stack([1e4 + 1e3 * X[:, 0] * X[:, 1], X[:, 0] - X[:, 1]], axis=1)
    found = NeurosimRegressor((24,), scheme="backpropagation", epochs=150, learning_rate=0.1, random_state=0).fit(X, y)
    assert found.predict(X).shape == (120, 2)
    assert found.score(X, y) > 0.9


def test_settings_are_those_of_a_model_file() -> None:
    X, y = _blobs()
    settings = {
        "scheme": {"topology": "direct", "feedback_learning_rate": 0.01},
        "network": {"neuron": {"kind": "leaky_rate", "activation": "sigmoid"}},
        "training": {"measure_every": 4},
    }
    found = NeurosimClassifier((6, 5), epochs=4, sigma=0.02, settings=settings, random_state=0).fit(X, y)
    assert found.circuit_.pathway["B1"].pre == "output"
    assert float(found.state_["hidden1.sigma"]) == pytest.approx(0.02)
    assert float(found.state_["B1.learning_rate"]) == pytest.approx(0.01)
    assert "signal_angle_deg" in found.history_


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scheme": "feedback_aligment"}, r"scheme.kind: got 'feedback_aligment'.*did you mean 'feedback_alignment'"),
        ({"settings": {"training": {"epoch": 3}}}, r"training.epoch: unknown key, got 3; did you mean 'epochs'"),
        ({"settings": {"task": {"kind": "digits"}}}, r"task: got a task, expected none: the data are given"),
        ({"level": "steady", "engine": "brian"}, r"engine: got level 'steady' with kind 'brian'"),
        ({"validation_fraction": 1.0}, r"validation_fraction: got 1.0, expected 0 or more, and less than 1"),
        ({"hidden": ()}, r"network.hidden: got \[\], expected"),
    ],
)
def test_parameters_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    X, y = _blobs(20)
    with pytest.raises(ConfigError, match=message):
        NeurosimClassifier(**settings).fit(X, y)


# By default a run of a model file does: tests/runs/test_run.py.
@pytest.mark.slow
def test_both_engines_learn_the_same() -> None:
    X, y = _blobs(24)
    settings = {"engine": {"dt": "1 ms"}, "scheme": {"duration": "20 ms", "perturbed_duration": "20 ms"}}
    shared: dict[str, Any] = {"level": "rate", "epochs": 2, "settings": settings, "random_state": 0}
    # Without a rate only one of them would have Adam.
    shared["learning_rate"] = 0.1
    one, other = (NeurosimClassifier((8,), engine=engine, **shared).fit(X, y) for engine in ("batched", "brian"))
    for name in ("W1.w", "W2.w", "B1.w"):
        np.testing.assert_allclose(one.state_[name], other.state_[name], rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_spikes() -> None:
    X, y = _blobs()
    found = NeurosimClassifier((16,), level="spiking", epochs=4, random_state=0).fit(X, y)
    assert found.circuit_.population["hidden1"].neuron.threshold is not None
    assert found.loss_curve_[-1] < found.loss_curve_[0]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", LAYERED)
def test_every_scheme(scheme: str) -> None:
    """About 4 s each."""
    X, y = _blobs(32)
    level = "rate" if scheme in IN_TIME else "steady"
    found = NeurosimClassifier((8,), scheme=scheme, level=level, epochs=2, batch_size=8, random_state=0).fit(X, y)
    assert np.isfinite(found.loss_) and found.predict(X).shape == (32,)
