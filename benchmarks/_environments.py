"""Environments of peers: each is installed by pip into one of its own, apart from the user's, and can be deleted."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from benchmarks._children import Child
from benchmarks._steps import step
from neurosim.atomic import write_file

#: Seconds that pip may take, and what it says of its progress.
PATIENCE = 1800
_PROGRESS = ("Collecting", "Downloading", "Using cached", "Building wheel", "Installing", "Successfully installed")
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
        began = time.monotonic()
        step(f"{header.label}: pip installs {', '.join(header.dependencies)} into {place}; may take minutes")
        shutil.rmtree(place, ignore_errors=True)
        _call(header.label, "venv", "--without-pip", str(place))
        _call(header.label, "pip", "--python", str(python), "install", *options, *header.dependencies)
        write_file(complete, "\n".join(header.dependencies) + "\n")
        step(f"{header.label}: installed, {time.monotonic() - began:.0f} s")
    return python


def _call(label: str, module: str, *arguments: str) -> None:
    """Run a module of this Python, and pass on what it says of its progress."""
    program = ["-m", module, *arguments]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    said: list[str] = []
    try:
        with Child(sys.executable, program, **pipes) as child:
            for line in child.lines(PATIENCE):
                if line is None:
                    continue
                said.append(line.strip())
                if said[-1].startswith(_PROGRESS):
                    step(f"{label}: {said[-1][:200]}")
    except TimeoutError:
        raise PeerMissing(f"not installed within {PATIENCE / 60:.0f} minutes") from None
    except OSError as error:
        raise PeerMissing(f"does not install: {error}") from error
    if child.process.returncode:
        errors = [line for line in said if line.startswith("ERROR:")] or [line for line in said if line]
        last = errors[-1] if errors else f"{module} said nothing"
        raise PeerMissing(f"does not install: {last.removeprefix('ERROR:').strip()}")
