"""Where feedback weights go: closed forms at their limit, a course by hand, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import CircuitError, ConfigError, NumericalError
from neurosim.probes import mirror
from neurosim.probes._learning import random_order, seed_of_repetition, start_of
from neurosim.stability.feedback import estimation_noise, sampling_angle

LINEAR = {"kind": "leaky_rate", "activation": "identity"}
SMALL: dict[str, Any] = {
    "task": {"kind": "teacher_student", "n_inputs": 6, "hidden": [4], "n_outputs": 3, "n_train": 40},
    "network": {
        "hidden": [5],
        "neuron": LINEAR,
        "output_neuron": LINEAR,
        "readout": "squared_error",
        "bias": False,
    },
    "scheme": {"kind": "weight_mirror", "amp": 2.0, "decay": 0.5, "noise_sd": 0.5, "feedback_learning_rate": 0.4},
    "engine": {"level": "steady", "dtype": "float64"},
    "probe": {"kind": "mirror", "noise": "whitened", "batch_size": 8, "marks": [400, 2000]},
}
Probe = Callable[..., Any]


def changed(**sections: dict[str, Any]) -> dict[str, Any]:
    """The small model with some keys changed; a section with a kind is replaced."""
    return {
        name: {**({} if "kind" in sections.get(name, {}) else table), **sections.get(name, {})}
        for name, table in SMALL.items()
    }


def test_the_weight_mirror_has_its_gain(probe: Probe) -> None:
    found = probe(SMALL).numbers
    assert found["hidden1.gain"] == pytest.approx(2.0 * 0.25 / 0.5, rel=1e-9)
    assert found["hidden1.angle_deg"] < 1e-5
    assert found["hidden1.distance"] < 1e-9
    assert found["hidden1.predicted_gain"] == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize(
    "scheme",
    [
        {"kind": "information_alignment", "amp": 1.0, "null": 1.0, "decay": 0.3, "feedback_learning_rate": 0.3},
        pytest.param(
            {"kind": "activation_alignment", "source": "activity", "feedback_learning_rate": 0.1},
            marks=pytest.mark.slow,
        ),
        {"kind": "symmetric_alignment", "self": 0.5, "decay": 1.5, "feedback_learning_rate": 0.3},
        {"kind": "weight_mirror", "source": "activity", "feedback_learning_rate": 0.3},
    ],
    ids=lambda scheme: scheme["kind"],
)
def test_every_sum_of_primitives_ends_where_it_is_predicted(scheme: dict[str, Any], probe: Probe) -> None:
    drawn = scheme.get("source") == "activity" or scheme["kind"] == "symmetric_alignment"
    whole = {"kind": "mirror", "batch_size": 40, "marks": [4000, 200_000]}
    sections = changed(scheme=scheme, **({"probe": whole} if drawn else {"probe": {"marks": [400, 20_000]}}))
    # Behind rectifiers nothing but symmetric alignment is proportional to the transposed weights.
    rectifier = {**LINEAR, "activation": "relu", "method": "rk2"}
    sections["network"] = {**sections["network"], "output_neuron": rectifier, "weights": 1.5}
    found = probe(sections).numbers
    assert found["hidden1.distance"] < 1e-7
    assert found["hidden1.angle_deg"] == pytest.approx(found["hidden1.predicted_angle_deg"], abs=1e-4)
    if scheme["kind"] == "symmetric_alignment":
        assert found["hidden1.gain"] == pytest.approx(1 / 3, rel=1e-6)
    elif scheme["kind"] != "weight_mirror":
        assert found["hidden1.angle_deg"] > 1


def test_symmetric_alignment_falls_by_e_in_so_many_updates(probe: Probe) -> None:
    scheme = {"kind": "symmetric_alignment", "self": 0.02, "decay": 0.02, "feedback_learning_rate": 0.1}
    found = probe(changed(scheme=scheme, probe={"kind": "mirror", "batch_size": 1, "marks": [500]})).numbers
    assert found["hidden1.efold_updates"] == pytest.approx(-1 / np.log(1 - 2e-3), rel=1e-6)


def test_the_symmetrised_flow_settles_at_the_predicted_sizes(probe: Probe) -> None:
    scheme = {
        "kind": "information_alignment",
        "update_forward": True,
        "amp": 1.0,
        "null": 0.8,
        "decay": 0.4,
        "feedback_learning_rate": 0.2,
    }
    found = probe(changed(scheme=scheme, probe={"forward": "learned", "marks": [4000, 8000]})).numbers
    assert found["hidden1.asymmetry"] < 1e-9
    # White noise: all three singular values are the same.
    assert found["hidden1.forward_norm"] == pytest.approx(np.sqrt(3 * (1.0 - 0.4) / 0.8), rel=1e-9)
    assert found["hidden1.sizes_error"] < 1e-9


@pytest.mark.parametrize(("amp", "rate"), [(2.0, 1.0), (0.5, -0.5)])
def test_the_symmetrised_weight_mirror_grows_or_shrinks(amp: float, rate: float, probe: Probe) -> None:
    scheme = {"kind": "weight_mirror", "update_forward": True, "amp": amp, "feedback_learning_rate": 0.01}
    found = probe(changed(scheme=scheme, probe={"forward": "learned", "marks": [4000, 8000]})).numbers
    assert found["hidden1.growth_rate"] == pytest.approx(np.log1p(0.01 * rate) / 0.01, rel=1e-4)


def test_a_course_by_hand(probe: Probe, parts: Callable[..., Any]) -> None:
    """Noise as ever: the same weights as with the engine alone, forward weights held."""
    found = probe(SMALL, noise="drawn", batch_size=4, marks=[8, 20]).curves
    engine, task = parts(SMALL)
    seed, circuit = seed_of_repetition(0, 0), engine.circuit
    # Running means go on; nothing but the forward weights is held.
    phases = tuple(replace(p, learn=tuple(n for n in p.learn if n[0] != "W")) for p in circuit.phases)
    engine = replace(engine, circuit=replace(circuit, phases=phases))
    state, data = start_of(engine, seed), stimuli_of(circuit, task.train, slice(None))
    norms = [np.linalg.norm(state["B1.w"]) / np.linalg.norm(state["W2.w"])]
    for done, mark in ((0, 8), (8, 20)):
        order = random_order(seed, done, len(task.train), (mark - done) // 4, 4)
        state, _ = engine.train(state, data, order, seed=seed, first=done)
        norms.append(np.linalg.norm(state["B1.w"]) / np.linalg.norm(state["W2.w"]))
    np.testing.assert_allclose(found.norm_ratio.sel(layer="hidden1"), norms, rtol=1e-12)
    assert list(found.presentations) == [0, 8, 20]


def test_the_angle_follows_the_sampling_law(probe: Probe) -> None:
    scheme = {"kind": "weight_mirror", "decay": 0.0, "feedback_weights": 0.0}
    network = {"hidden": [60], "neuron": LINEAR, "output_neuron": LINEAR, "readout": "squared_error", "bias": False}
    task = {"kind": "teacher_student", "n_inputs": 3, "hidden": [3], "n_outputs": 30}
    sections = {**changed(scheme=scheme), "network": network, "task": task}
    found = probe(sections, noise="drawn", batch_size=20, marks=[60, 240, 960], repetitions=4).curves
    law = [sampling_angle(60, samples) for samples in (60, 240, 960)]
    np.testing.assert_allclose(found.sampling_angle_deg.values[1:, 0], law)
    np.testing.assert_allclose(found.angle_deg.values[1:, 0], law, atol=1.0)


def test_each_update_leaves_noise(probe: Probe) -> None:
    scheme = {"kind": "symmetric_alignment", "self": 1.0, "decay": 1.0, "feedback_learning_rate": 0.05}
    network = {"hidden": [40], "neuron": LINEAR, "output_neuron": LINEAR, "readout": "squared_error", "bias": False}
    task = {"kind": "teacher_student", "n_inputs": 3, "hidden": [3], "n_outputs": 40}
    sections = {**changed(scheme=scheme), "network": network, "task": task}
    settings = {"noise": "drawn", "batch_size": 1, "marks": [400], "weight_noise": {"sd": 2.0, "pathways": "feedback"}}
    found = probe(sections, **settings).numbers
    # 1,600 weights: two per cent.
    assert found["hidden1.residual"] == pytest.approx(estimation_noise(0.05, 2.0, 0.05), rel=0.06)


def test_weights_without_bounds_are_an_error(probe: Probe) -> None:
    scheme = {"kind": "weight_mirror", "update_forward": True, "amp": 50.0, "feedback_learning_rate": 1.0}
    with pytest.raises(NumericalError, match="between 'hidden1' and 'output' are no longer finite"):
        probe(changed(scheme=scheme, probe={"forward": "learned", "marks": [8000]}))


def test_what_cannot_be_measured_is_refused(probe: Probe) -> None:
    with pytest.raises(CircuitError, match="no feedback pathway that learns"):
        probe(changed(scheme={"kind": "feedback_alignment"}))
    with pytest.raises(ConfigError, match="holds no noise"):
        probe(changed(scheme={"kind": "symmetric_alignment"}))
    with pytest.raises(ConfigError, match="more than the 5 numbers of noise"):
        probe(SMALL, batch_size=4)
    with pytest.raises(ValidationError, match="multiples of the batch size 8"):
        mirror.Config(batch_size=8, marks=(12,))
    with pytest.raises(ValidationError, match="expected them to rise"):
        mirror.Config(batch_size=8, marks=(16, 8))


def test_kernels_are_refused(probe: Probe) -> None:
    maps = {"channels": 2, "kernel": 3}
    model = changed(task={"kind": "digits"}, network={"hidden": [maps, maps]})
    with pytest.raises(CircuitError, match=r"compares matrices, and the feedback 'B1' to 'hidden1' is convolution"):
        probe(model)
