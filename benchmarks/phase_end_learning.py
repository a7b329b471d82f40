"""Time of a simulated step while a rate network learns at the ends of phases, beside the same layers without learning.

784-500-300-10 leaky rate units, batch 128, float32. Node perturbation with learned feedback: a clean and a perturbed
phase of 50 steps each, then all forward and feedback weights learn. The input is constant, so its product leaves the
loop over time. Exit code 1 above what is asked.

    python -m benchmarks.phase_end_learning
"""

from __future__ import annotations

import sys

from benchmarks._command import Options, alone
from benchmarks._layers import BATCH, STEPS, rate_simulation
from benchmarks._learning import CALLS, SAME_LAYERS, learning
from benchmarks._measuring import alternate, first_call, ratio, row, timed
from benchmarks._results import Asked, Result, Table

TITLE = "Rate network that learns at the ends of phases"
ROUNDS = 11
#: At most this many times the time of a step without learning, whose input changes at every step.
ASKED = 0.9


def measure(options: Options) -> Result:
    """Measure, and compare."""
    calls = {
        "learning at the ends of phases": learning("node_perturbation", duration="50 ms", perturbed_duration="50 ms"),
        SAME_LAYERS: rate_simulation(),
    }
    first = {name: first_call(call) for name, call in calls.items()}
    rounds = alternate({name: timed(call) for name, call in calls.items()}, options.rounds or ROUNDS)
    steps = dict(zip(calls, (CALLS * STEPS, STEPS), strict=True))
    rows = [
        row(name, taken, 1e6 / (steps[name] * BATCH), f"float32, first call {first[name]:.1f} s")
        for name, taken in rounds.seconds.items()
    ]
    learned, plain = rows
    return Result(
        title=TITLE,
        about="The same layers with node perturbation: learned feedback, a clean and a perturbed phase of 50 steps "
        "of 1 ms each, at whose end all forward and feedback weights learn, with a constant input, called as training "
        f"calls it ({CALLS} batches of {BATCH} in a call).",
        tables=(Table("Time", "µs a trial and step", tuple(rows)),),
        asked=(Asked("ours over the step without learning", ASKED, ratio(learned, plain), False),),
    )


if __name__ == "__main__":
    sys.exit(alone(measure))
