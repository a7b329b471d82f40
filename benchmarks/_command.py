"""The command line of a work, and of all of them."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console

from benchmarks._children import ends_by_signal
from benchmarks._environments import default_folder
from benchmarks._results import RESULT, Result
from benchmarks._table import printed
from neurosim.atomic import write_file

#: The environment variable that names the folder of the peers' environments.
ENVIRONMENTS = "NEUROSIM_PEERS"


@dataclass(frozen=True)
class Options:
    """How to measure.

    Attributes
    ----------
    rounds
        How often each contender is measured; each work has its own number if that is None.
    peers
        Whether peers take part.
    environments
        The folder of their environments.
    """

    rounds: int | None = None
    peers: bool = True
    environments: Path = Path()


class Work(Protocol):
    """The contract of a work's file."""

    #: In a line, for the list of works.
    TITLE: str

    def measure(self, options: Options) -> Result:
        """Do it."""
        ...


def work_names() -> list[str]:
    """All works, by the names of their files."""
    files = Path(__file__).parent.glob("*.py")
    return sorted(file.stem for file in files if not file.name.startswith("_"))


def load_work(name: str) -> Work:
    """A work by its name."""
    return importlib.import_module(f"benchmarks.{name}")  # type: ignore[return-value]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that one work and all works have in common."""
    parser.add_argument("--rounds", type=int, help="rounds of each work, instead of its own number")
    parser.add_argument("--no-peers", action="store_true", help="measure this project alone")
    parser.add_argument(
        "--environments",
        type=Path,
        default=Path(os.environ.get(ENVIRONMENTS) or default_folder()),
        help=f"folder of the peers' environments (default: ${ENVIRONMENTS}, or a cache folder)",
    )


def alone(measure: Callable[[Options], Result]) -> int:
    """Run one work from the command line; exit code 1 if something that is asked for does not hold."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    add_options(parser)
    parser.add_argument("--json", type=Path, help="write what was found to this file")
    given = parser.parse_args()
    ends_by_signal()
    result = measure(Options(given.rounds, not given.no_peers, given.environments))
    if given.json is not None:
        write_file(given.json, RESULT.dump_json(result))
    Console().print(printed(result))
    return int(any(asked.met is False for asked in result.asked))
