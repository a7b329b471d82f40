"""Environments of peers: each is installed by pip into one of its own, apart from the user's, and can be deleted."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from neurosim.atomic import write_file

#: Seconds that pip may take.
PATIENCE = 1800
# The reference implementation of the specification of inline script metadata (PEP 723).
_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


class PeerMissing(Exception):
    """A peer cannot take part; the message says why."""


@dataclass(frozen=True)
class Header:
    """What a peer's file says of itself in its first comment.

    Attributes
    ----------
    label
        What the peer is called in tables.
    dependencies
        Its pinned requirements.
    works
        The works it takes part in.
    programs
        What it needs on the path, e.g. a compiler.
    python
        Which versions of Python it runs on.
    here
        Whether it runs in the environment of this project instead of one of its own, because it compares with
        the very version that this project uses.
    """

    label: str
    dependencies: tuple[str, ...]
    works: tuple[str, ...]
    programs: tuple[str, ...] = ()
    python: str = ""
    here: bool = False

    @property
    def packages(self) -> tuple[str, ...]:
        """The names of the distributions it requires."""
        return tuple(Requirement(text).name for text in self.dependencies)


def read_header(file: Path) -> Header:
    """Read a peer's inline script metadata.

    Raises
    ------
    ValueError
        If there is none, or not exactly one, naming the file.
    """
    blocks = [match for match in _BLOCK.finditer(file.read_text("utf-8")) if match["type"] == "script"]
    if len(blocks) != 1:
        raise ValueError(f"{file.name}: got {len(blocks)} blocks '# /// script', expected one (PEP 723)")
    lines = [line[2:] if line.startswith("# ") else line[1:] for line in blocks[0]["content"].splitlines()]
    data = tomllib.loads("\n".join(lines))
    own: dict[str, Any] = data["tool"]["benchmarks"]
    return Header(
        label=own["label"],
        dependencies=tuple(data["dependencies"]),
        works=tuple(own["works"]),
        programs=tuple(own.get("programs", ())),
        python=data.get("requires-python", ""),
        here=own.get("here", False),
    )


def default_folder() -> Path:
    """Where environments are kept, outside any repository."""
    return Path(pooch.os_cache("neurosim")) / "benchmarks"


def interpreter(header: Header, folder: Path, *, options: tuple[str, ...] = ()) -> Path:
    """The Python that a peer runs with; its environment is made if it is not there.

    Parameters
    ----------
    folder
        Where environments are kept. One that is complete is used again.
    options
        Further options for pip.

    Raises
    ------
    PeerMissing
        If a program is missing, or the environment cannot be made.
    """
    for program in header.programs:
        if shutil.which(program) is None:
            raise PeerMissing(f"needs the program '{program}', which is not on the path")
    version = ".".join(map(str, sys.version_info[:3]))
    if version not in SpecifierSet(header.python):
        raise PeerMissing(f"needs Python {header.python}, got {version}")
    if header.here:
        return Path(sys.executable)
    named = json.dumps([sys.executable, version, *header.dependencies])
    place = folder / hashlib.sha256(named.encode()).hexdigest()[:16]
    python, complete = place / "bin" / "python", place / "complete"
    if not complete.exists():
        shutil.rmtree(place, ignore_errors=True)
        _call(sys.executable, "-m", "venv", "--without-pip", str(place))
        _call(
            sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", *options, *header.dependencies
        )
        write_file(complete, "\n".join(header.dependencies) + "\n")
    return python


def _call(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise PeerMissing(f"not installed within {PATIENCE / 60:.0f} minutes") from None
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.strip().splitlines() if line.strip()]
        said = [line for line in lines if line.startswith("ERROR:")] or lines or ["pip said nothing"]
        raise PeerMissing(f"does not install: {said[-1].removeprefix('ERROR:').strip()}") from None
    except OSError as error:
        raise PeerMissing(f"does not install: {error}") from None
