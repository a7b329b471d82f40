"""Other programs that are started here: each ends with this process, with all that it has started in turn."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

_GUARDED = Path(__file__).parent / "_guarded.py"
#: Seconds that a program has to leave once it is asked to.
GRACE = 10.0


class Child:
    """A Python program in a process group of its own, see `benchmarks._guarded`.

    Parameters
    ----------
    python
        The interpreter.
    program
        ``-m`` and a module, or a script, and the arguments.
    settings
        Of `subprocess.Popen`.
    """

    def __init__(self, python: str | Path, program: Sequence[str], **settings: Any) -> None:
        handle, self._lifeline = os.pipe()
        command = [str(python), "-P", str(_GUARDED), str(handle), *program]
        try:
            self.process = subprocess.Popen(command, pass_fds=(handle,), start_new_session=True, **settings)
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(handle)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(GRACE)

    def stop(self, grace: float = 0.0) -> None:
        """End it and all that it has started.

        Parameters
        ----------
        grace
            Seconds that it has to leave by itself, if it is running still.
        """
        if self._lifeline is None:
            return
        if grace and not self.ended(0.0):
            self._signal(signal.SIGTERM)
            self.ended(grace)
        # Before it is waited for: until then its number is that of no other process, nor of another's group.
        if self.process.returncode is None:
            self._signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._lifeline)
        self._lifeline = None

    def ended(self, patience: float | None = None) -> bool:
        """Wait until it has ended, for so many seconds at most."""
        end = None if patience is None else time.monotonic() + patience
        while self._running():
            if end is not None and time.monotonic() >= end:
                return False
            time.sleep(0.02)
        return True

    def lines(self, patience: float | None = None) -> Iterator[str | None]:
        """What it writes to standard output, line by line, until it ends.

        Yields
        ------
        str or None
            A line without its end; None where nothing came for a minute.

        Raises
        ------
        TimeoutError
            It has not ended after so many seconds of `patience`.
        """
        assert self.process.stdout is not None
        end = None if patience is None else time.monotonic() + patience
        yield from _lines(self.process.stdout, end)
        if not self.ended(None if end is None else max(0.0, end - time.monotonic())):
            raise TimeoutError

    def _running(self) -> bool:
        if self.process.returncode is not None:
            return False
        if hasattr(os, "waitid"):
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        return self.process.poll() is None

    def _signal(self, number: signal.Signals) -> None:
        # The group is there as long as anything in it is, though its leader may have ended.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


def _lines(stream: IO[bytes], end: float | None, pause: float = 60.0) -> Iterator[str | None]:
    rest = b""
    while True:
        wait = pause if end is None else min(pause, end - time.monotonic())
        if wait <= 0:
            raise TimeoutError
        ready, _, _ = select.select([stream], [], [], wait)
        if not ready:
            yield None
            continue
        chunk = os.read(stream.fileno(), 1 << 16)
        if not chunk:
            break
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace").rstrip("\r") for line in whole)
    if rest:
        yield rest.decode(errors="replace")


def ends_by_signal() -> None:
    """Let SIGTERM end this program as an interrupt does: by an exception, so that its children are ended, too."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
