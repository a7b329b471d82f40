"""Time of a simulated step while all weights of a rate network learn at every step, beside the layers without learning.

784-500-300-10 leaky rate units, batch 128, float32. Node perturbation that is always on: the neuron's filtered noise is
its eligibility, which meets the reward and the presynaptic rate at every step. With learned feedback, feedback weights
learn to predict that product, and forward weights learn from what they deliver. Exit code 1 above what is asked.

    python -m benchmarks.step_learning
"""

from __future__ import annotations

import sys

from benchmarks._command import Options, alone
from benchmarks._layers import BATCH, STEPS, rate_simulation
from benchmarks._learning import CALLS, SAME_LAYERS, learning
from benchmarks._measuring import alternate, first_call, ratio, row, timed
from benchmarks._results import Asked, Result, Table

TITLE = "Rate network that learns at every step"
ROUNDS = 11
#: At most this many times the time of a step without learning.
ASKED = 2.6


def measure(options: Options) -> Result:
    """Measure, and compare."""
    # Small rates: what is timed must not run away, and small numbers cost the same.
    scheme, settings = "continuous_node_perturbation", {"duration": f"{STEPS} ms", "learning_rate": 1e-4}
    calls = {
        "eligibility times reward": learning(scheme, feedback="none", **settings),
        "learned feedback": learning(scheme, feedback="learned", feedback_learning_rate=1e-4, **settings),
        SAME_LAYERS: rate_simulation(),
    }
    first = {name: first_call(call) for name, call in calls.items()}
    rounds = alternate({name: timed(call) for name, call in calls.items()}, options.rounds or ROUNDS)
    steps = dict.fromkeys(calls, CALLS * STEPS) | {SAME_LAYERS: STEPS}
    rows = [
        row(name, taken, 1e6 / (steps[name] * BATCH), f"float32, first call {first[name]:.1f} s")
        for name, taken in rounds.seconds.items()
    ]
    learned, _, plain = rows
    return Result(
        title=TITLE,
        about="The same layers with node perturbation that never stops: each neuron's noise, filtered, is its "
        "eligibility; times the reward and the presynaptic rate it changes all weights at every step (averaged over "
        f"{BATCH} trials). With learned feedback the feedback weights learn to predict that signal, too.",
        tables=(Table("Time", "µs a trial and step", tuple(rows)),),
        asked=(Asked("eligibility times reward over the step without learning", ASKED, ratio(learned, plain), False),),
    )


if __name__ == "__main__":
    sys.exit(alone(measure))
