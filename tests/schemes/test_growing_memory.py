"""Learned feedback without a rate: its rule by hand, its settings, and that it learns where fixed rates diverge."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from neurosim import NeurosimClassifier
from neurosim.engines.state import initial_state
from neurosim.equations.array_code import expression_function
from neurosim.model_files.model_file import load
from neurosim.rules.growing_memory import RULE
from neurosim.schemes.node_perturbation import Config
from neurosim.training.loop import learning_rates


def test_where_estimates_are_exact_a_direction_is_found_at_the_rate_of_its_share() -> None:
    """With two equal directions the error shrinks by ``1 - patience/(patience + k)/2`` in the k-th batch."""
    wanted, w, seen, patience, left = np.array([0.5, -1.0]), np.zeros(2), np.zeros(2), 4.0, 1.0
    # Two trials of one neuron; their lengths do not matter.
    errors = np.array([[2.0, 0.0], [0.0, 0.1]])
    functions = {name: expression_function(name, text).compile(np) for name, text in RULE.increments.items()}
    names = {name: expression_function(name, text).arguments for name, text in RULE.increments.items()}
    for k in range(50):
        values = {
            "estimate_post": (errors @ wanted)[:, None],
            "signal_held_post": (errors @ w)[:, None],
            "delta_held_pre": errors,
            "power_held_pre": np.sum(errors**2, axis=1, keepdims=True),
            "w": w,
            "seen": seen,
            **RULE.parameters,
            "patience": patience,
        }
        steps = {name: functions[name](**{each: values[each] for each in names[name]}) for name in functions}
        w, seen = w + np.mean(steps["w"], axis=0), seen + steps["seen"]
        left *= 1 - patience / (patience + k) / 2
    np.testing.assert_allclose((wanted - w) / wanted, [left, left], rtol=1e-2)
    np.testing.assert_array_equal(seen, 50)


def test_a_rate_means_an_estimator_that_has_one() -> None:
    assert Config().estimator == "growing_memory" and Config().feedback_learning_rate is None
    assert Config(feedback_learning_rate=0.1).estimator == "lms"
    assert Config(estimator="normalised_lms").feedback_learning_rate == 0.05
    with pytest.raises(ValueError, match="which has none; expected 'lms' or 'normalised_lms', or no rate"):
        Config(estimator="growing_memory", feedback_learning_rate=0.1)
    # What was written with all defaults is read again.
    for settings in (Config(), Config(feedback_learning_rate=0.1), Config(estimator="exact_least_squares")):
        assert Config(**settings.model_dump()) == settings


SECTIONS = {
    "task": {"kind": "digits"},
    "network": {"hidden": [48, 32]},
    "scheme": {"kind": "node_perturbation"},
    "engine": {"level": "steady"},
    "training": {"epochs": 10},
}


def test_without_a_rate_and_an_optimiser_there_is_one_that_needs_none() -> None:
    model = load(SECTIONS)
    assert model.training.optimiser.kind == "adam" and model.training.few_updates == 3000
    assert model.training.learning_rate_decay**10 == pytest.approx(0.05)
    assert model.network.neurons["neuron"].settings["sigma"] == pytest.approx(np.sqrt(0.05 / 80), rel=0.02)
    assert load(model.resolve()) == model


@pytest.mark.parametrize(
    ("section", "given"),
    [("scheme", {"learning_rate": 0.1}), ("training", {"optimiser": {"kind": "sgd"}})],
)
def test_who_names_one_of_them_gets_nothing_else(section: str, given: dict[str, object]) -> None:
    model = load({**SECTIONS, section: {**SECTIONS[section], **given}})
    assert model.training.optimiser.kind == "sgd" and model.training.learning_rate_decay == 1
    assert model.scheme_config.model_dump()["learning_rate"] == 0.1
    assert model.network.neurons["neuron"].settings["sigma"] == 0.1


@pytest.mark.parametrize("engine", ["brian", "numpy"])
def test_engines_with_plain_steps_keep_the_rates_of_schemes(engine: str) -> None:
    level = {"brian": "rate", "numpy": "steady"}[engine]
    model = load({**SECTIONS, "engine": {"kind": engine, "level": level}})
    assert model.training.optimiser.kind == "sgd" and model.scheme_config.model_dump()["learning_rate"] == 0.1


def test_few_updates_are_larger_ones_of_forward_weights() -> None:
    model = load({**SECTIONS, "scheme": {"kind": "weight_mirror"}})
    state = initial_state(model.circuit, 0)
    plain = learning_rates(model.circuit, state, model.training, 0)
    for updates, factor in ((9000, 1), (3000, 1), (1000, 3), (10, 10)):
        rates = learning_rates(model.circuit, state, model.training, 0, updates)
        assert rates["W1.learning_rate"] == pytest.approx(factor * plain["W1.learning_rate"])
        assert rates["B2.learning_rate"] == plain["B2.learning_rate"]


def test_what_is_named_of_noise_and_decay_stays() -> None:
    network = {"hidden": [48], "neuron": {"kind": "leaky_rate", "sigma": 0.2}}
    model = load({**SECTIONS, "network": network, "training": {"epochs": 10, "learning_rate_decay": 0.9}})
    assert model.network.neurons["neuron"].settings["sigma"] == 0.2 and model.training.learning_rate_decay == 0.9


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_five_layers_learn_with_nothing_set(activation: str) -> None:
    """Nearly as well as two, and with feedback nearer to the gradient than fixed feedback in every layer."""
    X, y = load_digits(return_X_y=True)
    X, held, y, answers = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
    settings = {"network": {"neuron": {"kind": "leaky_rate", "activation": activation}}}
    settings |= {"training": {"measure_every": 100}}
    angles = {}
    for scheme in ("node_perturbation", "feedback_alignment"):
        fitted = NeurosimClassifier((48,) * 5, scheme=scheme, settings=settings, random_state=0).fit(X, y)
        angles[scheme] = fitted.history_.signal_angle_deg.values[-1][:5]
        if scheme == "node_perturbation":
            assert fitted.score(held, answers) > 0.93
    assert (angles["node_perturbation"] < angles["feedback_alignment"]).all()
