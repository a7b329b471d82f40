"""Data that the estimators would learn wrongly are refused, and what is held out is not learned from."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from neurosim import NeurosimClassifier, NeurosimRegressor
from neurosim.errors import ArgumentError, ConfigError

X = np.random.default_rng(0).standard_normal((40, 3))
Y = (X[:, 0] > 0).astype(int)
SETTINGS = {"scheme": "backpropagation", "epochs": 1, "random_state": 0}


def _classifier(**settings):
    return NeurosimClassifier((4,), **{**SETTINGS, **settings})


LABELS = {
    "texts that NumPy made of missing numbers": np.array(["a", "nan"])[Y],
    "empty texts": np.array(["a", ""])[Y],
    "nothing": [("a" if one else None) for one in Y],
    "not a number": np.array(["a", np.nan], object)[Y],
    "pandas' own": pandas.Series([("a" if one else None) for one in Y]).astype("string"),
    "times that are none": np.array(["2020-01-01", "NaT"], "M8[D]")[Y].astype(object),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_that_are_none_are_refused_with_their_places(kind):
    with pytest.raises(ConfigError, match=rf"y: got no label at {40 - Y.sum()} places|at {Y.sum()} places"):
        _classifier().fit(X, LABELS[kind])


@pytest.mark.parametrize("labels", [np.array(["a", "b"])[Y], pandas.Series(Y), Y.tolist(), Y.astype(bool)])
def test_labels_are_as_before(labels):
    assert len(_classifier().fit(X, labels).classes_) == 2


def test_masked_values_do_not_count_as_data():
    masked = np.ma.array(X, mask=X > 1)
    for refused in (
        lambda: _classifier().fit(masked, Y),
        lambda: _classifier().fit(X, np.ma.array(Y, mask=X[:, 0] > 1)),
        lambda: NeurosimRegressor((4,), **SETTINGS).fit(X, np.ma.array(X[:, 0], mask=X[:, 0] > 1)),
        lambda: _classifier().fit(X, Y).predict(masked),
    ):
        with pytest.raises(ConfigError, match="values are masked"):
            refused()
    assert _classifier().fit(np.ma.array(X), Y).classes_.tolist() == [0, 1]


def test_dates_and_names_that_stand_twice_are_refused():
    days = pandas.DataFrame({"a": X[:, 0], "day": pandas.date_range("2020", periods=40)})
    for dates in (days, days[["day"]].to_numpy()):
        with pytest.raises(ConfigError, match="X: got dates or times"):
            _classifier().fit(dates, Y)
    with pytest.raises(ConfigError, match="y: got dates or times"):
        NeurosimRegressor((4,), **SETTINGS).fit(X, days["day"])
    with pytest.raises(ConfigError, match="X: got the column 'a' more than once"):
        _classifier().fit(pandas.DataFrame(X, columns=list("aab")), Y)


def test_sizes_without_an_order_are_refused():
    with pytest.raises(ArgumentError, match=r"hidden: got \{"):
        NeurosimClassifier({16, 4}, **SETTINGS).fit(X, Y)  # pyright: ignore[reportArgumentType]


def test_targets_are_scaled_by_the_rows_that_are_learned_from():
    targets = X[:, 0].copy()
    whole = NeurosimRegressor((4,), **SETTINGS).fit(X, targets)
    np.testing.assert_allclose([whole.target_mean_[0], whole.target_scale_[0]], [targets.mean(), targets.std()])
    fitted = NeurosimRegressor((4,), validation_fraction=0.25, **SETTINGS).fit(X, targets)
    # Who is held out is the seed's affair: their targets, however large, change nothing.
    held_out = [row for row in range(40) if _scale_with(targets, row) == fitted.target_scale_[0]]
    assert len(held_out) == 10
    kept = np.delete(targets, held_out)
    np.testing.assert_allclose([fitted.target_mean_[0], fitted.target_scale_[0]], [kept.mean(), kept.std()])


def _scale_with(targets, row):
    """The scale of a fit in which one target is another."""
    changed = targets.copy()
    changed[row] += 1.0
    settings = {**SETTINGS, "settings": {"training": {"measure_every": 0}}}
    return NeurosimRegressor((4,), validation_fraction=0.25, **settings).fit(X, changed).target_scale_[0]
