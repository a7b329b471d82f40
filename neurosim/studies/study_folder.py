"""Folders for many runs and one table, with a description that keeps another study from replacing the table."""

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

#: Gives, in words, the parts of the first description that the second one, its replacement, lacks; empty if none.
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
    """Claim the folder for runs and their table, and write its description.

    Parameters
    ----------
    out
        The folder asked for.
    default
        The folder otherwise; if it holds something else, the first of ``<default>-2`` ... that does not.
    description, described
        The name of a TOML file, and its content.
    includes
        Tells what this study lacks of the one that a folder describes.
    results
        Names of the files to write; existing ones must be of this study.

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
    """The other content of a folder, in words; empty if it is free or holds this study."""
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
