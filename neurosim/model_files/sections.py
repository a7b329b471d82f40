"""Sections of a model as written: read from TOML and changed by overrides."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from neurosim import registry
from neurosim.border import PATH
from neurosim.errors import ConfigError, DataError
from neurosim.model_files.checking import Faults, cut, shown
from neurosim.model_files.toml import DEEPEST, value_of
from neurosim.model_files.toml import read_toml as read_toml


def read_sections(source: str | Path) -> tuple[str, dict[str, Any]]:
    """The name and the sections of a shipped model or a TOML file.

    Paths in the task's settings are relative to the folder of the file. They are made absolute here, so that the model
    runs from any directory and loads again from a run folder.

    Raises
    ------
    UnknownNameError
        No shipped model has this name.
    DataError
        The file cannot be read.
    ConfigError
        It is no TOML.
    """
    if isinstance(source, str) and not source.endswith(".toml"):
        if source not in registry.models() and exists(source):
            raise ConfigError(f"{cut(source)}: a model is a file that ends in .toml, or a shipped name")
        shipped = registry.circuit_path if source in registry.circuits() else registry.model_path
        file = shipped(source)
        return source, located(read_toml(file), file.parent)
    path = PATH("model", source)
    if not exists(path):
        near = registry.nearest(path.stem, registry.models())
        hint = f"did you mean the shipped model '{near[0]}'?" if near else "'neurosim list models' shows shipped models"
        raise DataError(f"{cut(str(source))}: there is no such file; {hint}")
    return path.stem, located(read_toml(path), path.parent)


def exists(path: str | Path) -> bool:
    """Whether a file exists; impossible names do not."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def overridden(table: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Sections with some settings changed, each as ``section.key=value``.

    Raises
    ------
    ConfigError
        With all faulty overrides: not of this form, or with a key inside a value that is no table.
    """
    result = copied(table)
    faults = Faults()
    for override in overrides:
        key, equals, text = override.partition("=")
        steps = [step.strip() for step in key.split(".")]
        if not equals or len(steps) < 2 or not all(steps):
            faults.add(cut(override), "expected section.key=value, such as training.epochs=5")
            continue
        if len(steps) > DEEPEST:
            faults.add(cut(key), f"a key of {len(steps)} parts, expected at most {DEEPEST}")
            continue
        if steps[0] == "variants":
            why = "variants are applied before overrides; expected the key that the variant changes"
            faults.add(cut(override), why)
            continue
        inner: Any = result
        for depth, step in enumerate(steps[:-1], start=1):
            inner = inner.setdefault(step, {})
            if not isinstance(inner, dict):
                faults.add(".".join(steps[:depth]), f"got {shown(inner)}, which has no '{steps[depth]}'")
                break
        else:
            try:
                inner[steps[-1]] = value_of(text.strip())
            except ConfigError as error:
                faults.add(key, str(error))
    faults.raise_any("override")
    return result


def copied(table: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a table and all tables in it."""
    return {key: copied(value) if isinstance(value, Mapping) else value for key, value in table.items()}


def located(sections: dict[str, Any], folder: str | Path) -> dict[str, Any]:
    """Make relative paths absolute, starting from a folder; change and return the sections.

    They are those in the task's settings, and of files with arrays (``file = "weights.npz"``) anywhere.
    """
    _locate_arrays(sections, folder)
    variants = sections.get("variants")
    tables = [sections, *(variants.values() if isinstance(variants, dict) else ())]
    tasks = [table["task"] for table in tables if isinstance(table, dict) and isinstance(table.get("task"), dict)]
    for task in tasks:
        kind = task.get("kind", tasks[0].get("kind"))
        if not isinstance(kind, str) or kind not in registry.names("tasks"):
            continue  # reported with the other faults of the file
        for name in path_settings(kind):
            # A path with a NUL, or in an unknown home, is reported with the other faults of the file.
            if isinstance(task.get(name), str | Path) and "\0" not in str(task[name]):
                with contextlib.suppress(RuntimeError):
                    task[name] = os.path.abspath(Path(folder) / Path(task[name]).expanduser())
    return sections


def _locate_arrays(table: dict[str, Any], folder: str | Path) -> None:
    for key, value in table.items():
        if isinstance(value, dict):
            _locate_arrays(value, folder)
        elif key == "file" and isinstance(value, str) and value and "\0" not in value:
            table[key] = os.path.abspath(Path(folder) / value)


def path_settings(kind: str) -> tuple[str, ...]:
    """The settings of a kind of task that are paths."""
    fields = registry.load("tasks", kind).Config.model_fields
    return tuple(name for name, field in fields.items() if Path in (field.annotation, *get_args(field.annotation)))
