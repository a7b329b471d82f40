"""Folders that hold many runs and one table of them: whose table it is, so that no other takes its place."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from neurosim.atomic import write_file, writing
from neurosim.border import PATH
from neurosim.errors import ConfigError, NeurosimError
from neurosim.model_files.sections import read_toml

#: What the second description, which is to take the place, lacks of the first; nothing if it has all of it.
Includes = Callable[[Mapping[str, Any], Mapping[str, Any]], str]


def claimed(
    out: str | Path | None,
    default: Path,
    description: str,
    described: Mapping[str, Any],
    *,
    includes: Includes,
    results: Sequence[str],
) -> Path:
    """The folder for runs and their table, made if need be, with a description of what it holds.

    Parameters
    ----------
    out
        The folder that somebody asked for.
    default
        That which is taken if nobody did; if it holds something else, the first of ``<default>-2`` ... that does not.
    description, described
        The name of a TOML file, and what will stand in it.
    includes
        Tells whether what is described includes what a folder describes.
    results
        Names of what will be written, which may not be somebody else's.

    Raises
    ------
    ConfigError
        The folder holds something else.
    DataError
        It cannot be written.
    """
    places = [PATH("out", out)] if out is not None else _numbered(PATH("out", default))
    for root in places:
        wrong = _other(root, description, described, includes, results)
        if not wrong:
            with writing(root):
                root.mkdir(parents=True, exist_ok=True)
            write_file(root / description, tomli_w.dumps(described))
            return root
        if out is not None:
            raise ConfigError(f"{root} holds {wrong}; choose another --out, or remove it")
    raise AssertionError("numbers do not end")


def _numbered(default: Path) -> Iterator[Path]:
    yield default
    for number in itertools.count(2):
        yield default.with_name(f"{default.name}-{number}")


def _other(
    root: Path, description: str, described: Mapping[str, Any], includes: Includes, results: Sequence[str]
) -> str:
    """What else a folder holds, in words; nothing if it is free, or holds what is described."""
    if root.exists() and not root.is_dir():
        return "no folder but a file"
    if not (root / description).is_file():
        foreign = [name for name in results if (root / name).exists()]
        return f"{foreign[0]}, but not the {description} that says of what" if foreign else ""
    try:
        lost = includes(described, read_toml(root / description))
    except (NeurosimError, KeyError, TypeError, ValueError, AttributeError) as error:
        return f"a {description} that cannot be read ({error})"
    return f"the results of another {Path(description).stem}, which would be replaced: {lost}" if lost else ""
