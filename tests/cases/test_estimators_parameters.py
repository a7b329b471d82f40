"""Parameters of the estimators: each is checked at fit, and named in the user's words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.errors import ConfigError
from neurosim.estimators.estimator import NeurosimClassifier, NeurosimRegressor
from neurosim.estimators.parameters import checked, sections_of

X = np.random.default_rng(0).standard_normal((24, 3))
Y = np.arange(24) % 2


def _refused(kind: Any, message: str, **parameters: Any) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**parameters).fit(X, Y)


@pytest.mark.parametrize("kind", [NeurosimClassifier, NeurosimRegressor])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("hidden", ["16", 0, -3, 1.5, (4, 0), (4.0,), (True,), True, None, [[4]], {"channels": 3}, ["4"], {4: 5}]),
        ("scheme", [None, 3, ["backpropagation"]]),
        ("level", ["stedy", None, 1]),
        ("engine", ["jax", None, {}]),
        ("readout", [None, 0]),
        ("epochs", [0, -1, 2.5, "3", True, np.float64(3.0)]),
        ("batch_size", [0, -1, 2.5, "3", True, None]),
        ("learning_rate", ["0.1", np.nan, np.inf, -0.1, True, [0.1]]),
        ("learning_rate_decay", ["0.1", np.nan, np.inf, -0.1]),
        ("sigma", ["0.1", np.nan, np.inf, -0.1, True]),
        ("standardise", [1, "yes", None]),
        ("validation_fraction", ["0.1", None, np.nan, 1.0, -0.1, True]),
        ("settings", [[], "scheme", {"scheme": 3}, {3: {}}, {"scheme": {"a": object()}}, {"scheme": {"a": {1j}}}]),
        ("random_state", [-1, 2**64, "0", 1.5, []]),
    ],
)
def test_what_a_parameter_cannot_be_is_named(kind: Any, name: str, values: list[Any]) -> None:
    for value in values:
        _refused(kind, rf"^{name}(\[.*\])?: got ", **{name: value})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden": ()}, r"network\.hidden: got \[\]"),
        ({"scheme": "backpropagaton"}, r"scheme\.kind: got 'backpropagaton'.*did you mean 'backpropagation'"),
        ({"level": "stedy"}, "level: got 'stedy', .*did you mean 'steady'"),
        ({"readout": "squared"}, r"network\.readout: got 'squared'"),
        ({"settings": {"netwrk": {}}}, "netwrk: unknown section; did you mean 'network'"),
    ],
)
def test_what_a_name_was_meant_to_be(parameters: dict[str, Any], message: str) -> None:
    _refused(NeurosimClassifier, message, **parameters)


def test_a_single_size_is_one_layer() -> None:
    one, other = (
        NeurosimClassifier(hidden, scheme="backpropagation", epochs=2, random_state=0).fit(X, Y) for hidden in (5, (5,))
    )
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert one.hidden == 5


def test_numbers_of_numpy_count() -> None:
    plain: dict[str, Any] = {"hidden": (4,), "epochs": 2, "batch_size": 3, "sigma": 0.25, "learning_rate": 0.5}
    given = {
        "hidden": np.array([4]),
        "epochs": np.int64(2),
        "batch_size": np.uint8(3),
        "sigma": np.float64(0.25),
        "learning_rate": np.float32(0.5),
        "standardise": np.True_,
        "settings": {"training": {"measure_every": np.int32(2)}, "scheme": {"feedback_learning_rate": np.float32(0.5)}},
    }
    expected = {"training": {"measure_every": 2}, "scheme": {"feedback_learning_rate": 0.5}}
    found = (NeurosimClassifier(**each).get_params() for each in (given, {**plain, "settings": expected}))
    one, other = (sections_of(checked(each)) for each in found)
    assert one == other


@pytest.mark.parametrize("state", [0, np.int64(3), np.random.RandomState(1), np.random.default_rng(1), None])
def test_whatever_draws_gives_a_seed(state: Any) -> None:
    fitted = NeurosimRegressor(4, scheme="backpropagation", epochs=1, random_state=state).fit(X, X[:, 0])
    assert isinstance(fitted.seed_, int) and fitted.seed_ >= 0


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", None, "b"], "y: got no label at 8 places"),
        (["a", float("nan"), "b"], "NaN|no label at 8 places"),
        ([1, "a", 2], "y: got labels of different types|[Mm]ix of label"),
        ([True, "a", "b"], "y: got labels of different types|[Mm]ix of label"),
    ],
)
def test_labels_that_are_none(labels: list[Any], message: str) -> None:
    y = np.array(labels * 8, dtype=object)
    with pytest.raises(ValueError, match=message):
        NeurosimClassifier(4, epochs=1).fit(X, y)


def test_a_split_that_leaves_nothing_to_learn_from_names_its_parameter() -> None:
    with pytest.raises(
        ConfigError, match=r"^validation_fraction: got 0\.99, which takes all 12 examples of the class 'u'"
    ):
        NeurosimClassifier(4, epochs=1, validation_fraction=0.99).fit(X, np.array(["u", "v"])[Y])
    with pytest.raises(ConfigError, match=r"^validation_fraction: got 0\.99, which takes all 24 examples;"):
        NeurosimRegressor(4, epochs=1, validation_fraction=0.99).fit(X, X[:, 0])
