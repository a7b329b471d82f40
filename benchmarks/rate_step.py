"""Time of one simulated step of a leaky rate network, beside bare matrix products of its shapes and other simulators.

784-500-300-10 units, batch 128, float32, an input that changes at every step. Exit code 1 below what is asked.

    python -m benchmarks.rate_step
"""

from __future__ import annotations

import sys

import numpy as np

from benchmarks._command import Options, alone
from benchmarks._layers import BATCH, SIZES, STEPS, bare_products, changing_input, rate_layers, rate_steps
from benchmarks._measuring import alternate, first_call, named, ratio, row, timed
from benchmarks._peers import files_of, taking_part
from benchmarks._results import Asked, Result, Table
from neurosim.engines.state import initial_state

TITLE = "Rate network, input that changes at every step"
ROUNDS = 11
#: Asked: the share of the machine's limit, how often it may compile, how many times faster than Brian2's C++ it is.
SHARE, COMPILATIONS, BRIAN2 = 0.85, 1, 40.0
STANDALONE = "Brian2, C++ standalone"
#: By how much the means of the last activities of a peer may differ: sums in another order, by other approximations of
#: tanh, or inputs that arrive a step later.
SAME = 0.02


def measure(options: Options) -> Result:
    """Measure, and compare."""
    circuit = rate_layers()
    state, course = initial_state(circuit, 0, dtype="float32"), changing_input()
    weights = [state[f"W{number}.w"] for number in range(1, len(SIZES))]
    simulated, compiled = rate_steps(circuit, state, course)
    bare = bare_products(weights, course)
    first = first_call(simulated)
    bare()
    # (trial, layer)
    activities = np.stack([np.abs(np.asarray(array)).mean(axis=1) for array in simulated()], axis=1)
    calls = {"neurosim": timed(simulated), "the same products alone": timed(bare)}
    notes = {"neurosim": f"float32, first call {first:.1f} s", "the same products alone": "float32"}
    trials = dict.fromkeys(calls, BATCH)
    data = {f"w{k}": w for k, w in enumerate(weights, start=1)} | {"course": course, "sizes": SIZES}
    found = files_of("rate_step") if options.peers else []
    place = options.environments
    with taking_part(found, "rate_step", data, environments=place, rates=activities, tolerance=SAME) as peers:
        rounds = alternate(calls | {peer.label: peer.round for peer in peers.ready}, options.rounds or ROUNDS)
        peers.missing |= rounds.lost
        for peer in peers.ready:
            notes[peer.label] = f"{peer.note}, first call {peer.first:.1f} s"
            trials[peer.label] = peer.trials
    rows = [row(n, taken, 1e6 / (STEPS * trials[n]), notes[n]) for n, taken in rounds.seconds.items()]
    own, limit = rows[:2]
    brian2 = named(rows, STANDALONE)
    return Result(
        title=TITLE,
        about="A 784-500-300-10 network of leaky rate units: time constant 20 ms, 100 steps of 1 ms, batches of 128 "
        "trials (single trials where a simulator has no batches), and an input that changes at every step, so that no "
        "product can leave the loop over time. The limit is a loop of nothing but the products of these shapes.",
        tables=(Table("Time", "µs a trial and step", tuple(rows)),),
        asked=(
            Asked("products alone over ours: the share of the limit", SHARE, ratio(limit, own), True),
            Asked("how often the step is compiled", COMPILATIONS, compiled._cache_size(), False),
            Asked("Brian2, C++ standalone, over ours", BRIAN2, ratio(brian2, own) if brian2 else None, True),
        ),
        missing=peers.missing,
        versions=peers.versions,
    )


if __name__ == "__main__":
    sys.exit(alone(measure))
