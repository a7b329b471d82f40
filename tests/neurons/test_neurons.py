"""What holds for every neuron there is, and for every one that will be added."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from neurosim import registry
from neurosim.neurons._model import NeuronModel

NAMES = registry.names("neurons")
INPUT_PORTS = {"drive", "feedback"}
PORTS = INPUT_PORTS | {"output", "readout", "error", "site", "perturbed", "signal", "gain", "factor"}
#: Of neurons that say how their spikes depend on their state.
PORTS |= {"pseudo_derivative", "memory", "adaptation", "adaptation_memory", "ready", "margin", "share"}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(name: str) -> NeuronModel:
    module = registry.load("neurons", name)
    return module.build(module.Config())


def test_builds_with_defaults_and_carries_its_name(name: str, model: NeuronModel) -> None:
    assert isinstance(model, NeuronModel)
    assert model.name == name


def test_says_in_one_sentence_what_it_is(name: str) -> None:
    assert registry.describe("neurons", name).endswith(".")


def test_names_its_source(model: NeuronModel) -> None:
    assert model.reference or not model.state_variables


def test_prints_every_equation_and_parameter(model: NeuronModel) -> None:
    shown = str(model)
    for equation in model.equation_set.equations:
        assert str(equation) in shown
    for parameter in model.parameters:
        assert f"{parameter} = " in shown


def test_config_is_closed_and_frozen(name: str) -> None:
    config = registry.load("neurons", name).Config
    with pytest.raises(ValidationError, match="no_such_setting"):
        config(no_such_setting=1)
    for field in config.model_fields:
        with pytest.raises(ValidationError):
            setattr(config(), field, getattr(config(), field))


def test_every_setting_is_documented(name: str) -> None:
    config = registry.load("neurons", name).Config
    attributes = (config.__doc__ or "").partition("Attributes")[2]
    documented = {word.strip() for line in attributes.splitlines() for word in line.split(",")}
    assert set(config.model_fields) <= documented


def test_ports_are_variables(model: NeuronModel) -> None:
    assert model.ports.keys() <= PORTS
    for port, variable in model.ports.items():
        assert variable in model.equation_set.by_name
        if port in INPUT_PORTS:
            assert model.equation_set.by_name[variable].kind == "parameter"


def test_output_and_inputs_have_no_unit(model: NeuronModel) -> None:
    # Weights are plain numbers.
    for variable in model.ports.values():
        assert model.equation_set.by_name[variable].unit == "1"


def test_code_is_printed_and_runs_on_arrays(model: NeuronModel) -> None:
    shape = (3, 4)
    known = {**model.parameter_values, **model.initial_values}
    values = {name: np.full(shape, value) for name, value in known.items()}
    values |= {"dt": np.array(1e-5), "t": np.array(0.0), "not_refractory": np.array(True)}
    values["spikes"] = np.zeros(shape, dtype=bool)
    waiting = [equation.name for equation in model.equation_set.of("subexpression")]
    while waiting:
        ready = [n for n in waiting if set(model.expressions[n].arguments) <= values.keys()]
        assert ready, f"nothing gives {waiting} their values"
        for variable in ready:
            values[variable] = _call(model, variable, values)
            waiting.remove(variable)
    for name, function in (*model.expressions.items(), *model.functions.items()):
        assert f"def {name}(" in model.code
        results = _call(model, name, values)
        for result in results if len(function.returns) > 1 else (results,):
            assert np.all(np.isfinite(result))
            assert np.shape(np.broadcast_to(result, shape)) == shape


def test_two_builds_are_equal(name: str, model: NeuronModel) -> None:
    module = registry.load("neurons", name)
    again = module.build(module.Config())
    assert again == model
    assert hash(again) == hash(model)


def _call(model: NeuronModel, name: str, values: dict[str, np.ndarray]) -> np.ndarray:
    function = {**model.expressions, **model.functions}[name]
    values = values | {draw: np.full((3, 4), 0.5) for draw, _ in function.draws}
    return function.compile(np)(**{argument: values[argument] for argument in function.arguments})
