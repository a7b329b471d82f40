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
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks._command import Options, add_options, load_work, work_names
from benchmarks._limits import memory_bandwidth, product_speed
from benchmarks._page import page
from benchmarks._results import RESULT, Result
from benchmarks._table import printed
from neurosim.atomic import write_file

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"


def measured(name: str, options: Options, folder: Path) -> Result | str:
    """A work's result, or why there is none."""
    file, log = folder / f"{name}.json", folder / f"{name}.log"
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(file)]
    command += ["--environments", str(options.environments.absolute())]
    command += [] if options.peers else ["--no-peers"]
    command += [] if options.rounds is None else ["--rounds", str(options.rounds)]
    with log.open("w") as output:
        # What is asked is asked of processors; a GPU has limits of its own.
        environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
        ended = subprocess.run(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
    if file.exists():
        return RESULT.validate_json(file.read_bytes())
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1] if lines else f"ended with exit code {ended.returncode}"


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
            found = measured(name, options, Path(folder))
            progress.remove_task(task)
            if isinstance(found, str):
                broken[name] = found
                console.print(f"[red]{name} could not be measured:[/] {found}")
            else:
                results[name] = found
                console.print(printed(found))
    out = given.out or (PAGE if not given.only else None)
    if out is not None:
        limits = {
            "matrix product (float32, 2,048 by 2,048)": f"{product_speed() / 1e9:,.0f} GFLOP/s",
            "memory (float32, one array added to another)": f"{memory_bandwidth() / 1e9:,.1f} GB/s",
        }
        write_file(out, page(results, broken, figures=out.absolute().parent / "images", limits=limits), parents=True)
        console.print(f"written: {out}")
    failed = [asked for result in results.values() for asked in result.asked if asked.met is False]
    return int(bool(broken or failed))


if __name__ == "__main__":
    sys.exit(main())
