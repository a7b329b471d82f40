"""A mistake in equation text of a model file: key path, the text with the place marked, what is expected, a hint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neurosim import registry
from neurosim.errors import ConfigError, UnitError
from neurosim.model_files.equation_faults import equation_fault
from neurosim.model_files.model_file import load

# A neuron of one's own all of whose text is in the model file.
_OWN = '''
"""A neuron whose equations are settings."""
from pydantic import BaseModel, ConfigDict

from neurosim.neurons._model import NeuronModel


class Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    equations: str
    threshold: str = "v > 1"
    reset: str = "v = 0"
    refractory: str | None = None
    parameters: dict[str, str] = {"tau_m": "10 ms"}


def build(config: Config) -> NeuronModel:
    ports = {"drive": "drive", "output": "r", "feedback": "feedback", "error": "delta", "signal": "delta"}
    ports |= {"site": "drive", "perturbed": "v", "gain": "r"}
    return NeuronModel(**dict(config), ports=ports, name="told")
'''
_EQUATIONS = """
dv/dt = (drive - v)/tau_m : 1 (unless refractory)
dr/dt = -r/tau_m : 1
delta = feedback : 1
drive : 1
feedback : 1  # from the layer above
"""


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(registry, "_registered", {})
    path = tmp_path / "told.py"
    path.write_text(_OWN)
    registry.register("neurons", path)
    return path


def _model(neuron: Any, **network: Any) -> dict[str, Any]:
    parts = {"hidden": [4], "neuron": neuron, **network}
    return {"task": {"kind": "digits"}, "network": parts, "scheme": {"kind": "feedback_alignment"}}


def _told(**settings: Any) -> dict[str, Any]:
    return {"kind": "told", "equations": _EQUATIONS, **settings}


def _rate(activation: str) -> dict[str, Any]:
    return {"kind": "leaky_rate", "activation": activation}


def _changed(old: str, new: str) -> dict[str, Any]:
    assert old in _EQUATIONS
    return _told(equations=_EQUATIONS.replace(old, new))


TABLE = {
    "a bracket": (
        _changed("(drive - v)/tau_m", "(drive - v/tau_m"),
        "equations: line 2, column 9: cannot be read as an expression ('(' was never closed); allowed are numbers",
        "    dv/dt = (drive - v/tau_m : 1 (unless refractory)\n            ^",
    ),
    "a unit that nobody knows": (
        _changed("dr/dt = -r/tau_m : 1", "dr/dt = -r/tau_m : furlong"),
        "equations: line 3, column 20: 'furlong' cannot be used as a unit",
        "    dr/dt = -r/tau_m : furlong\n                       ^",
    ),
    "a unit that does not fit": (
        _changed("-r/tau_m", "-r"),
        "equations: line 3, column 9: the right-hand side of dr/dt has unit 1 (no unit), expected Hz; is a division by "
        "a time constant missing?",
        "    dr/dt = -r : 1\n            ^",
    ),
    "a call that is forbidden": (
        _changed("= feedback : 1", "= __import__('os') : 1"),
        "equations: line 4, column 9: '__import__' is not a known function; allowed are abs, ",
        "    delta = __import__('os') : 1\n            ^",
    ),
    "a function that is nearly known": (
        _changed("= feedback : 1", "= tanhh(feedback) : 1"),
        "equations: line 4, column 9: 'tanhh' is not a known function (did you mean 'tanh'?)",
        "    delta = tanhh(feedback) : 1\n            ^",
    ),
    "a name that is nearly known": (
        _changed("= feedback : 1", "= 2*fedback : 1"),
        "equations: line 4, column 11: unknown name 'fedback' in the equation of 'delta'; did you mean 'feedback'?",
        "    delta = 2*fedback : 1\n              ^",
    ),
    "no unit": (
        _changed("drive : 1", "drive"),
        "equations: line 5, column 1: expected 'dv/dt = expression : unit', 'name = expression : unit' or",
        "    drive\n    ^",
    ),
    "a threshold's name": (
        _told(threshold="v > v_t"),
        "threshold: line 1, column 5: unknown name 'v_t' in the threshold",
        "    v > v_t\n        ^",
    ),
    "a threshold that is none": (
        _told(threshold="2*v"),
        "threshold: line 1, column 1: the threshold '2*v' is no condition; expected a comparison such as 'v > v_th'",
        "    2*v\n    ^",
    ),
    "a threshold's unit": (
        _told(threshold="v > tau_m"),
        "threshold: line 1, column 1: Comparison of expressions with different units",
        "    v > tau_m\n    ^",
    ),
    "a reset that is no statement": (
        _told(reset="v = 0\nv > 3"),
        "reset: line 2, column 1: expected 'name = expression' or one of += -= *= /=",
        "    v > 3\n    ^",
    ),
    "a reset's target": (
        _told(reset="v = 0; delta = 1"),
        "reset: line 1, column 16: the reset assigns to 'delta', which is not a variable; allowed are v, r",
        "    v = 0; delta = 1\n                   ^",
    ),
    "a reset's unit": (
        _told(reset="v = tau_m"),
        "reset: line 1, column 5: the reset 'v = tau_m' has unit s, expected 1 (no unit)",
        "    v = tau_m\n        ^",
    ),
    "a refractory period": (
        _told(refractory="v + 1"),
        "refractory: line 1, column 1: refractory='v + 1' is neither a time nor a condition; expected e.g. '2 ms'",
        "    v + 1\n    ^",
    ),
    "a parameter's unit": (
        _told(parameters={"tau_m": "10 mss"}),
        "parameters.tau_m: got '10 mss': '10 mss': unknown unit 'mss'",
        "",
    ),
    "an activation": (
        _rate("tanh(v"),
        "activation: line 1, column 5: cannot be read as an expression ('(' was never closed); allowed are numbers",
        "    tanh(v\n        ^",
    ),
    "an activation's name": (
        _rate("tanh(potential)"),
        "activation: line 1, column 6: unknown name 'potential' in the equation of 'r' (known here: a, ",
        "    tanh(potential)\n         ^\n    which stands in: r = tanh(potential) + perturb*sigma*noise : 1",
    ),
    "an activation's unit": (
        _rate("v*volt"),
        "activation: line 1, column 1: Expression 'v * volt + (perturb * sigma) * noise' uses inconsistent units",
        "    v*volt\n    ^",
    ),
}


@pytest.mark.parametrize("neuron, sentence, marked", TABLE.values(), ids=TABLE)
def test_a_mistake_in_equation_text_has_its_key_its_place_and_what_is_expected(neuron, sentence, marked):
    with pytest.raises(ConfigError) as refused:
        load(_model(neuron))
    said = str(refused.value)
    assert said.startswith(f"model: 1 fault\n  network.neuron.{sentence}")
    assert marked in said and (not marked or marked.startswith("    "))


def test_the_neurons_themselves_are_fine():
    assert load(_model(_told())).circuit.population["hidden1"].model.threshold == "v > 1"


@pytest.mark.parametrize(
    "network, path",
    [
        ({"neuron": [_rate("tanh"), _rate("tanh(w)")], "hidden": [4, 4]}, "network.neuron.1.activation"),
        ({"output_neuron": _rate("tanh(w)")}, "network.output_neuron.activation"),
    ],
)
def test_the_path_leads_to_the_neuron_that_is_meant(network, path):
    settings = _model(_rate("tanh"))
    with pytest.raises(ConfigError, match=rf"\n  {path}: line 1, column 6: unknown name 'w'"):
        load({**settings, "network": {**settings["network"], **network}})


def test_where_two_settings_spoil_it_together_neither_is_blamed():
    """Each of the two passes with the other's default."""

    def build(settings: dict[str, str]) -> None:
        if settings["up"] != "1 volt" and settings["down"] != "1 volt":
            raise UnitError("up and down do not fit")

    defaults = {"up": "1 volt", "down": "1 volt"}
    error = UnitError("up and down do not fit")
    assert equation_fault(error, {"up": "1 amp", "down": "1 amp"}, defaults, build) == ("", "up and down do not fit")
    # Whoever is alone in being no default is to blame.
    only_one = equation_fault(error, {"up": "1 amp", "down": "1 volt"}, defaults, lambda settings: None)
    assert only_one == ("up", "got '1 amp': up and down do not fit")
