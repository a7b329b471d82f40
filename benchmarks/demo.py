"""Seconds of the demo, from the command to its end: what `make demo` runs once all is installed.

Each round is a process of its own that compiles everything anew. Exit code 1 if it takes longer than asked.

    python -m benchmarks.demo
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks._command import Options, alone
from benchmarks._measuring import alternate, quartiles, row, timed
from benchmarks._results import Asked, Result, Table

TITLE = "The demo"
MODEL, ROUNDS = "lansdell2020/digits", 3
#: Seconds, at most.
ASKED = 60.0


def run() -> None:
    """Train the model in a new process, with an empty cache of compiled programs."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NEUROSIM_CACHE": str(Path(folder) / "cache")}
        program = [sys.executable, "-c", "from neurosim.cli import main; main()"]
        command = [*program, "run", MODEL, "--out", f"{folder}/run"]
        subprocess.run(command, env=environment, check=True, capture_output=True)


def measure(options: Options) -> Result:
    """Run it again and again."""
    seconds = alternate({"neurosim": timed(run)}, options.rounds or ROUNDS).seconds["neurosim"]
    found = row("neurosim", seconds, 1.0, "float32, nothing compiled before")
    return Result(
        title=TITLE,
        about=f"`neurosim run {MODEL}`: 45 epochs of learned feedback on the digits in continuous time, with its "
        "figures and files. Seconds from the command to its end.",
        tables=(Table("Time", "seconds", (found,)),),
        asked=(Asked("seconds of the demo", ASKED, quartiles(seconds)[1], False),),
    )


if __name__ == "__main__":
    sys.exit(alone(measure))
