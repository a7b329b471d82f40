"""Time of a batch of e-prop in a recurrent network, beside the same loop by hand in JAX, and the memory of its traces.

100 leaky integrate-and-fire neurons (adaptive ones, rate neurons), 40 inputs, 2 outputs, 1,000 steps, batch 32,
float32, symmetric feedback, all weights learn. What both change is compared. And 1,000 adaptive neurons with the traces
of 16 trials, in a process of its own, whose greatest memory is read. Exit code 1 above what is asked.

    python -m benchmarks.eprop
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks._command import Options, alone
from benchmarks._in_time import DAMPING, DT, RATE, TAU, V_TH, Kind, apart, batch_of, by_hand, ours
from benchmarks._measuring import alternate, first_call, named, ratio, row, timed
from benchmarks._peers import files_of, taking_part
from benchmarks._results import Asked, Result, Row, Table

TITLE = "E-prop in a recurrent network, a batch"
ROUNDS = 5
UNITS, TRIALS, STEPS = 100, 32, 1000
#: At most this many times the time of the loop by hand; and gigabytes for the traces of 16 trials of 1,000 neurons.
ASKED, ASKED_MEMORY = 1.3, 4.0
#: By how much changes may differ: in float32 a spike at the threshold may come a step sooner or later.
SAME = 0.02
KINDS: dict[Kind, str] = {"lif": "LIF", "alif": "adaptive LIF", "rate": "rate"}
_LARGE = """
import resource
from benchmarks._in_time import batch_of, ours
ours("alif", 1000, batch_of(16, 20)).once()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def largest_memory() -> float:
    """Gigabytes that a process takes at most in which 1,000 adaptive neurons learn from 16 trials at once.

    Traces are carried from step to step, so that the number of steps does not matter.
    """
    done = subprocess.run([sys.executable, "-c", _LARGE], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) * 1024 / 1e9


def given_to_peers(batch: Mapping[str, np.ndarray]) -> tuple[dict[str, Any], np.ndarray]:
    """What the network of LIF neurons is made of, and the norms of its gradients, by which equal work shows."""
    mine = ours("lif", UNITS, batch)
    changed = mine.once()
    constants = {"keep": np.exp(-DT / TAU), "v_th": V_TH, "damping": DAMPING}
    weights = {f"w_{name}": array for name, array in mine.weights.items()}
    norms = [np.linalg.norm(changed[name]) / RATE for name in ("R1", "Win1")]
    return {**batch, **constants, **weights}, np.array([norms])


def measure(options: Options) -> Result:
    """Measure, and compare."""
    batch = batch_of(TRIALS, STEPS)
    calls, notes = {}, {}
    for kind, label in KINDS.items():
        mine = ours(kind, UNITS, batch)
        hand = by_hand(kind, mine.weights, batch)
        for whose, learner in (("neurosim", mine), ("by hand in JAX", hand)):
            name = f"{whose}, {label}"
            notes[name] = f"float32, first call {first_call(learner.once):.1f} s"
            calls[name] = timed(learner.once)
        if (distance := apart(mine.once(), hand.once())) > SAME:
            raise ArithmeticError(f"{label}: both loops change weights differently, by {distance:.2g} of the change")
    files, place = files_of("eprop") if options.peers else [], options.environments
    data, norms = given_to_peers(batch)
    with taking_part(files, "eprop", data, environments=place, rates=norms, tolerance=SAME) as peers:
        calls |= {peer.label: peer.round for peer in peers.ready}
        notes |= {peer.label: f"{peer.note}, first call {peer.first:.1f} s" for peer in peers.ready}
        rounds = alternate(calls, options.rounds or ROUNDS)
        peers.missing |= rounds.lost
    rows = [row(name, taken, 1.0, notes[name]) for name, taken in rounds.seconds.items()]
    found = {
        label: ratio(_of(rows, f"neurosim, {label}"), _of(rows, f"by hand in JAX, {label}")) for label in KINDS.values()
    }
    asked = [Asked(f"{label}: ours over the loop by hand", ASKED, each, False) for label, each in found.items()]
    memory = largest_memory()
    asked.append(Asked("GB for 1,000 adaptive neurons with the traces of 16 trials", ASKED_MEMORY, memory, False))
    return Result(
        title=TITLE,
        about=f"{UNITS} recurrent neurons, 40 inputs, 2 outputs, {STEPS} steps of 1 ms, batch {TRIALS}, symmetric "
        "feedback; recurrent, input and readout weights learn by e-prop. Spiking neurons keep traces of each trial in "
        "each synapse, two if they adapt; rate neurons none. The loop by hand does this network and nothing else, and "
        "both change weights alike.",
        tables=(Table("Time", "s a batch", tuple(rows)),),
        asked=tuple(asked),
        missing=peers.missing,
        versions=peers.versions,
    )


def _of(rows: list[Row], name: str) -> Row:
    found = named(rows, name)
    assert found is not None, f"'{name}' takes part in every round"
    return found


if __name__ == "__main__":
    sys.exit(alone(measure))
