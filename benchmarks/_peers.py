"""Other simulators that do a work, too: each in a process of its own that lives through all rounds."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from benchmarks._children import Child
from benchmarks._environments import Header, PeerMissing, interpreter, read_header
from benchmarks._measuring import ContenderLost
from benchmarks._steps import step

FOLDER = Path(__file__).parent / "peers"
#: Seconds for imports, compiling and the first call; and for one round.
PATIENCE, ROUND_PATIENCE = 1200, 300


@dataclass
class Peer:
    """A peer that is ready.

    Attributes
    ----------
    label, note, versions
        What it is called, what has to be known of it, and the versions of its packages.
    first
        Seconds until its first call was over: imports, compiling and that call.
    trials
        Trials in a round.
    rates, rated
        By which equal work shows, and over which trials.
    """

    label: str
    child: Child
    errors: IO[bytes]
    first: float = 0.0
    trials: int = 1
    rated: list[int] = field(default_factory=list)
    rates: tuple[float, ...] = ()
    note: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def round(self) -> float:
        """Let it do its work once; the seconds that took."""
        stdin = self.child.process.stdin
        assert stdin is not None
        try:
            stdin.write(b"\n")
            stdin.flush()
            return float(self.answer(ROUND_PATIENCE)["seconds"])
        except (PeerMissing, OSError) as error:
            # It may be computing still, at the cost of all others.
            self.stop()
            raise ContenderLost(str(error)) from error

    def answer(self, patience: float) -> dict[str, Any]:
        """Its next line."""
        stdout = self.child.process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], patience)
        if not ready:
            raise PeerMissing(f"no answer within {patience / 60:.0f} minutes")
        line = stdout.readline()
        if not line:
            raise PeerMissing(f"ended: {self._last_words()}")
        return json.loads(line)

    def stop(self) -> None:
        """End its process, and what that has started."""
        self.child.stop()
        self.errors.close()

    def _last_words(self) -> str:
        # It has closed its output, so that it is about to end.
        self.child.ended(ROUND_PATIENCE)
        self.child.stop()
        self.errors.seek(0)
        lines = [line for line in self.errors.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"exit code {self.child.process.returncode}"


@dataclass
class Peers:
    """Those that take part, and why the others do not."""

    ready: list[Peer] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, str]:
        """Of all packages."""
        return {name: version for peer in self.ready for name, version in peer.versions.items()}


def files_of(work: str) -> list[tuple[Path, Header]]:
    """The peers that take part in a work."""
    found = [(file, read_header(file)) for file in peer_files()]
    return [(file, header) for file, header in found if work in header.works]


def peer_files() -> list[Path]:
    """All peers."""
    return sorted(file for file in FOLDER.glob("*.py") if not file.name.startswith("_"))


@contextlib.contextmanager
def taking_part(
    files: Sequence[tuple[Path, Header]],
    work: str,
    data: Mapping[str, Any],
    *,
    environments: Path,
    rates: np.ndarray,
    tolerance: float | Sequence[float],
    pip: tuple[str, ...] = (),
) -> Iterator[Peers]:
    """Start peers, one after the other; they end with the context.

    Parameters
    ----------
    files
        The peers, see `files_of`.
    work
        What they are to do.
    data
        Arrays that they get.
    environments
        The folder of their environments.
    rates, tolerance
        What says that their work is ours: our rates (trial, layer), and by how much the means over trials may differ
        in theirs, relative to ours.
    pip
        Further options for pip.
    """
    found = Peers()
    with tempfile.TemporaryDirectory(prefix="neurosim_bench_") as folder:
        arrays = Path(folder) / "data.npz"
        given: dict[str, Any] = {name: np.asarray(array) for name, array in data.items()}
        np.savez(arrays, **given)
        try:
            for file, header in files:
                try:
                    python = interpreter(header, environments, options=pip)
                    peer = _started(file, header, work, python, arrays)
                    found.ready.append(peer)
                    expected = rates[peer.rated].mean(axis=0)
                    if not _alike(peer.rates, expected, tolerance):
                        peer.stop()
                        found.ready.remove(peer)
                        raise PeerMissing(f"does other work: rates {peer.rates}, expected {tuple(expected)}")
                except PeerMissing as error:
                    found.missing[header.label] = str(error)
                    step(f"{header.label} does not take part: {error}")
            yield found
        finally:
            for peer in found.ready:
                peer.stop()


def _started(file: Path, header: Header, work: str, python: Path, data: Path) -> Peer:
    program = [str(FOLDER / "_serving.py"), str(file), work, str(data), *header.packages]
    threads = str(os.cpu_count())
    # ANNarchy asks the first `python3` on the path where its own files are.
    path = os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])
    settings = {"PATH": path, "OMP_NUM_THREADS": threads, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    errors = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process, which closes it)
    step(f"{header.label}: imports, compiles and makes its first call; at most {PATIENCE / 60:.0f} minutes")
    child = Child(
        python,
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env={name: value for name, value in {**os.environ, **settings}.items() if name != "PYTHONPATH"},
        # What compilers leave behind goes away with the data.
        cwd=data.parent,
    )
    peer = Peer(header.label, child, errors)
    try:
        ready = peer.answer(PATIENCE)
    except BaseException:
        peer.stop()
        raise
    peer.first, peer.trials = ready["first"], ready["trials"]
    peer.rates, peer.rated = tuple(ready["rates"]), ready["rated"]
    peer.note, peer.versions = ready["note"], ready["versions"]
    step(f"{header.label}: ready after {peer.first:.0f} s")
    return peer


def _alike(found: Sequence[float], expected: np.ndarray, tolerance: float | Sequence[float]) -> bool:
    if len(found) != len(expected):
        return False
    return bool(np.all(np.abs(np.subtract(found, expected)) <= np.abs(expected) * np.asarray(tolerance)))
