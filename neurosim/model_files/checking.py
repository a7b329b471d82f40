"""Check tables of a model file against the config class of their component; report all faults at once."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, Tag, ValidationError

from neurosim import registry
from neurosim.errors import ConfigError, Fault, UnitError, UnknownNameError
from neurosim.suggestions import did_you_mean
from neurosim.units import base_unit, parse_quantity

M = TypeVar("M", bound=BaseModel)


# Most faults that a report lists.
_MOST_FAULTS = 100


@dataclass
class Faults:
    """The faults of a file, each a key path and a sentence."""

    listed: list[Fault] = field(default_factory=list)
    # Keys with a fault, and all tables around them. A set, since a hostile file may have tens of thousands.
    _around: set[str] = field(default_factory=set, repr=False)

    def add(self, path: str, message: str) -> None:
        """Add a fault, unless the key, or a key inside it, has one already."""
        if path not in self._around:
            self.listed.append((path, message))
            steps = path.split(".")
            self._around |= {".".join(steps[:count]) for count in range(1, len(steps) + 1)}

    def raise_any(self, source: str) -> None:
        """Raise all of them as one `ConfigError`."""
        if self.listed:
            lines = "".join(f"\n  {line_of(fault)}" for fault in self.listed[:_MOST_FAULTS])
            lines += f"\n  ... {len(self.listed) - _MOST_FAULTS} more" if len(self.listed) > _MOST_FAULTS else ""
            count = f"{len(self.listed)} faults" if len(self.listed) > 1 else "1 fault"
            raise ConfigError(f"{source}: {count}{lines}", faults=self.listed)


def line_of(fault: Fault) -> str:
    """A fault as a report lists it: key path, colon, sentence."""
    key, sentence = fault
    # A key may hold line breaks; a report must not.
    return f"{_printable(key)}: {sentence}"


def _printable(text: str) -> str:
    shortened = text if len(text) <= 200 else text[:197] + "..."
    return shortened if shortened.isprintable() and shortened.strip() else repr(shortened)


def shown(value: Any) -> str:
    """A value as a report shows it, cut to a readable length."""
    if isinstance(value, Mapping):
        return "a table"
    try:
        text = repr(value).lower() if isinstance(value, bool) else repr(value)
    except Exception:  # a number with thousands of digits, or a broken __repr__
        text = f"a {type(value).__name__}"
    return cut(text)


def cut(text: str) -> str:
    """Text as a report shows it, cut to a readable length."""
    return text if len(text) <= 60 else text[:57] + "..."


def check_table(cls: type[M], table: Any, path: str, faults: Faults) -> M | None:
    """Check one table against its class; ``None`` if it has faults."""
    if not isinstance(table, Mapping):
        faults.add(path, f"got {shown(table)}, expected a table [{path}]")
        return None
    before = len(faults.listed)
    _check_quantities(cls, table, path, faults)
    _check_plain(cls, table, path, faults)
    try:
        # As JSON: strict about types, yet an array passes for a tuple.
        config = cls.model_validate_json(json.dumps(table, default=str), strict=True)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            where = ".".join([path, *_keys(table, fault["loc"], missing=fault["type"] == "missing")])
            faults.add(where, _sentence(cls, dict(fault)))
        return None
    except (TypeError, ValueError, RecursionError) as error:
        # Only tables from Python fail here: keys that are no text, numbers with thousands of digits.
        faults.add(path, f"got a table that no file could hold ({error}), expected names with values")
        return None
    return config if len(faults.listed) == before else None


def _keys(table: Any, path: Sequence[str | int], *, missing: bool) -> list[str]:
    """The keys in the path to a fault, without the steps that name alternatives of a type."""
    keys: list[str] = []
    here: Any = table
    for number, step in enumerate(path):
        # An array counts as a table with numbers as keys.
        inside: Any = dict(enumerate(here)) if isinstance(here, list | tuple) else here
        if isinstance(inside, Mapping) and step in inside:
            here = inside[step]
        elif missing and number == len(path) - 1:
            here = None
        else:
            continue
        keys.append(str(step))
    return keys


def check_kind(registry_kind: str, name: Any, path: str, faults: Faults) -> Any:
    """The module of a component that a model file names; ``None`` if there is none."""
    if not isinstance(name, str):
        got = "nothing" if name is None else shown(name)
        known = ", ".join(registry.names(registry_kind))
        faults.add(path, f"got {got}, expected one of {known}")
        return None
    try:
        return registry.load(registry_kind, name)
    except UnknownNameError:
        faults.add(
            path,
            f"got {shown(name)}, expected a name from 'neurosim list {registry_kind}': "
            f"{did_you_mean(name, registry.names(registry_kind))}",
        )
        return None


def defaults_of(cls: type[BaseModel]) -> dict[str, Any]:
    """Default settings of a class, as JSON."""
    fields = cls.model_fields.items()
    defaults = {name: field.get_default(call_default_factory=True) for name, field in fields if not field.is_required()}
    return {name: v.model_dump(mode="json") if isinstance(v, BaseModel) else v for name, v in defaults.items()}


def _check_plain(cls: type[BaseModel], table: Mapping[str, Any], path: str, faults: Faults) -> None:
    """Refuse numbers that are not finite, and text with a NUL character.

    Infinity passes only as a default, where it has a meaning.
    """
    for name, value in table.items():
        default = cls.model_fields[name].default if name in cls.model_fields else None
        for where, inner in _plain(value, f"{path}.{name}"):
            if isinstance(inner, float) and not math.isfinite(inner) and inner != default:
                faults.add(where, f"got {inner}, expected a finite number")
            if isinstance(inner, str) and "\0" in inner:
                faults.add(where, f"got {shown(inner)}, expected text without a NUL character")


def _plain(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The values in tables and arrays, each with its path."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _plain(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _plain(inner, f"{path}.{number}")
    else:
        yield path, value


def _check_quantities(cls: type[BaseModel], table: Mapping[str, Any], path: str, faults: Faults) -> None:
    """Require a quantity of the same dimension where the default is a quantity with a unit."""
    for name, value in table.items():
        default = cls.model_fields[name].default if name in cls.model_fields else None
        unit = _unit_of(default)
        if unit is None:
            continue
        if not isinstance(value, str):
            faults.add(f"{path}.{name}", f"got {shown(value)}, expected a quantity like '{default}'")
            continue
        try:
            parse_quantity(value, unit)
        except UnitError as error:
            faults.add(f"{path}.{name}", f"{error}; expected a quantity like '{default}'")


def _unit_of(default: Any) -> str | None:
    if not isinstance(default, str):
        return None
    try:
        unit = base_unit(default)
    except UnitError:
        return None
    return None if unit == "1" else unit


def _sentence(cls: type[BaseModel], fault: dict[str, Any]) -> str:
    kind, message, got = fault["type"], str(fault["msg"]), shown(fault.get("input"))
    if kind == "extra_forbidden":
        known = _fields_at(cls, fault["loc"][:-1])
        return f"unknown key, got {got}" + (f"; {did_you_mean(str(fault['loc'][-1]), known)}" if known else "")
    if kind == "missing":
        return "missing, expected a value"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    for prefix in ("Input should be ", "Value should have ", "Tuple should have "):
        if message.startswith(prefix):
            return f"got {got}, expected {message.removeprefix(prefix)}"
    return f"got {got}: {message}"


def _fields_at(cls: type[BaseModel], path: Sequence[Any]) -> Collection[str]:
    """The keys of the table at a path; none if it has no class of its own."""
    classes: list[tuple[str | None, type[BaseModel]]] = [(None, cls)]
    for step in path:
        if isinstance(step, int):
            continue
        chosen = [inner for tag, inner in classes if tag == step]
        if chosen:
            classes = [(None, chosen[0])]
        elif len(classes) == 1 and step in classes[0][1].model_fields:
            classes = _classes_in(classes[0][1].model_fields[step].annotation)
        else:
            return ()
    return classes[0][1].model_fields if len(classes) == 1 else ()


def _classes_in(annotation: Any) -> list[tuple[str | None, type[BaseModel]]]:
    """The table classes in a type annotation, each with its tag if it is one of several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [(None, annotation)]
    classes = [each for inner in get_args(annotation) for each in _classes_in(inner)]
    tags = [each.tag for each in getattr(annotation, "__metadata__", ()) if isinstance(each, Tag)]
    return [(tag or (tags[0] if tags else None), inner) for tag, inner in classes]
