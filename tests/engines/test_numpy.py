"""The engine of plain arrays: what it gives is what the batched engine gives, and what it refuses has a remedy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.plan import plan
from neurosim.circuit.update_noise import UpdateNoise, with_update_noise
from neurosim.engines._engine import Call, Engine
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.optimiser import Optimiser
from neurosim.engines.plain.engine import NumpyEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state, learned_names
from neurosim.errors import CircuitError, ConfigError, EngineError
from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import load
from tests.schemes.small_networks import RATE, STEADY, build, sections, stimuli

DENSE = (5, 4)
IMAGES: Any = (
    {"channels": 3, "kernel": 3},
    {"pool": "average", "window": 3, "stride": 2},
    {"channels": 2, "kernel": (2, 1), "padding": "valid"},
    4,
)
#: Rules of each shape: held noise, noise on weights, a mirror, derived weights, weights redrawn, whole arrays.
CASES: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "backpropagation": ("backpropagation", DENSE, {}),
    "node perturbation": ("node_perturbation", DENSE, {}),
    "weight perturbation": ("weight_perturbation", DENSE, {}),
    "weight mirror": ("weight_mirror", DENSE, {}),
    "pseudo-inverses": ("pseudobackprop", DENSE, {}),
    "sign symmetry": ("sign_symmetry", DENSE, {}),
    "rewards of a batch": ("node_perturbation", DENSE, {"reward_scope": "batch"}),
    "a rule of whole arrays": ("node_perturbation", DENSE, {"estimator": "exact_least_squares", "topology": "direct"}),
    "gradients from the weights": ("node_perturbation", DENSE, {"estimator": "true_gradient"}),
    "inversion": ("nondynamic_inversion", DENSE, {}),
    "tied convolutions": ("backpropagation", IMAGES, {}),
    "perturbed convolutions": ("node_perturbation", IMAGES, {}),
    "learned convolutions": ("kolen_pollack", IMAGES, {}),
}


def _same(got: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        # What is zero but for rounding is so on either engine.
        scale = 1e-9 * np.max(np.abs(array), initial=0) + 1e-14
        np.testing.assert_allclose(got[name], array, rtol=1e-9, atol=scale, err_msg=name)


# Perturbed and learned convolutions are as tied ones for what is called, and as dense ones for how they learn.
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow)
        if case in ("perturbed convolutions", "learned convolutions")
        else case
        for case in CASES
    ],
)
def test_weights_and_ends_are_those_of_the_batched_engine(case: str) -> None:
    scheme, hidden, settings = CASES[case]
    circuit = build(scheme, hidden, **settings)
    state, data, order = initial_state(circuit, 0), stimuli(12), np.arange(12).reshape(4, 3)
    every = [name for name in plan(circuit, steady=True).nodes if name != "loss"]
    asked: dict[str, Any] = {"seed": 3, "first": 6, "report": every}
    got, ours = NumpyEngine(circuit, STEADY).train(state, data, order, **asked)
    expected, theirs = BatchedEngine(circuit, STEADY).train(state, data, order, **asked)
    assert any(np.any(expected[name] != state[name]) for name in learned_names(circuit))
    _same(got, expected)
    for phase, ends in theirs.ends.items():
        _same(ours.ends[phase], ends)


def test_rules_that_act_before_the_first_phase_and_rest_in_some_batches() -> None:
    circuit = build("sign_symmetry", DENSE, magnitude="uniform")
    slow = tuple(replace(pathway, every=2 if pathway.synapse.learns else 1) for pathway in circuit.pathways)
    circuit = replace(circuit, pathways=slow)
    state, data, order = initial_state(circuit, 0), stimuli(12), np.arange(12).reshape(4, 3)
    got, _ = NumpyEngine(circuit, STEADY).train(state, data, order, seed=3, first=0)
    expected, _ = BatchedEngine(circuit, STEADY).train(state, data, order, seed=3, first=0)
    _same(got, expected)


def test_noise_that_is_given_and_phases_that_are_left_out() -> None:
    circuit, data = build("node_perturbation", DENSE), stimuli(3)
    state = initial_state(circuit, 0)
    perturbed = circuit.phases[1].name
    numbers = np.random.default_rng(1)
    given = {
        perturbed: {
            f"{population.name}.{variable}": numbers.standard_normal((3, population.size))
            for population in circuit.populations
            for variable in (*population.noise, *population.lots)
        }
    }
    ours, theirs = NumpyEngine(circuit, STEADY), BatchedEngine(circuit, STEADY)
    _same(ours.run(state, data, noise=given)[0], theirs.run(state, data, noise=given)[0])
    only: dict[str, Any] = {"phases": (circuit.phases[0].name,), "learn": False, "report": ("output.y",)}
    got, outputs = ours.run(state, data, **only)
    _same(got, state)
    _same(outputs.ends["clean"], theirs.run(state, data, **only)[1].ends["clean"])


def test_what_it_refuses_has_a_remedy() -> None:
    circuit = build("backpropagation", DENSE)
    with pytest.raises(EngineError, match=r"double precision only.*use level 'steady' with dtype 'float64'"):
        NumpyEngine(circuit, RATE)
    with pytest.raises(EngineError, match="double precision"):
        NumpyEngine(circuit, Setting("steady", dtype="float32"))
    engine = NumpyEngine(circuit, STEADY)
    assert engine.refuses() == []
    assert [limit.part for limit in engine.refuses(Call(courses=("input.r",)))] == ["call"]
    pools = build("backpropagation", ({"channels": 3, "kernel": 3}, {"pool": "maximum", "window": 2}, 4))
    noisy = with_update_noise(circuit, UpdateNoise(sd=1e-3))
    for refused, message in ((pools, "no sum over synapses"), (noisy, r"updates of pathway 'W1' have noise")):
        with pytest.raises(EngineError, match=message):
            engine.with_circuit(refused).run(initial_state(refused, 0), stimuli(3))
    stepping = build("continuous_node_perturbation", DENSE)
    with pytest.raises(CircuitError, match=r"acts at every step.*use the level 'rate'"):
        engine.with_circuit(stepping).run(initial_state(stepping, 0), stimuli(3))


def test_a_model_names_it() -> None:
    model = load({**sections(hidden=[6]), "engine": {"kind": "numpy"}})
    assert (model.engine.level, model.engine.dtype) == ("steady", "float64")
    assert load(model.resolve()).hash == model.hash
    assert isinstance(make_engine(model.engine, model.circuit), NumpyEngine)
    with pytest.raises(ConfigError, match=r"got level 'rate' with kind 'numpy', expected 'steady'"):
        load(model, ["engine.level=rate"])
    with pytest.raises(ConfigError, match=r"engine\.kind 'numpy', expected 'sgd'"):
        make_engine(model.engine, model.circuit, Optimiser(kind="adam"))


def test_every_engine_is_what_the_protocol_describes() -> None:
    circuit, other = build("backpropagation", DENSE), build("backpropagation", (3,))
    engines: list[Engine] = [NumpyEngine(circuit, STEADY), BatchedEngine(circuit, STEADY), BrianEngine(circuit, RATE)]
    for engine in engines:
        assert engine.refuses() == []
        moved = engine.with_circuit(other)
        assert (moved.circuit, moved.setting, type(moved)) == (other, engine.setting, type(engine))
        assert engine.compiles_each_size is isinstance(engine, BatchedEngine)


def test_limits_are_listed_for_every_engine() -> None:
    for name in registry.names("engines"):
        limits = registry.load("engines", name).limits()
        assert limits and all(limit.what and limit.remedy and "{remedy}" in limit.message for limit in limits)
