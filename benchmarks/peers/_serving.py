"""Runs one work of one peer, in the peer's environment: standard library and NumPy only.

    python -P ../_guarded.py HANDLE _serving.py PEER.py WORK DATA.npz PACKAGE...

A peer's file has a function for each of its works, ``work(data) -> dict``, with

* ``round``: does the work once; if it returns a number, that is how many seconds it took;
* ``trials``: how many trials that are (one where the simulator has no batches);
* ``rates``: spikes a neuron and step of each layer, or any numbers by which equal work shows, as means over the trials
  ``rated``;
* ``note``: what has to be known for the comparison.

What `work` needs besides (compiling, a first call) is measured apart. Then each line that is read lets it do one round.
All answers are one line of JSON. A peer's own output goes to standard error, which is kept to say why a peer failed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

#: See `benchmarks._measuring.LEAST`: here as there, short work is done again and again.
LEAST = 0.2


def serve(file: str, work: str, data: str, packages: list[str]) -> None:
    """Prepare, say so, and do a round for each line."""
    # Compilers and libraries write to standard output as they like; what is read there has to be ours alone.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)

        def answer(**found: Any) -> None:
            answers.write(json.dumps(found) + "\n")
            answers.flush()

        with np.load(data, allow_pickle=False) as arrays:
            given = {name: arrays[name] for name in arrays.files}
        begin = time.perf_counter()
        prepared = getattr(_module(Path(file)), work)(given)
        answer(
            first=time.perf_counter() - begin,
            trials=prepared["trials"],
            rated=list(prepared["rated"]),
            rates=[float(rate) for rate in prepared["rates"]],
            note=prepared["note"],
            versions={name: importlib.metadata.version(name) for name in packages},
        )
        for _ in sys.stdin:
            found: list[float] = []
            while sum(found) < LEAST:
                begin = time.perf_counter()
                own = prepared["round"]()
                found.append(time.perf_counter() - begin if own is None else float(own))
            answer(seconds=sum(found) / len(found))


def _module(file: Path) -> Any:
    # By its path and under another name: a peer's file may be called like the package that it imports.
    spec = importlib.util.spec_from_file_location(f"peer_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
