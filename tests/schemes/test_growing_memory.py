"""Learned feedback without a rate: its rule by hand, its settings, and that it learns where fixed rates diverge."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from neurosim import NeurosimClassifier
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.plain.engine import NumpyEngine
from neurosim.engines.setting import Setting
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


def test_estimates_of_several_perturbed_phases_are_averaged() -> None:
    scheme = {"kind": "node_perturbation", "perturbations": 3}
    circuit = load({"task": {"kind": "digits"}, "network": {"hidden": [6, 5]}, "scheme": scheme}).circuit
    generator = np.random.default_rng(0)
    stimuli = {"input.r": generator.random((4, 64)), "output.target": np.eye(10)[[1, 5, 7, 0]]}
    state = initial_state(circuit, 0)
    engines = [
        BatchedEngine(circuit, Setting("steady", dtype="float64")),
        NumpyEngine(circuit, Setting("steady", dtype="float64")),
    ]
    after, outputs = engines[0].run(state, stimuli, report=("hidden2.noise", "loss_change", "output.delta"))
    assert list(outputs.ends) == ["clean", "perturbed", "perturbed_2", "perturbed_3"]
    perturbed = [outputs.ends[name] for name in list(outputs.ends)[1:]]
    each = [ends["hidden2.noise"] / state["hidden2.sigma"] * ends["loss_change"] for ends in perturbed]
    assert not np.allclose(each[0], each[1])
    # The first step from weights of zero is all of the estimate.
    error = outputs.ends["clean"]["output.delta"]
    sent = error / (np.sum(error**2, axis=1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(after["B2.w"], np.mean(each, axis=0).T @ sent / len(sent), rtol=1e-9)
    other, _ = engines[1].run(state, stimuli)
    for name in ("B2.w", "W1.w", "W3.w"):
        np.testing.assert_allclose(after[name], other[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_several_perturbations_need_a_clean_phase() -> None:
    with pytest.raises(ValueError, match="got 2 perturbations with baseline 'running', which has one phase; expected"):
        Config(perturbations=2, baseline="running")


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
    # More draws of noise, and feedback first.
    assert model.scheme_config.model_dump()["perturbations"] == 8 and model.training.feedback_warm_up == 1
    assert load(model.resolve()) == model


@pytest.mark.parametrize(
    ("activation", "weights"),
    [("tanh", 1.0), ("identity", 1.0), ("relu", 1.4), ("softplus", 2.0), ("tanh(2*v)", 0.52), ("v**3", 4.0)],
)
def test_initial_weights_suit_the_activation_function(activation: str, weights: float) -> None:
    neuron = {"kind": "leaky_rate", "activation": activation}
    assert load({**SECTIONS, "network": {"neuron": neuron}}).network.model_dump()["weights"] == weights
    assert load({**SECTIONS, "network": {"neuron": neuron, "weights": 0.7}}).network.model_dump()["weights"] == 0.7
    rated = {"kind": "node_perturbation", "learning_rate": 0.1}
    assert load({**SECTIONS, "network": {"neuron": neuron}, "scheme": rated}).network.model_dump()["weights"] == 1.0


@pytest.mark.parametrize(
    "settings",
    [{"feedback_learning_rate": 0.05}, {"baseline": "running"}, {"estimator": "exact_least_squares"}],
)
def test_one_perturbed_phase_where_feedback_is_not_found_by_default(settings: dict[str, object]) -> None:
    model = load({**SECTIONS, "scheme": {"kind": "node_perturbation", **settings}})
    assert "perturbations" not in model.scheme_config.model_dump() and model.training.feedback_warm_up == 0


def test_spiking_networks_have_one_perturbed_phase() -> None:
    model = load({**SECTIONS, "engine": {"level": "rate"}})
    assert "perturbations" not in model.scheme_config.model_dump() and model.network.model_dump()["weights"] == 1.0


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
