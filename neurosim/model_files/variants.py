"""Variants of a model: tables ``[variants.<name>]`` in its file that change its sections.

Sections are merged key by key. A table that names a ``kind`` replaces the table of that component whole, because
the settings of one scheme mean nothing to another; the engine, whose settings all its kinds share, is merged. A
variant with a ``[probe]`` removes the file's ``[training]`` and ``[tune]``, one with another scheme those keys of
``[tune]`` that this scheme does not have. Variants are applied in order, so a later one wins.

    [variants.full]
    title = "as long as in the paper"
    [variants.full.training]
    epochs = 1000

Each variant has to fit its file without the others; ``neurosim check`` tries them all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from neurosim import registry
from neurosim.errors import UnknownNameError
from neurosim.model_files.checking import Faults, shown
from neurosim.model_files.sections import copied, exists
from neurosim.model_files.tune_section import without_keys_of_another_scheme
from neurosim.suggestions import did_you_mean

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_WRITTEN = re.compile(r"(?P<base>.+?)(?P<variants>(\+[A-Za-z0-9_-]+)+)", re.DOTALL)


def parted(source: str) -> tuple[str, tuple[str, ...]]:
    """Split ``lansdell2020/mnist+fa+full`` into the model and its variants.

    The plus sign of a path to an existing file is part of the path.
    """
    match = _WRITTEN.fullmatch(source)
    if match is None or (source.endswith(".toml") and exists(source)):
        return source, ()
    return match["base"], tuple(match["variants"].split("+")[1:])


def variants_of(sections: Mapping[str, Any]) -> dict[str, str]:
    """The variants of a model, each with its title."""
    tables = sections.get("variants")
    if not isinstance(tables, Mapping):
        return {}
    return {
        str(name): str(table.get("title", "")) if isinstance(table, Mapping) else "" for name, table in tables.items()
    }


def with_variants(sections: Mapping[str, Any], names: Sequence[str], model: str) -> dict[str, Any]:
    """Sections with variants applied, one after the other.

    Raises
    ------
    UnknownNameError
        The model has no such variant.
    """
    result = copied(sections)
    known = variants_of(sections)
    for name in names:
        if name not in known:
            raise UnknownNameError(registry.unknown(f"variant of {model}", name, sorted(known)))
        change = sections["variants"][name]
        # A value that is no table is reported with the other faults of the file.
        if isinstance(change, Mapping):
            result = _changed(result, change)
    return result


def check_variants(tables: Any, sections: Collection[str], faults: Faults) -> None:
    """Check the names of variants and of the sections in them."""
    if not isinstance(tables, Mapping):
        faults.add("variants", f"got {shown(tables)}, expected tables [variants.<name>]")
        return
    for name, table in tables.items():
        path = f"variants.{name}"
        if not _NAME.fullmatch(str(name)):
            faults.add(path, "expected a name of letters, digits, hyphens and underscores")
        elif not isinstance(table, Mapping):
            faults.add(path, f"got {shown(table)}, expected a table [{path}]")
        else:
            _check_sections(table, path, sections, faults)


def _check_sections(table: Mapping[str, Any], path: str, sections: Collection[str], faults: Faults) -> None:
    for key, value in table.items():
        if key == "title":
            if not isinstance(value, str):
                faults.add(f"{path}.title", f"got {shown(value)}, expected a valid string")
        elif key not in sections:
            faults.add(f"{path}.{key}", f"unknown section; {did_you_mean(key, sections)}")
        elif not isinstance(value, Mapping):
            faults.add(f"{path}.{key}", f"got {shown(value)}, expected a table [{path}.{key}]")


def _changed(sections: Mapping[str, Any], variant: Mapping[str, Any]) -> dict[str, Any]:
    """Sections after one variant."""
    changes = {key: value for key, value in variant.items() if key != "title"}
    result = merged(sections, changes)
    if _names_kind(changes.get("probe")):
        result.pop("training", None)
        result.pop("tune", None)
        if "training" in changes:
            # Both in one variant is a fault, which the check reports later.
            result["training"] = changes["training"]
    scheme = changes.get("scheme")
    if "tune" in result and isinstance(scheme, Mapping) and "kind" in scheme:
        result["tune"] = without_keys_of_another_scheme(result["tune"], changes.get("tune"), scheme["kind"])
    about, title = result.setdefault("model", {}), variant.get("title")
    if isinstance(about, dict) and isinstance(title, str):
        about["title"] = ", ".join(part for part in (str(about.get("title", "")), title) if part)
    return result


def merged(table: Mapping[str, Any], change: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Sections with changes merged in; a table that names a kind replaces the component whole."""
    result = dict(table)
    for key, value in change.items():
        where = f"{path}.{key}".removeprefix(".")
        old = result.get(key)
        whole = _names_kind(value) and where != "engine"
        if isinstance(value, Mapping) and isinstance(old, Mapping) and not whole:
            result[key] = merged(old, value, where)
        else:
            result[key] = copied(value) if isinstance(value, Mapping) else value
    return result


def _names_kind(value: Any) -> bool:
    return isinstance(value, Mapping) and "kind" in value
