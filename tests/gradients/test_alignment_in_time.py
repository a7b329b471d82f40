"""Signals over time beside credit: the transposed readout, the best linear feedback, and updates."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.description import Pathway, Role
from neurosim.engines.state import initial_state
from neurosim.engines.stimuli import Stimulus
from neurosim.errors import CircuitError
from neurosim.gradients.alignment import alignment
from neurosim.gradients.alignment_in_time import NUMBERS_IN_TIME, alignment_in_time
from neurosim.gradients.credit_in_time import credit_in_time
from neurosim.gradients.gauss_newton import gauss_newton_signals
from neurosim.gradients.layer_credit import LayerCredit
from neurosim.gradients.linear_feedback import best_feedback
from neurosim.metrics import angle
from neurosim.networks import Part
from neurosim.networks import recurrent as recurrent_network
from neurosim.neurons._model import NeuronModel
from neurosim.rules._rule import Rule
from tests.gradients.recurrent_circuits import SETTING, Made, recurrent

#: E-prop: a neuron's low-passed rate is the only trace there is.
EPROP = Rule(
    "w -= dt*learning_rate*learning_signal_post*slope_post*trace_pre",
    parameters={"learning_rate": 0.1},
    timing="integral",
    name="eprop",
)
HIDDEN = NeuronModel(
    "dv/dt = (drive - v)/tau : 1\nr = tanh(v) : 1\nslope = 1 - r**2 : 1\ndtrace/dt = (r - trace)/tau : 1\n"
    "drive : 1\nlearning_signal : Hz",
    parameters={"tau": "5 ms"},
    ports={"drive": "drive", "output": "r"},
    method="euler",
)


def learning(size: int = 8, trials: int = 40, **options: Any) -> Made:
    made = recurrent(
        HIDDEN,
        size=size,
        trials=trials,
        length=30,
        gain=0.8,
        correlation=0.9,
        R1=Pathway("R1", "hidden1.r", "hidden1.drive", rule=EPROP, role=Role.RECURRENT),
        **options,
    )
    phases = tuple(replace(phase, learn=("R1",)) for phase in made.circuit.phases)
    return replace(made, circuit=replace(made.circuit, phases=phases))


def with_feedback(made: Made, weights: np.ndarray) -> dict[str, Any]:
    return made.state | {"B1.w": weights}


@pytest.fixture(scope="module")
def made() -> Made:
    return learning()


def test_the_transposed_readout_delivers_immediate_credit(made: Made) -> None:
    state = with_feedback(made, made.state["Wout.w"].T)
    layers = alignment_in_time(made.circuit, SETTING, state, made.stimuli)
    assert list(layers) == ["hidden1"]
    found = layers["hidden1"]
    assert tuple(found.numbers) == NUMBERS_IN_TIME
    assert found.numbers["signal_immediate_angle_deg"] < 1e-6
    assert found.numbers["weight_angle_deg"] < 1e-6
    # E-prop by its rule's text is the gradient without transmissions.
    assert found.numbers["update_immediate_angle_deg"] < 1e-6
    assert found.numbers["signal_total_angle_deg"] == pytest.approx(found.numbers["immediate_total_angle_deg"])
    assert found.numbers["update_angle_deg"] == pytest.approx(found.numbers["immediate_update_angle_deg"])
    assert 5 < found.numbers["update_angle_deg"] < 60
    cosine = found.courses["signal_immediate_cosine"]
    np.testing.assert_allclose(cosine[1:], 1.0)
    assert np.isnan(cosine[0])
    np.testing.assert_allclose(found.courses["signal_norm"], found.courses["immediate_norm"])
    assert np.all(found.courses["total_norm"][1:] > 0)


def test_the_best_feedback_predicts_later_errors(made: Made) -> None:
    symmetric = alignment_in_time(made.circuit, SETTING, with_feedback(made, made.state["Wout.w"].T), made.stimuli)[
        "hidden1"
    ]
    best = symmetric.best
    assert best is not None
    found = alignment_in_time(made.circuit, SETTING, with_feedback(made, best.weights), made.stimuli)["hidden1"]
    # Their signal is the projection of total credit: its squared cosine is the share that they deliver.
    assert found.numbers["signal_total_r2"] == pytest.approx(found.numbers["best_r2"])
    assert found.numbers["signal_total_r2"] > symmetric.numbers["signal_total_r2"]
    assert found.numbers["best_weight_angle_deg"] < 1e-4
    assert found.numbers["weight_angle_deg"] == pytest.approx(found.numbers["best_wanted_angle_deg"])
    # Better than exact symmetry, though further from it.
    assert found.numbers["update_angle_deg"] < 0.8 * symmetric.numbers["update_angle_deg"]
    assert found.numbers["signal_immediate_angle_deg"] > 5


def test_signals_are_compared_as_densities(made: Made) -> None:
    credit = credit_in_time(made.circuit, SETTING, made.state, made.stimuli)
    state = with_feedback(made, 3 * made.state["Wout.w"].T)
    numbers = alignment_in_time(made.circuit, SETTING, state, made.stimuli)["hidden1"].numbers
    norms = (np.linalg.norm(array["hidden1.r"]) for array in (credit.immediate, credit.total))
    assert numbers["signal_total_norm_ratio"] == pytest.approx(3 * next(norms) / next(norms))


def test_the_general_measure_pools_steps_of_each_trial(made: Made) -> None:
    found = alignment(made.circuit, SETTING, made.state, made.stimuli)["hidden1"]
    credit = credit_in_time(made.circuit, SETTING, made.state, made.stimuli, immediate=False)
    assert credit.immediate == {}
    assert credit.immediate_weights == {}
    more = alignment_in_time(made.circuit, SETTING, made.state, made.stimuli)["hidden1"].numbers
    for name in ("update_angle_deg", "weight_angle_deg"):
        assert found[name] == pytest.approx(more[name])
    assert found["local_angle_deg"] > 0
    assert abs(found["signal_angle_deg"] - more["signal_total_angle_deg"]) < 15


def test_layers_without_feedback_have_credit_all_the_same() -> None:
    made = recurrent(length=6)
    circuit = replace(made.circuit, pathways=tuple(p for p in made.circuit.pathways if p.name != "B1"))
    state = made.state | {"hidden1.learning_signal": np.asarray(0.0)}
    found = alignment_in_time(circuit, SETTING, state, made.stimuli)["hidden1"]
    assert found.best is None
    assert np.isnan(found.numbers["signal_total_angle_deg"])
    assert np.isnan(found.numbers["update_angle_deg"])
    assert found.numbers["immediate_update_angle_deg"] > 0
    assert set(found.courses) == {"total_norm", "immediate_norm"}


def test_best_feedback_of_errors_that_depend_on_each_other_is_the_smallest() -> None:
    drawn = np.random.default_rng(0)
    errors = drawn.normal(size=(50, 7, 3))
    errors -= errors.mean(axis=-1, keepdims=True)
    credit = errors @ drawn.normal(size=(3, 4))
    best = best_feedback(errors, credit)
    assert best.r2 == pytest.approx(1.0)
    np.testing.assert_allclose(best.weights.sum(axis=1), 0.0, atol=1e-12)
    noisy = credit + drawn.normal(size=credit.shape)
    best = best_feedback(errors, noisy)
    delivered = errors @ best.weights.T
    assert best.r2 == pytest.approx(np.cos(np.radians(angle.measure(delivered.ravel(), noisy.ravel()))) ** 2)


def test_directions_of_one_output_are_refused_over_time(made: Made) -> None:
    with pytest.raises(CircuitError, match="counts at every step"):
        gauss_newton_signals(made.circuit, SETTING, made.state, made.stimuli)


@pytest.mark.parametrize("beta", [0.0, 0.2])
def test_spikes_sent_and_filtered_for_the_readout_have_one_credit(beta: float) -> None:
    scheme = registry.load("schemes", "eprop")
    neuron = Part(kind="discrete_lif", beta=beta)  # type: ignore[call-arg]
    network = recurrent_network.Config(hidden=(6,), neuron=neuron, input_weights=8.0)
    length, trials = 40, 3
    task: Any = SimpleNamespace(n_inputs=2, n_outputs=2, steps=length, dt=1e-3)
    circuit = scheme.build(scheme.Config(), network, task)
    drawn, late, early = np.random.default_rng(0), ((0, 0), (0, 1), (0, 0)), ((0, 0), (1, 0), (0, 0))
    density = np.full((trials, length, 1), 1 / (length * 1e-3))
    arrays = {"input.r": (drawn.normal(size=(trials, length, 2)), late), "output.mask": (density, early)}
    arrays["output.target"] = (drawn.normal(size=(trials, length, 2)), early)
    stimuli = {name: Stimulus(np.pad(array, width), "course") for name, (array, width) in arrays.items()}
    setting = replace(SETTING, level="spiking")
    numbers = alignment_in_time(circuit, setting, initial_state(circuit, 0), stimuli)["hidden1"].numbers
    # What symmetric feedback delivers, handed back through the filter, is the credit of a spike without recurrence.
    assert numbers["signal_immediate_angle_deg"] < 1e-6
    assert numbers["update_immediate_angle_deg"] < 1e-6
    assert numbers["signal_total_angle_deg"] == pytest.approx(numbers["immediate_total_angle_deg"])
    assert 1 < numbers["signal_total_angle_deg"] < 45


def test_a_filter_hands_back_what_it_adds_up() -> None:
    drawn = np.random.default_rng(1)
    spikes, signal = drawn.normal(size=(2, 3, 12, 4))
    share, memory = drawn.uniform(size=(2, 4))
    filtered = np.zeros_like(spikes)
    for step in range(1, 12):
        filtered[:, step] = memory * filtered[:, step - 1] + share * spikes[:, step - 1]
    handed = LayerCredit(spikes, spikes, share, memory).through_filter(signal)
    assert np.sum(signal * filtered) == pytest.approx(np.sum(handed * spikes), rel=1e-12)
