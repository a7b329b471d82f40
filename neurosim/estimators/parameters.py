"""Parameters of the estimators: checked at fit, as scikit-learn requires, and turned into a model file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Set
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from neurosim import registry
from neurosim.border import COUNT, ENGINE, LEVEL, SEED, Check, instance, number, optional
from neurosim.errors import ArgumentError, ConfigError
from neurosim.model_files.variants import merged
from neurosim.untyped import UserValue

# Settings with which spiking neurons fire, as in the model lansdell2020/spiking_digits.
_SPIKING: dict[str, Any] = {
    "weights": 3.0,
    "neuron": {"kind": "lif", "sigma": 0.3, "tau_r": "20 ms", "width": 0.15},
    "output_neuron": {"kind": "leaky_rate", "activation": "identity", "tau_m": "20 ms"},
}
_LAYERS = "sizes of the hidden layers, such as (48, 32), or that of a single one; other layers go into settings"


def _sizes(name: str, value: UserValue) -> tuple[int, ...]:
    """One size, or several."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return (COUNT(name, value),)
    if isinstance(value, str | bytes | Mapping | Set) or not hasattr(value, "__iter__") or np.ndim(value) > 1:
        raise ArgumentError(name, value, _LAYERS)
    sizes = list(value)
    if not all(isinstance(size, Integral) and not isinstance(size, bool) and int(size) > 0 for size in sizes):
        raise ArgumentError(name, value, _LAYERS)
    return tuple(int(size) for size in sizes)


def _share(name: str, value: UserValue) -> float:
    share = number()(name, value)
    if not 0 <= share < 1:
        raise ConfigError(f"{name}: got {value}, expected 0 or more, and less than 1")
    return share


def _settings(name: str, value: UserValue) -> dict[str, Any]:
    """Sections of a model file."""
    expected = 'sections of a model file, such as {"scheme": {"topology": "direct"}}'
    settings = instance(Mapping, expected=expected)(name, value)
    broken = [key for key, table in settings.items() if not (isinstance(key, str) and isinstance(table, Mapping))]
    if broken:
        raise ArgumentError(f"{name}[{broken[0]!r}]", settings[broken[0]], expected)
    try:
        return json.loads(json.dumps(settings, default=_plain))
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            name, value, f"what a model file may hold: numbers, texts, arrays, tables ({error})"
        ) from error


def _plain(value: UserValue) -> Any:
    """Convert values that TOML could write but JSON does not know: NumPy's numbers and arrays, paths."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"no {type(value).__name__}")


_TEXT = instance(str, expected="a name")
_CHECKS: dict[str, Check] = {
    "hidden": _sizes,
    "scheme": _TEXT,
    "level": LEVEL,
    "engine": ENGINE,
    "readout": _TEXT,
    "epochs": optional(COUNT),
    "batch_size": COUNT,
    "learning_rate": optional(number(0)),
    "learning_rate_decay": optional(number(0)),
    "sigma": optional(number(0)),
    "standardise": instance(bool, np.bool_, expected="True or False"),
    "validation_fraction": _share,
    "settings": optional(_settings),
}


def checked(parameters: Mapping[str, UserValue]) -> dict[str, Any]:
    """Check an estimator's parameters and convert them to the form used.

    Raises
    ------
    ArgumentError, ConfigError
        Naming the parameter, what was got and what was expected.
    """
    return {name: check(name, parameters[name]) for name, check in _CHECKS.items()}


#: Updates of the weights that suffice, and the fewest and the most passes through the data.
_UPDATES, _FEWEST, _MOST = 3000, 20, 200


def _epochs(examples: int | None, batch_size: int) -> int:
    """As many passes as make enough updates, the fewest if the number of examples is not known yet."""
    if not examples:
        return _FEWEST
    return min(max(math.ceil(_UPDATES / max(examples // batch_size, 1)), _FEWEST), _MOST)


def sections_of(parameters: Mapping[str, UserValue], examples: int | None = None) -> dict[str, Any]:
    """The sections of a model file that checked parameters describe, for a number of examples."""
    rate, decay = parameters["learning_rate"], parameters["learning_rate_decay"]
    network: dict[str, Any] = {"hidden": list(parameters["hidden"]), "readout": parameters["readout"]}
    if parameters["level"] == "spiking":
        network |= _SPIKING
    sections: dict[str, Any] = {
        "network": network,
        "scheme": {"kind": parameters["scheme"]} | ({} if rate is None else {"learning_rate": rate}),
        "engine": {"kind": parameters["engine"], "level": parameters["level"]},
        "training": {
            "epochs": parameters["epochs"] or _epochs(examples, parameters["batch_size"]),
            "batch_size": parameters["batch_size"],
            "measure_every": 0,
        }
        | ({} if decay is None else {"learning_rate_decay": decay}),
    }
    sections = merged(sections, parameters["settings"] or {})
    if parameters["sigma"] is not None:
        _set_sigma(sections, parameters["sigma"])
    return sections


def _set_sigma(sections: dict[str, UserValue], sigma: float) -> None:
    """Set the noise in the scheme, if it has such a setting, or else in the hidden neurons."""
    scheme = registry.load("schemes", sections["scheme"]["kind"])
    if "sigma" in scheme.Config.model_fields:
        sections["scheme"]["sigma"] = sigma
        return
    neurons = sections["network"].get("neuron", {"kind": "leaky_rate"})
    several = isinstance(neurons, list | tuple)
    given = [dict(neuron, sigma=sigma) for neuron in (neurons if several else [neurons])]
    sections["network"]["neuron"] = given if several else given[0]


def seed_of(random_state: UserValue) -> int:
    """The seed: a whole number as it is, or one drawn from a generator.

    Raises
    ------
    ArgumentError
        It is neither.
    """
    if isinstance(random_state, Integral):
        return SEED("random_state", random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(np.iinfo(np.int32).max))
    try:
        return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    except ValueError as error:
        raise ArgumentError(
            "random_state", random_state, "a whole number of at least 0, a RandomState or None"
        ) from error
