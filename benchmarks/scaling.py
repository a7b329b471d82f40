"""How the time of a simulation grows with neurons, batch, steps and synapses.

One layer of leaky rate units, and one of integrate-and-fire neurons, that read an input of as many neurons, all to all;
float32. Each quantity is varied by itself; what is printed is the slope of a straight line through the logarithms. Exit
code 1 if anything grows faster than asked.

    python -m benchmarks.scaling
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from benchmarks._command import Options, alone
from benchmarks._measuring import alternate, quartiles, row, slope, timed
from benchmarks._results import Asked, Curve, Result, Table
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.engines.stimuli import Stimulus
from neurosim.neurons import leaky_rate, stimulus
from neurosim.neurons._model import NeuronModel

TITLE = "How time grows"
ROUNDS = 5
#: What is varied, its values, and the others' values meanwhile.
VARIED: dict[str, tuple[int, ...]] = {
    "neurons": (100, 316, 1000, 3162, 10_000),
    "batch": (1, 4, 16, 64, 256, 1024),
    "steps": (10, 32, 100, 316, 1000),
}
MEANWHILE = {"neurons": 500, "batch": 16, "steps": 20}
#: The share of an input's neurons that are active in a step, at the spiking level.
ACTIVE = 0.05
#: Slopes, at most: cost grows no faster than linearly.
ASKED = 1.0


def simulation(level: Literal["rate", "spiking"], neurons: int, batch: int, steps: int) -> Callable[[], Any]:
    """A call that simulates a layer of so many neurons that read as many."""
    spiking = level == "spiking"
    lif = NeuronModel(
        "dv/dt = (drive - v)/tau_m : 1\ndrive : 1", threshold="v > 1", reset="v = 0", parameters={"tau_m": "20 ms"}
    )
    neuron = lif if spiking else leaky_rate.build(leaky_rate.Config(tau_m="20 ms"))
    populations = (
        Population("input", neurons, stimulus.build(stimulus.Config())),
        Population("layer", neurons, neuron),
    )
    circuit = Circuit(
        "scaling", populations, (Pathway("W1", "input.r", "layer.drive"),), phases=(Phase("run", f"{steps} ms"),)
    )
    engine = BatchedEngine(circuit, Setting(level, 1e-3, "float32"))
    state = initial_state(circuit, 0, dtype="float32")
    generator = np.random.default_rng(0)
    course = generator.random((steps, batch, neurons), dtype=np.float32)
    # Placed once: how fast the host hands over arrays is not what is measured.
    current = (course < ACTIVE).astype(np.float32) if spiking else course
    placed = engine.placed({**state, "input.r": Stimulus.from_steps(current)}, batch)
    given = {"input.r": placed.pop("input.r")}
    return lambda: engine.run(placed, given, report=("layer.v",), learn=False)


def measure(options: Options) -> Result:
    """Vary one quantity after the other at each level."""
    tables, asked, curves = [], [], []
    for level in ("rate", "spiking"):
        for quantity, values in VARIED.items():
            # Made one at a time and thrown away: the largest weights are a matrix of 10,000 by 10,000.
            seconds = {}
            for value in values:
                call = simulation(level, **{**MEANWHILE, quantity: value})
                call()
                seconds[value] = alternate({"": timed(call)}, options.rounds or ROUNDS).seconds[""]
            rows = tuple(row(f"{value:,} {_plural(quantity)}", taken, 1e3) for value, taken in seconds.items())
            others = ", ".join(f"{v:,} {_plural(n)}" for n, v in MEANWHILE.items() if n != quantity)
            tables.append(Table(f"Time, {level}, {others}", "ms", rows))
            medians = tuple(quartiles(found.values)[1] for found in rows)
            series = {quantity: tuple(map(float, values))}
            if quantity == "neurons":
                series = {"synapses": tuple(float(value) ** 2 for value in values)}
            for name, x in series.items():
                asked.append(Asked(f"slope of time over {_plural(name)}, {level}", ASKED, slope(x, medians), False))
                curves.append(Curve(level, _plural(name), x, medians))
    return Result(
        title=TITLE,
        about="One layer that reads an input of as many neurons, all to all, at the rate level and in spikes (5 % of "
        "the inputs active in a step), float32, forward only, input that changes at every step. Neurons, batch and "
        "steps are varied each by itself. Synapses are the square of the neurons of a layer. A slope of one is linear "
        "growth; less, that small sizes leave something unused.",
        tables=tuple(tables),
        asked=tuple(asked),
        curves=tuple(curves),
        curve_unit="ms",
    )


def _plural(quantity: str) -> str:
    return {"batch": "trials in a batch", "neurons": "neurons a layer"}.get(quantity, quantity)


if __name__ == "__main__":
    sys.exit(alone(measure))
