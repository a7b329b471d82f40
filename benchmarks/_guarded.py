"""Runs a program that ends with the process that started it, however that ends: standard library only.

    python -P _guarded.py HANDLE -m MODULE ARGUMENT...
    python -P _guarded.py HANDLE SCRIPT ARGUMENT...

HANDLE is the reading end of a pipe whose other end the starting process alone holds, and never writes to. Once that is
closed, the whole process group is killed: the program, and the compilers and whatever else it has started. This stands
beside the program instead of within it, because a program that computes may let no other thread run for minutes. See
`benchmarks._children`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Start the program, and wait for its end or for that of whoever started this; the program's exit code."""
    handle, program = int(sys.argv[1]), sys.argv[2:]
    # What the group is told is for the program to answer. Not ignored, which the program would inherit.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    apart = [] if program[0] == "-m" else ["-P"]
    with subprocess.Popen([sys.executable, *apart, *program]) as process:
        threading.Thread(target=_end_with, args=(handle,), daemon=True).start()
        code = process.wait()
    # As a shell tells it.
    return code if code >= 0 else 128 - code


def _end_with(handle: int) -> None:
    while os.read(handle, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
