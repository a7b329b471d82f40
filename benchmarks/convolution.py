"""Time per image of training a convolutional network, beside the same network in PyTorch.

The network of Lansdell, Prakash & Kording (2020): three times a convolution of 5 x 5 and maxima of 3 x 3 at every
second place (96, 128 and 256 maps), 2048, 2048 and 10 neurons; batch 128, float32, steady level; backpropagation and
learned direct feedback. Exit code 1 above what is asked.

    python -m benchmarks.convolution
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks._command import Options, alone
from benchmarks._measuring import alternate, first_call, named, ratio, row, timed
from benchmarks._peers import files_of, taking_part
from benchmarks._results import Asked, Result, Table
from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.networks.layered import Config as Network
from neurosim.tasks._task import Sizes

TITLE = "Convolutional network, training at the steady level"
ROUNDS, BATCH, IMAGE, CLASSES = 5, 128, (32, 32, 3), 10
#: Batches in a call of ours, which brings all weights to the device and back; in an epoch there are hundreds.
BATCHES = 8
#: At most this many times the time of PyTorch; and learned feedback over backpropagation.
ASKED, ASKED_OF_LEARNED = 1.3, 2.2
_POOL: dict[str, Any] = {"pool": "maximum", "window": 3, "stride": 2}
HIDDEN: Any = (
    *(layer for channels in (96, 128, 256) for layer in ({"channels": channels, "kernel": 5}, _POOL)),
    2048,
    2048,
)
#: By how much the mean answer of a peer may differ: sums in another order.
SAME = 1e-3


def training(scheme: str, data: dict[str, np.ndarray], **settings: Any) -> tuple[Callable[[], Any], Any, Any]:
    """Some batches of training, the engine that does it, and the state it begins with."""
    module, size = registry.load("schemes", scheme), int(np.prod(IMAGE))
    config = module.Config(learning_rate=1e-3, **settings)
    circuit = module.build(config, Network(hidden=HIDDEN), Sizes(size, CLASSES, IMAGE))
    engine, state = BatchedEngine(circuit, Setting("steady")), initial_state(circuit, 0, dtype="float32")
    placed, order = engine.placed(data, BATCH), np.tile(np.arange(BATCH), (BATCHES, 1))
    return lambda: engine.train(state, placed, order, seed=0, first=0), engine, state


def measure(options: Options) -> Result:
    """Measure, and compare."""
    generator = np.random.default_rng(0)
    data = {
        "input.r": generator.standard_normal((BATCH, int(np.prod(IMAGE))), dtype=np.float32),
        "output.target": np.eye(CLASSES, dtype=np.float32)[generator.integers(0, CLASSES, BATCH)],
    }
    backpropagation, engine, state = training("backpropagation", data)
    learned, _, _ = training("node_perturbation", data, topology="direct")
    calls = {"backpropagation": backpropagation, "learned direct feedback": learned}
    first = {name: first_call(call) for name, call in calls.items()}
    _, outputs = engine.run(state, data, report=("output.r",), learn=False)
    answers = np.abs(outputs.ends["clean"]["output.r"]).mean(axis=1, keepdims=True)
    weights = {name.removesuffix(".w"): array for name, array in state.items() if name.endswith(".w")}
    given = {"images": data["input.r"].reshape(BATCH, *IMAGE), "targets": data["output.target"], **weights}
    files, place = files_of("convolution") if options.peers else [], options.environments
    with taking_part(files, "convolution", given, environments=place, rates=answers, tolerance=SAME) as peers:
        contenders = {name: timed(call) for name, call in calls.items()}
        contenders |= {peer.label: peer.round for peer in peers.ready}
        rounds = alternate(contenders, options.rounds or ROUNDS)
        peers.missing |= rounds.lost
        notes = {name: f"float32, first call {seconds:.1f} s" for name, seconds in first.items()}
        notes |= {peer.label: f"{peer.note}, first call {peer.first:.1f} s" for peer in peers.ready}
    images = {name: BATCH * BATCHES for name in calls}
    rows = [row(name, taken, 1e3 / images.get(name, BATCH), notes[name]) for name, taken in rounds.seconds.items()]
    own, noisy, torch = rows[0], rows[1], named(rows, "PyTorch")
    return Result(
        title=TITLE,
        about="The network of Lansdell, Prakash and Kording for CIFAR-10: three times a convolution of 5 x 5 and "
        "maxima of 3 x 3 at every second place (96, 128 and 256 maps), then 2048, 2048 and 10 neurons. Batches of "
        "128 images: forward, errors back, all weights updated. Learned direct feedback presents each image twice, and "
        "learns the feedback weights, too.",
        tables=(Table("Time", "ms an image", tuple(rows)),),
        asked=(
            Asked("backpropagation over PyTorch", ASKED, ratio(own, torch) if torch else None, False),
            Asked("learned direct feedback over backpropagation", ASKED_OF_LEARNED, ratio(noisy, own), False),
        ),
        missing=peers.missing,
        versions=peers.versions,
    )


if __name__ == "__main__":
    sys.exit(alone(measure))
