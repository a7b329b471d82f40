"""Benchmarks say what they do, install what they need, and leave nothing running however they are stopped."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks import _environments, _peers, _steps
from benchmarks._children import Child

ROOT = Path(__file__).parents[1]
#: A program that starts another one, says so, and waits for ever.
WAITING = """
import subprocess, sys, time
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(36000)"])
print(other.pid, flush=True)
time.sleep(36000)
"""
WORK = '''"""Waits for a peer.

    python -m benchmarks.waiting
"""
import sys
import numpy as np
from benchmarks._command import alone
from benchmarks._peers import files_of, taking_part
from benchmarks._results import Result

TITLE = "Waiting"

def measure(options):
    settings = {"environments": options.environments, "rates": np.ones((1, 1)), "tolerance": 1}
    with taking_part(files_of("waiting"), "waiting", {}, **settings):
        return Result(TITLE, "", ())

if __name__ == "__main__":
    sys.exit(alone(measure))
'''
PEER = f"""# /// script
# requires-python = ">=3.11"
# dependencies = []
#
# [tool.benchmarks]
# label = "Sleeper"
# works = ["waiting"]
# here = true
# ///
def waiting(data):
    exec({WAITING!r})
"""


def _wait_until_gone(pids: list[int]) -> None:
    # Only a fault makes this last, and then the limit on the test ends it.
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids):
        time.sleep(0.02)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The benchmarks with a work and a peer more, which wait for ever."""
    shutil.copytree(ROOT / "benchmarks", tmp_path / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "benchmarks" / "waiting.py").write_text(WORK)
    (tmp_path / "benchmarks" / "peers" / "sleeper.py").write_text(PEER)
    return tmp_path


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
def test_works_and_peers_end_with_what_runs_them(repository: Path, number: signal.Signals, code: int) -> None:
    command = [sys.executable, "-m", "benchmarks", "--only", "waiting", "--environments", str(repository / "peers")]
    with subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = []
        while "makes its first call" not in "".join(said[-1:]):
            said.append(process.stdout.readline())
            assert said[-1], "".join(said)
        # The work and the peer, each beside what guards it, and what the peer has started.
        while len(below := psutil.Process(process.pid).children(recursive=True)) < 5:
            time.sleep(0.02)
        process.send_signal(number)
        _wait_until_gone([each.pid for each in below])
        process.communicate()
    assert process.returncode == code
    assert said[0].startswith("waiting (1 of 1)")
    assert any("Sleeper: imports, compiles and makes its first call; at most" in line for line in said)


def test_a_child_ends_with_its_block_and_with_what_it_has_started(tmp_path: Path) -> None:
    with Child(sys.executable, [str(_script(tmp_path))], stdout=subprocess.PIPE) as child:
        grandchild = int(next(line for line in child.lines() if line))
        assert psutil.pid_exists(grandchild) and not child.ended(0.0)
    _wait_until_gone([child.process.pid, grandchild])
    child.stop()


def test_one_that_does_not_end_in_time_is_given_up(tmp_path: Path) -> None:
    with Child(sys.executable, [str(_script(tmp_path))], stdout=subprocess.PIPE) as child, pytest.raises(TimeoutError):
        list(child.lines(patience=0.5))


def test_lines_come_whole_and_the_last_one_without_its_end(tmp_path: Path) -> None:
    script = tmp_path / "speaks.py"
    script.write_text("import sys\nprint('one')\nprint('two', end='')\nsys.exit(3)")
    with Child(sys.executable, [str(script)], stdout=subprocess.PIPE) as child:
        assert list(child.lines()) == ["one", "two"]
    assert child.process.returncode == 3


def test_a_child_that_is_killed_says_so(tmp_path: Path) -> None:
    script = tmp_path / "dies.py"
    script.write_text("import os; os.kill(os.getpid(), 9)")
    with Child(sys.executable, [str(script)]) as child:
        assert child.ended()
    assert child.process.returncode == 128 + 9


def test_modules_run_as_by_python_m_with_their_arguments(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import sys; print(__name__, sys.argv[1:])")
    with Child(sys.executable, ["-m", "mine", "a", "-b"], stdout=subprocess.PIPE, cwd=tmp_path) as child:
        assert list(child.lines()) == ["__main__ ['a', '-b']"]


def test_installing_says_what_is_waited_for(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    header = _environments.Header("Made up", ("there-is-no-such-package==1.0",), ())
    with pytest.raises(_environments.PeerMissing, match="does not install: No matching distribution"):
        _environments.interpreter(header, tmp_path, options=("--no-index", "--find-links", str(tmp_path)))
    told = [text for line in capfd.readouterr().err.splitlines() if (text := _steps.read(line)) is not None]
    assert told[0].startswith("Made up: pip installs there-is-no-such-package==1.0 into ")


def test_only_peers_of_the_chosen_works_are_installed() -> None:
    for work in ("rate_step", "convolution", "spiking_forward", "demo"):
        assert all(work in header.works for _, header in _peers.files_of(work))
    assert _peers.files_of("demo") == []
    assert {file.stem for file, _ in _peers.files_of("convolution")} == {"pytorch_convolution"}


def _script(folder: Path) -> Path:
    script = folder / "waits.py"
    script.write_text(WAITING)
    return script
