"""Time per image of the convolutional network of Lansdell, Prakash & Kording (2020), beside the same one in PyTorch.

Three times a convolution of 5 x 5 and maxima of 3 x 3 at every second place (96, 128 and 256 maps), 2048, 2048 and 10
neurons, batch 128, float32, steady level: backpropagation and learned direct feedback. PyTorch (on the CPU, in a
process of its own, plain gradient descent, channels first and last) is installed into an environment that is thrown
away, or taken from a Python that has it. All in the same run, in turn, on as many threads as there are cores to run on.
Exit code 1 if backpropagation takes more than 1.3 times what PyTorch takes, or learned feedback more than 2.2 times
what backpropagation takes; 2 if there is no PyTorch to compare with.

    python benchmarks/convolution.py [PYTHON_WITH_TORCH]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.schemes._network import Network
from neurosim.tasks._task import Sizes

BATCH, STEPS, ROUNDS = 128, 2, 3
MOST, MOST_LEARNED = 1.3, 2.2
_POOL: dict[str, Any] = {"pool": "maximum", "window": 3, "stride": 2}
HIDDEN: Any = (
    *(layer for channels in (96, 128, 256) for layer in ({"channels": channels, "kernel": 5}, _POOL)),
    2048,
    2048,
)
_TORCH = """
import sys, time
import torch
from torch import nn
torch.set_num_threads(int(sys.argv[1]))
def conv(pre, post):
    return [nn.Conv2d(pre, post, 5, padding=2), nn.Tanh(), nn.MaxPool2d(3, 2, 1)]
network = nn.Sequential(
    *conv(3, 96), *conv(96, 128), *conv(128, 256), nn.Flatten(),
    nn.Linear(4096, 2048), nn.Tanh(), nn.Linear(2048, 2048), nn.Tanh(), nn.Linear(2048, 10),
)
optimiser = torch.optim.SGD(network.parameters(), 1e-3)
inputs, targets = torch.randn(BATCH, 3, 32, 32), torch.randint(0, 10, (BATCH,))
best = float("inf")
for layout in (torch.contiguous_format, torch.channels_last):
    network, inputs = network.to(memory_format=layout), inputs.to(memory_format=layout)
    for step in range(1 + STEPS):
        begin = time.perf_counter()
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(inputs), targets).backward()
        optimiser.step()
        if step:
            best = min(best, time.perf_counter() - begin)
print(best / BATCH)
""".replace("BATCH", str(BATCH)).replace("STEPS", str(STEPS))


def training(scheme: str, **settings: Any) -> Callable[[], float]:
    """Seconds per image of a scheme, compiled before the first call."""
    module = registry.load("schemes", scheme)
    circuit = module.build(
        module.Config(learning_rate=1e-3, **settings), Network(hidden=HIDDEN), Sizes(3072, 10, (32, 32, 3))
    )
    engine, state = BatchedEngine(circuit, Setting("steady")), initial_state(circuit, 0, dtype="float32")
    generator = np.random.default_rng(0)
    data = engine.placed(
        {
            "input.r": generator.standard_normal((BATCH, 3072), dtype=np.float32),
            "output.target": np.eye(10, dtype=np.float32)[generator.integers(0, 10, BATCH)],
        }
    )
    order = np.tile(np.arange(BATCH), (STEPS, 1))

    def run() -> float:
        begin = time.perf_counter()
        engine.train(state, data, order, seed=0, first=0)
        return (time.perf_counter() - begin) / (STEPS * BATCH)

    run()
    return run


@contextmanager
def python_with_torch(given: str | None) -> Iterator[str | None]:
    """A Python with PyTorch: the given one, or that of an environment which is gone afterwards, if there is one."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="neurosim_torch_") as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        done = subprocess.run([python, "-m", "pip", "install", "--quiet", "torch", "numpy"], check=False)
        yield python if done.returncode == 0 else None


def main() -> int:
    """Measure, print, judge."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    runs = {
        "backpropagation": training("backpropagation"),
        "learned feedback": training("node_perturbation", topology="direct"),
    }
    times: dict[str, list[float]] = {name: [] for name in (*runs, "PyTorch")}
    with python_with_torch(sys.argv[1] if len(sys.argv) > 1 else None) as python:
        for _ in range(ROUNDS):
            for name, run in runs.items():
                times[name].append(run())
            if python is not None:
                done = subprocess.run([python, "-c", _TORCH, str(threads)], check=True, capture_output=True, text=True)
                times["PyTorch"].append(float(done.stdout))
    best = {name: min(found) for name, found in times.items() if found}
    for name, seconds in best.items():
        print(f"{name:17} {1e3 * seconds:6.2f} ms an image, best of {ROUNDS}, {threads} threads")
    learned = best["learned feedback"] / best["backpropagation"]
    print(f"learned feedback over backpropagation: {learned:.2f}, at most {MOST_LEARNED}")
    if "PyTorch" not in best:
        print("no PyTorch could be installed: nothing to compare with")
        return 2
    ratio = best["backpropagation"] / best["PyTorch"]
    print(f"backpropagation over PyTorch: {ratio:.2f}, at most {MOST}")
    return int(ratio > MOST or learned > MOST_LEARNED)


if __name__ == "__main__":
    sys.exit(main())
