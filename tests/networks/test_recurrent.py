"""The recurrent network: from a file to a circuit, its weights, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from pydantic import ValidationError

from neurosim.circuit.description import Role
from neurosim.circuit.roles import role
from neurosim.engines.state import initial_state, weights_of
from neurosim.errors import ConfigError
from neurosim.model_files.model_file import load
from neurosim.networks import recurrent
from neurosim.plots.circuit import circuit_diagram
from neurosim.schemes import readout_only

TASK: Any = SimpleNamespace(n_inputs=3, n_outputs=2, steps=20, dt=1e-3)


def sections(scheme: str = "eprop", **network: Any) -> dict[str, Any]:
    given = {"kind": "recurrent", "hidden": [7, 5], "readout_from": "all", **network}
    return {"task": {"kind": "sine"}, "network": given, "scheme": {"kind": scheme}}


def circuit(**network: Any) -> Any:
    return readout_only.build(readout_only.Config(), recurrent.Config.model_validate(network), TASK)


def test_a_file_names_it_and_is_written_again() -> None:
    model = load(sections(neuron=[{"kind": "leaky_rate", "tau_m": "5 ms"}, {"kind": "leaky_rate"}]))
    written = model.resolve()
    assert written["network"]["kind"] == "recurrent" and load(written).hash == model.hash
    assert load(sections(hidden=9)).resolve()["network"]["hidden"] == [9]
    made = model.circuit
    assert [population.name for population in made.populations] == ["input", "one", "hidden1", "hidden2", "output"]
    # The grid's 100 steps and one of the engine; half as long a step of the engine, and its own is half as long.
    assert made.phases[0].duration == "101 ms"
    assert load({**sections(), "engine": {"dt": "0.5 ms"}}).circuit.phases[0].duration == "100.5 ms"
    roles = {pathway.name: role(made, pathway) for pathway in made.pathways}
    assert roles["R1"] is Role.RECURRENT and roles["W1_2"] is roles["Win1"] is roles["Wout2"] is Role.FORWARD
    assert roles["b1"] is Role.BIAS and roles["B2"] is Role.FEEDBACK
    axes = plt.figure().add_subplot()
    words = {text.get_text() for text in circuit_diagram(made, axes).texts}
    assert {"hidden1", "hidden2", "R1", "W1_2"} <= words
    plt.close("all")


@pytest.mark.parametrize(
    ("settings", "key", "said"),
    [
        (
            sections("backpropagation"),
            "network.kind",
            "got 'recurrent', on which the scheme 'backpropagation' does not",
        ),
        ({**sections(), "network": {"hidden": [3]}}, "network.kind", "got 'layered', on which the scheme 'eprop' does"),
        (sections(gian=2), "network.gian", "did you mean 'gain'"),
        ({**sections(), "task": {"kind": "teacher_student"}}, "scheme.duration", "the task has no time of its own"),
    ],
)
def test_what_does_not_go_together_is_refused_by_its_key(settings: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        _ = load(settings).circuit
    assert key in [path for path, _ in refused.value.faults]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"in_degree": 64}, "expected at most 63"),
        ({"in_degree": 3, "connection_probability": 0.5}, "expected one of the two"),
        ({"recurrent_law": "orthogonal"}, "autapses: got false"),
        ({"hidden": (3,), "excitatory_fraction": 0.9}, "expected one at least of either kind"),
        ({"excitatory_fraction": 0.8, "in_degree": 3}, "expected connection_probability"),
        ({"neuron": ({"kind": "leaky_rate"},) * 2}, "got 2 neurons for 1 recurrent populations"),
    ],
)
def test_settings_that_exclude_each_other(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        recurrent.Config.model_validate(settings)


def test_recurrent_weights_have_their_law_and_no_autapses() -> None:
    made = circuit(hidden=(200,), gain=1.5, bias=False)
    weights = weights_of(made, initial_state(made, 0), "R1")
    assert not np.diag(weights).any()
    assert np.std(weights[~np.eye(200, dtype=bool)]) == pytest.approx(1.5 / 200**0.5, rel=0.02)
    sparse = circuit(hidden=(200,), gain=1.5, in_degree=20)
    weights = weights_of(sparse, initial_state(sparse, 0), "R1")
    assert np.all(np.count_nonzero(weights, axis=1) == 20) and not np.diag(weights).any()
    assert np.std(weights[weights != 0]) == pytest.approx(1.5 / 20**0.5, rel=0.05)
    turned = circuit(hidden=(30,), gain=0.9, recurrent_law="orthogonal", autapses=True)
    weights = weights_of(turned, initial_state(turned, 0), "R1")
    np.testing.assert_allclose(weights @ weights.T, 0.81 * np.eye(30), atol=1e-12)


@pytest.mark.parametrize("probability", [None, 0.5])
def test_by_dales_law_a_neuron_sends_one_sign_and_both_balance(probability: float | None) -> None:
    made = circuit(hidden=(200,), excitatory_fraction=0.8, connection_probability=probability)
    state = initial_state(made, 0)
    excitatory, inhibitory = (weights_of(made, state, name) for name in ("R1e", "R1i"))
    assert np.all(excitatory >= 0) and np.all(inhibitory <= 0)
    assert not excitatory[:, 160:].any() and not inhibitory[:, :160].any()
    assert made.pathway["R1e"].bounds == (0.0, None) and made.pathway["R1i"].bounds == (None, 0.0)
    assert abs(np.sum(excitatory) + np.sum(inhibitory)) < 0.1 * np.sum(excitatory)


def test_the_start_differs_between_neurons_and_not_between_trials() -> None:
    made = circuit(hidden=(400,), initial=0.3)
    start = initial_state(made, 0)["hidden1.v"]
    assert start.shape == (400,) and np.std(start) == pytest.approx(0.3, rel=0.1)
