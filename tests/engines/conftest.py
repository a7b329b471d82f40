"""The learning circuits on which engines and levels are compared: every scheme, in each of its variants."""

from __future__ import annotations

import typing
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.circuit.connectivity import Connectivity, PerChannel
from neurosim.circuit.description import Pathway, Phase, Population, hold
from neurosim.circuit.images import Convolution, Window
from neurosim.circuit.synapses import Ends, size_of
from neurosim.networks.layered import Config as Network
from neurosim.neurons._model import NeuronModel
from neurosim.recording.courses import over_time
from neurosim.recording.inputs import apply_inputs
from neurosim.rules._oracle import OracleRule
from neurosim.rules._rule import Rule
from tests.default_run import LAYERED, mechanism, one_of_each

N_INPUTS, N_OUTPUTS = 3, 4
#: What rules may read besides the two neurons: broadcast scalars, and the noise on the synapse's own weight.
BROADCAST, NOISE = {"loss", "loss_change"}, {"noise", "sigma"}


#: Of variables that rules read, units other than none.
_UNITS = {"v": "volt"}
_LINES = ["dx/dt = (x_in - x)/tau : 1", "x_in : 1"]
#: Two populations of three neurons, and images of which one is the convolution of the other.
ALIKE = Ends(3, 3)
PIXELS, MAPS = (4, 3, 2), (2, 2, 3)
IMAGES = Ends(size_of(PIXELS), size_of(MAPS), PIXELS, MAPS)
_WINDOW = Window((3, 3), (2, 2), (1, 1))
#: Connectivities whose synapses share weights, with populations that they join.
SHARED: dict[str, tuple[Connectivity, Ends]] = {
    "convolution": (Convolution(_WINDOW), IMAGES),
    "transposed": (Convolution(_WINDOW, transposed=True), IMAGES.reversed),
    "per_channel": (PerChannel(), Ends(3, IMAGES.n_post, None, MAPS)),
}

#: Settings of schemes whose values other files try on both engines.
TRIED_ELSEWHERE = {
    ("continuous_node_perturbation", "factor"): "test_always_on.py",
    ("continuous_node_perturbation", "feedback"): "test_always_on.py",
    ("continuous_node_perturbation", "trace"): "test_always_on.py",
    ("dynamic_inversion", "repair"): "../schemes/test_inversion.py",
    ("node_perturbation", "restart"): "test_restart.py",
    ("backpropagation", "noise"): "../schemes/test_convolution.py",
}

Variant = tuple[str, dict[str, Any]]


def variants() -> list[Any]:
    """Each scheme as it is, and with each further value of each setting that is a choice or a switch.

    A setting that several schemes have, by the same name and with the same values, is tried with the first of them,
    and of a choice of many the first one that is not how the scheme is. All others are slow, and so are those that
    other files try.
    """
    found: list[Any] = []
    seen: set[tuple[str, tuple[Any, ...]]] = set()
    for name in LAYERED:
        found.append(pytest.param((name, {}), id=name))
        config = registry.load("schemes", name).Config
        for field, info in config.model_fields.items():
            if typing.get_origin(info.annotation) is typing.Literal:
                values = [value for value in typing.get_args(info.annotation) if value != info.default]
            else:
                values = [not info.default] if info.annotation is bool else []
            setting = (field, typing.get_args(info.annotation))
            for value in values:
                marks = [pytest.mark.slow] if setting in seen or (name, field) in TRIED_ELSEWHERE else []
                seen.add(setting)
                found.append(pytest.param((name, {field: value}), id=_label((name, {field: value})), marks=marks))
    return found


def _label(variant: Variant) -> str:
    """The scheme, and the value of a choice or the name of a switch that is turned."""
    name, choice = variant
    return "-".join(
        [name, *(value if isinstance(value, str) else f"{field}_{value}" for field, value in choice.items())]
    )


def at_spikes(rule: Rule | OracleRule) -> bool:
    """Whether a rule has statements at spikes, so that both of its neurons have to spike."""
    return isinstance(rule, Rule) and bool(rule.on_pre or rule.on_post)


def _shape(rule: Rule | OracleRule) -> tuple[object, ...]:
    """What decides how engines compute a rule, whatever its formula says."""
    special = rule.names & {*NOISE, *BROADCAST, "update_noise", "spikes_pre", "spikes_post"}
    sides = frozenset(name.rpartition("_")[2] for name in rule.names if name.endswith(("_pre", "_post")))
    return (
        type(rule),
        rule.timing,
        rule.reads,
        len(rule.changed),
        bool(rule.trace_variables),
        special,
        sides,
        at_spikes(rule),
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow: a rule on other than dense pathways, if another of its shape is tried there."""
    first: dict[object, str] = {}
    for name in registry.names("rules"):
        first.setdefault(_shape(registry.load("rules", name).RULE), name)
    for item in items:
        given = getattr(item, "callspec", None)
        if item.path.name != "test_rules.py" or given is None or "name" not in given.params:
            continue
        where = given.params.get("connectivity", given.params.get("kind", "dense"))
        if where != "dense" and given.params["name"] not in first.values():
            item.add_marker(pytest.mark.slow)


@pytest.fixture(params=variants())
def variant(request: pytest.FixtureRequest) -> Variant:
    return request.param


@pytest.fixture(params=one_of_each(variants(), lambda variant: mechanism(variant[0])))
def variant_of_a_mechanism(request: pytest.FixtureRequest) -> Variant:
    return request.param


@pytest.fixture(scope="session")
def given_noise() -> Callable[..., tuple[Circuit, dict[str, Any]]]:
    """Puts given numbers where a circuit has white noise, which each engine would draw by itself.

    Without `steps` one number a trial and neuron, held through the presentation; otherwise one a step as well.
    """

    def give(circuit: Circuit, trials: int, steps: int | None = None) -> tuple[Circuit, dict[str, Any]]:
        generator, numbers = np.random.default_rng(12), {}
        for name, model in compose(circuit).items():
            size = circuit.population[name].size
            shape = (trials, size) if steps is None else (steps, trials, size)
            if any("xi" in equation.names for equation in model.equation_set.of("differential")):
                drawn = generator.standard_normal(shape)
                numbers[f"{name}.xi"] = drawn if steps is None else over_time(drawn)
        circuit, inputs = apply_inputs(circuit, numbers, steps=steps, trials=trials, dt=1e-3)
        return circuit, {name: each if each.changes else each.values for name, each in inputs.stimuli.items()}

    return give


@pytest.fixture(scope="session")
def build() -> Callable[..., Circuit]:
    """Builds a small network trained by a scheme; `duration` is that of each of its phases."""

    def build(scheme: str, duration: str = "5 ms", choice: dict[str, Any] | None = None, **network: Any) -> Circuit:
        module = registry.load("schemes", scheme)
        durations = {field: duration for field in module.Config.model_fields if field.endswith("duration")}
        settings = Network(**{"hidden": (5, 4), "bias_weights": 0.3, **network})
        task = SimpleNamespace(n_inputs=N_INPUTS, n_outputs=N_OUTPUTS)
        return module.build(module.Config(**durations, **(choice or {})), settings, task)

    return build


@pytest.fixture(scope="session")
def stimuli() -> Callable[[int], dict[str, np.ndarray]]:
    """Random inputs with one-hot targets."""

    def stimuli(trials: int) -> dict[str, np.ndarray]:
        generator = np.random.default_rng(5)
        targets = np.eye(N_OUTPUTS)[generator.integers(0, N_OUTPUTS, trials)]
        return {"input.r": generator.standard_normal((trials, N_INPUTS)), "output.target": targets}

    return stimuli


@pytest.fixture(scope="session")
def rule_circuit() -> Callable[..., Circuit]:
    """Builds two populations in which all that a rule reads is given, and the pathway ``rule`` between them."""

    def build(
        rule: Rule | OracleRule, connectivity: Connectivity | str = "dense", ends: Ends = ALIKE, **settings: Any
    ) -> Circuit:
        own = {*rule.synaptic_variables, *rule.parameters, "w_reciprocal", "update_noise", "dt", *BROADCAST, *NOISE}
        sides: dict[str, set[str]] = {"pre": {"r"}, "post": {"r"}}
        for name in rule.names - own:
            variable, _, side = name.rpartition("_")
            sides[side].add(variable)
        squared = registry.load("readouts", "squared_error").READOUT
        held = zip(squared.held_names, squared.held.values(), strict=True) if "loss_change" in rule.names else ()
        missing = {name: 0.1 for name, default in rule.parameters.items() if default is None}
        shapes = {"pre": (ends.n_pre, ends.pre), "post": (ends.n_post, ends.post)}
        populations = tuple(
            Population(side, shapes[side][0], _neuron(variables, at_spikes(rule)), shape=shapes[side][1])
            for side, variables in sides.items()
        )
        return Circuit(
            "one_rule",
            populations,
            (
                Pathway(
                    "rule",
                    "pre.spikes" if at_spikes(rule) else "pre.r",
                    "post.g" if at_spikes(rule) else "post.x_in",
                    rule=rule,
                    parameters=missing,
                    connectivity=connectivity,
                    sigma=0.2 if rule.names & NOISE else None,
                    **settings,
                ),
                Pathway("back", "post.r", "pre.x_in", connectivity=_back(connectivity)),
            ),
            (
                Phase(
                    "only",
                    "20 ms" if at_spikes(rule) else "5 ms",
                    {"perturb": 1.0} if rule.names & NOISE else {},
                    draw_noise=True,
                    hold=tuple(hold(f"post.{name} = {text}") for name, text in held),
                    learn=("rule",) if rule.learns else (),
                ),
            ),
            squared,
            "post.x",
        )

    return build


def _back(connectivity: Connectivity | str) -> Connectivity | str:
    """Along the same synapses, if there is such a connectivity."""
    return connectivity if isinstance(connectivity, str) else connectivity.reversed or "dense"


def _neuron(variables: set[str], spikes: bool) -> NeuronModel:
    lines = ["dx/dt = (x_in + current - x)/tau : 1", "x_in : 1", "current : 1"] if spikes else _LINES
    # What spikes deliver changes nothing that a rule reads, so that trials of a batch see what they see alone.
    lines = [*lines, *(["dg/dt = -g/tau : 1"] if spikes else [])]
    lines += [f"{name} : {_UNITS.get(name, '1')}" for name in sorted(variables - {"x", "spikes"})]
    spiking: dict[str, Any] = {}
    if spikes or "spikes" in variables:
        spiking = {"threshold": "x > 0.2" if spikes else "x > 0.5", "reset": "x = 0"}
    return NeuronModel("\n".join(lines), parameters={"tau": "5 ms"}, **spiking)
