"""All works, each in a process of its own, and the page they make: ``make bench``, or ``python -m benchmarks --help``.

Exit code 1 if something that is asked for does not hold, or a work could not be measured. Peers that are missing do
not count.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks._children import Child, ends_by_signal
from benchmarks._command import Options, add_options, load_work, work_names
from benchmarks._page import page
from benchmarks._results import RESULT, Result
from benchmarks._steps import read
from benchmarks._table import printed
from neurosim.atomic import write_file

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"


def measured(name: str, options: Options, folder: Path, say: Callable[[str], None]) -> Result | str:
    """A work's result, or why there is none; what it does meanwhile is said line by line."""
    file = folder / f"{name}.json"
    program = ["-m", f"benchmarks.{name}", "--json", str(file)]
    program += ["--environments", str(options.environments.absolute())]
    program += [] if options.peers else ["--no-peers"]
    program += [] if options.rounds is None else ["--rounds", str(options.rounds)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    # What is asked is asked of processors; a GPU has limits of its own.
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    with Child(sys.executable, program, cwd=ROOT, env=environment, **pipes) as child:
        last = _said(child, say)
    if file.exists():
        return RESULT.validate_json(file.read_bytes())
    return last or f"ended with exit code {child.process.returncode}"


def _said(child: Child, say: Callable[[str], None]) -> str:
    """Pass on the steps that a work writes, until it ends; its last line that is none."""
    last, doing, since = "", "imports and compiles", time.monotonic()
    for line in child.lines():
        if line is None:
            say(f"still: {doing} ({(time.monotonic() - since) / 60:.0f} min)")
        elif (told := read(line)) is not None:
            doing, since = told, time.monotonic()
            say(told)
        elif line.strip():
            last = line.strip()
    return last


def main() -> int:
    """Measure, print, write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", metavar="WORK,...", help=f"some of: {', '.join(work_names())}")
    parser.add_argument("--out", type=Path, help=f"the page; by default {PAGE.relative_to(ROOT)} if all works are run")
    parser.add_argument("--list", action="store_true", help="list the works")
    add_options(parser)
    given = parser.parse_args()
    if given.list:
        for name in work_names():
            print(f"{name:20} {load_work(name).TITLE}")
        return 0
    chosen = given.only.split(",") if given.only else work_names()
    unknown = [name for name in chosen if name not in work_names()]
    if unknown:
        parser.error(f"unknown works: {', '.join(unknown)}; known: {', '.join(work_names())}")
    options = Options(given.rounds, not given.no_peers, given.environments)
    console, results, broken = Console(), {}, {}
    shown = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with tempfile.TemporaryDirectory(prefix="neurosim_bench_") as folder, Progress(*shown, console=console) as progress:
        for position, name in enumerate(chosen, start=1):
            task = progress.add_task(f"{name} ({position} of {len(chosen)})", total=None)
            console.print(f"{name} ({position} of {len(chosen)})")
            found = measured(
                name, options, Path(folder), lambda text: console.print(f"  {text}", markup=False, soft_wrap=True)
            )
            progress.remove_task(task)
            if isinstance(found, str):
                broken[name] = found
                console.print(f"[red]{name} could not be measured:[/] {found}")
            else:
                results[name] = found
                console.print(printed(found))
    out = given.out or (PAGE if not given.only else None)
    if out is not None:
        console.print("the machine's own limits: products of matrices, memory")
        limits = _limits()
        write_file(out, page(results, broken, figures=out.absolute().parent / "images", limits=limits), parents=True)
        console.print(f"written: {out}")
    failed = [asked for result in results.values() for asked in result.asked if asked.met is False]
    return int(bool(broken or failed))


def _limits() -> dict[str, str]:
    from benchmarks._limits import memory_bandwidth, product_speed

    return {
        "matrix product (float32, 2,048 by 2,048)": f"{product_speed() / 1e9:,.0f} GFLOP/s",
        "memory (float32, one array added to another)": f"{memory_bandwidth() / 1e9:,.1f} GB/s",
    }


def _stoppable() -> int:
    """Leave when told to, with the works and peers that run."""
    ends_by_signal()
    try:
        return main()
    except KeyboardInterrupt:
        print("stopped, with all that was running", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(_stoppable())
