"""Fits of the estimators: kept whole or not at all, untouched by what becomes of parameters, in any unit."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from neurosim.errors import ConfigError, NeurosimError, NumericalError
from neurosim.estimators.estimator import NeurosimClassifier, NeurosimRegressor

SMALL: dict[str, Any] = {"hidden": (8,), "scheme": "backpropagation", "epochs": 4, "random_state": 0}
IRIS: Any = [np.asarray(each) for each in load_iris(return_X_y=True)]
X, Y = IRIS[0][::3], IRIS[1][::3]


def _same(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": (5,)},
        {"scheme": "feedback_alignment"},
        {"scheme": "no such scheme"},
        {"level": "spiking"},
        {"engine": "brian"},
        {"readout": "squared_error"},
        {"standardise": False},
        {"settings": {"network": {"neuron": {"kind": "leaky_rate", "activation": "relu"}}}},
        {"sigma": 3.0, "epochs": -1},
    ],
)
def test_changed_parameters_change_no_prediction(changes: dict[str, Any]) -> None:
    fitted = NeurosimClassifier(**SMALL).fit(X, Y)
    before = fitted.predict(X), fitted.predict_proba(X), fitted.decision_function(X), str(fitted.model_)
    circuit = str(fitted.circuit_)
    fitted.set_params(**changes)
    after = fitted.predict(X), fitted.predict_proba(X), fitted.decision_function(X), str(fitted.model_)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert str(fitted.circuit_) == circuit
    for again in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        _same(again.predict_proba(X), before[1])


def test_settings_that_are_changed_in_place_change_no_prediction() -> None:
    settings = {"network": {"neuron": {"kind": "leaky_rate", "activation": "tanh"}}}
    fitted = NeurosimRegressor(**SMALL, settings=settings).fit(X, X[:, 0])
    before = fitted.predict(X)
    settings["network"]["neuron"]["activation"] = "relu"
    _same(fitted.predict(X), before)


def test_probabilities_are_those_of_the_readout_that_was_fitted() -> None:
    fitted = NeurosimClassifier(**SMALL).fit(X, Y).set_params(readout="squared_error")
    assert hasattr(fitted, "predict_proba")
    assert not hasattr(clone(fitted), "predict_proba")
    by_settings = NeurosimClassifier(**SMALL, settings={"network": {"readout": "squared_error"}})
    assert not hasattr(by_settings, "predict_proba")
    assert not hasattr(by_settings.fit(X, Y), "predict_proba")


# A squared error that grows for ever.
DIVERGING: dict[str, Any] = {"readout": "squared_error", "learning_rate": 1e30}
BROKEN: list[tuple[Any, Any, dict[str, Any]]] = [
    (X, Y, DIVERGING),
    (X[:, :2], np.array(["a", "b", "c"])[Y], DIVERGING),
    (X[:, :2], Y * 0, {}),
    (X[:, :2] * np.nan, Y, {}),
    (X[:, :2], Y, {"scheme": "no such scheme"}),
    (X[:, :2], Y[:-1], {}),
    (X[:, :2] * 1e300, Y + 7, {"standardise": False}),
    (X[:, :2], Y + 7, {"validation_fraction": 0.99}),
]


@pytest.mark.parametrize(("inputs", "labels", "changes"), BROKEN)
def test_a_fit_that_fails_leaves_the_old_one(inputs: Any, labels: Any, changes: dict[str, Any]) -> None:
    fitted = NeurosimClassifier(**SMALL).fit(X, Y)
    before = {name: value for name, value in vars(fitted).items() if name not in fitted.get_params()}
    answers = fitted.predict_proba(X)
    with pytest.raises((ValueError, NumericalError)):
        fitted.set_params(**changes).fit(inputs, labels)
    after = {name: value for name, value in vars(fitted).items() if name not in fitted.get_params()}
    assert after.keys() == before.keys() and all(after[name] is value for name, value in before.items())
    _same(fitted.predict_proba(X), answers)


@pytest.mark.parametrize("kind", [NeurosimClassifier, NeurosimRegressor])
def test_a_first_fit_that_fails_leaves_nothing(kind: Any) -> None:
    estimator = kind(**SMALL).set_params(**DIVERGING)
    with pytest.raises(NumericalError):
        estimator.fit(X, Y)
    assert not [name for name in vars(estimator) if name.endswith("_")]
    with pytest.raises(NotFittedError):
        estimator.predict(X)


def test_another_fit_forgets_the_first() -> None:
    pandas = pytest.importorskip("pandas")
    fitted: Any = NeurosimRegressor(**SMALL).fit(pandas.DataFrame(X, columns=list("abcd")), X[:, :2])
    assert list(fitted.feature_names_in_) == list("abcd")
    fitted.fit(X[:, :3], X[:, 0])
    assert not hasattr(fitted, "feature_names_in_") and fitted.predict(X[:, :3]).shape == (len(X),)


@pytest.mark.parametrize("unit", [1e-300, 1e-13, 1e13, 1e300, (1e-13, 1.0, 1e13, 1e200)])
def test_no_unit_of_the_inputs_changes_what_is_learned(unit: Any) -> None:
    plain, scaled = (NeurosimClassifier(**SMALL).fit(X * factor, Y) for factor in (1.0, np.array(unit)))
    np.testing.assert_allclose(scaled.predict_proba(X * np.array(unit)), plain.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize("unit", [1e-300, 1e-13, 1e13, 1e300])
def test_no_unit_of_the_targets_changes_what_is_learned(unit: float) -> None:
    settings = {**SMALL, "epochs": 60, "learning_rate": 0.1}
    y = X[:, 0] * X[:, 2]
    plain, scaled = (NeurosimRegressor(**settings).fit(X, y * factor) for factor in (1.0, unit))
    np.testing.assert_allclose(scaled.predict(X) / unit, plain.predict(X), rtol=1e-3)
    left = np.sum((plain.predict(X) - y) ** 2) / np.sum((y - y.mean()) ** 2)
    assert left < 0.1


def test_a_small_spread_beside_a_large_offset_is_learned() -> None:
    settings = {**SMALL, "epochs": 30, "learning_rate": 0.1}
    assert NeurosimClassifier(**settings).fit(1e6 + 1e-6 * X, Y).score(1e6 + 1e-6 * X, Y) > 0.9


@pytest.mark.parametrize(("factor", "said"), [(1e300, "greater ones"), (1e-300, "smaller, so that they would be zero")])
def test_without_scaling_what_single_precision_cannot_hold_is_refused(factor: float, said: str) -> None:
    with pytest.raises(ConfigError, match=f"X: expected, after scaling, .*{said}"):
        NeurosimClassifier(**SMALL, standardise=False).fit(X * factor, Y)
    with pytest.raises(ConfigError, match=f"y: expected, after scaling, .*{said}"):
        NeurosimRegressor(**SMALL, standardise=False).fit(X, X[:, 0] * factor)


def test_an_input_far_beyond_those_of_the_fit_is_refused() -> None:
    fitted = NeurosimClassifier(**SMALL).fit(X, Y)
    with pytest.raises(NeurosimError, match="X: expected, after scaling"):
        fitted.predict(X * 1e200)
