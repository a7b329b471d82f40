"""The text of a loop over the steps of a stretch.

Where trials do not meet they are outermost: the state of one fits the cache. Where they share weights that spikes
change, all go through each step together. The order within a step is that of `neurosim.engines.batched.stepping`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.engines.batched.loop import recordings, space, spike_steps, steps
from neurosim.engines.batched.loop.expressions import Still
from neurosim.engines.batched.loop.layout import Names, Needs
from neurosim.engines.batched.loop.lines import ROWS, Lines, StepPart, block, each_neuron, indented, with_rows
from neurosim.engines.batched.loop.neurons import period_of, ready

_HEAD = '''"""A loop over time, made by neurosim from a circuit."""
import math
import numpy as np
from numba import njit
from numpy import inf
from neurosim.engines.batched.loop.scalars import draw_normal, draw_uniform, exprel

f = np.{dtype}
{numbers}


@njit(nogil=True, error_model="numpy", boundscheck=False, cache=KEEP)
def loop({arguments}):
'''
#: What every loop is called with before its arrays.
FIRST = ("first", "last", "begin", "skip", "steps", "dt", "presentations")


@dataclass(frozen=True, eq=False)
class Written:
    """A loop as text.

    Attributes
    ----------
    text
        A module with the function ``loop``.
    needs
        What it reads and changes.
    still
        What does not change in it.
    arguments
        What each array is that it is called with, ``(kind, key)``, in order.
    """

    text: str
    needs: Needs
    still: Still
    arguments: tuple[tuple[str, str], ...]


def write(needs: Needs, shapes: Mapping[str, tuple[int, ...]]) -> Written:
    """The loop of a stretch.

    Parameters
    ----------
    needs
        What it reads and changes.
    shapes
        Of all variables that may be given, of courses without their axis of steps; of inputs of which a part does not
        change also ``<input>|still``.
    """
    names = Names(needs, Still(shapes, double=np.dtype(needs.stretch.dtype) == np.float64))
    parts, begin = _step(names), spike_steps.begin_flights(names)
    end = [*_end_of_trial(names), *spike_steps.end_flights(names)]
    limits = list(steps.limits(names))
    body = (_step_by_step if needs.together else _trial_by_trial)(begin, parts, limits, end)
    given = {name: known for name, known in names.arguments.items() if known[0] not in space.INSIDE}
    extents = names.still.extents
    rows = [name for name, (kind, key) in given.items() if _has_rows(names, kind, key)]
    rows += [name for name in names.still.used if extents[name].trials]
    arguments = [f"{name}_all" if name in rows else name for name in (*given, *names.still.used)]
    made = space.of(names)
    taken = {**{name: f"{name} = {name}_all[k]" for name in rows}, **made.rows}
    if needs.together:
        taken |= {line.partition(" ")[0]: line for line in limits}
    lines = [*made.lines, *with_rows(body, taken)]
    numbers = "\n".join(f"{name} = f({number!r})" for number, name in names.still.numbers.items())
    kind, passed = np.dtype(needs.stretch.dtype).name, ", ".join([*FIRST, *arguments])
    head = _HEAD.format(dtype=kind, numbers=numbers, arguments=passed)
    known = (*given.values(), *(("still", name) for name in names.still.used))
    return Written(head + "\n".join(indented(lines)) + "\n", needs, names.still, known)


def _trial_by_trial(begin: Lines, parts: list[StepPart], limits: Lines, end: Lines) -> Lines:
    """All steps of one trial after the other."""
    step = [*_time("s"), *limits, *(line for part in parts for line in part.lines)]
    last = [*_time("steps - 1"), *limits]
    return _each_trial([*begin, *block("for s in range(steps):", *step), *last, *end])


def _step_by_step(begin: Lines, parts: list[StepPart], _: Lines, end: Lines) -> Lines:
    """All trials of one step after the other; parts of a step that are of single trials, as few loops over these."""
    step = _time("s")
    for together, group in itertools.groupby(parts, key=lambda part: part.together):
        lines = [line for part in group for line in part.lines]
        step += lines if together else _each_trial(lines)
    return [*_each_trial(begin), *block("for s in range(steps):", *step), *_time("steps - 1"), *_each_trial(end)]


def _each_trial(lines: Lines) -> Lines:
    return block("for k in range(first, last):", ROWS, *lines) if lines else []


def _has_rows(names: Names, kind: str, key: str) -> bool:
    """Whether an array has an axis of trials, of which a trial has one row."""
    if kind == "synapses":
        return not (names.needs.together and names.needs.slots[key].kind == "synapse")
    return kind in ("state", "broken") or _of_each_trial(names, kind, key)


def _of_each_trial(names: Names, kind: str, key: str) -> bool:
    """Whether weights that do not change are those of each trial."""
    if kind not in ("weights", "own"):
        return False
    shape = names.still.shapes.get(f"{key}|weights" if kind == "weights" else key, ())
    return len(shape) > len(names.needs.plan.circuit.weights_shape(key.partition(".")[0]))


def _step(names: Names) -> list[StepPart]:
    """One step."""
    needs, spiking = names.needs, names.needs.stretch.spiking
    begin = [*steps.refractoriness(names), *steps.inputs(names), *recordings.begun(names)]
    synapses = [*spike_steps.traces(names), *spike_steps.sent_on(names)]
    moved = [line for population in needs.populations for line in steps.update(names, population)]
    listed = [line for population in spiking for line in steps.spikes(names, population)]
    listed += recordings.spiked(names)
    arrived = spike_steps.travel(names)
    ended = [*(line for population in spiking for line in steps.reset(names, population)), *steps.watch(names)]
    begun = [*begin, *synapses, *steps.draws(names, ("advance", "threshold")), *moved, *listed]
    return [StepPart([*begun, *space.kept(names)]), *arrived, StepPart([*steps.draws(names, ("reset",)), *ended])]


def _time(step: str) -> list[str]:
    return [f"number = np.int32(begin + {step})", f"t = np.float64(begin + {step}) * dt"]


def _end_of_trial(names: Names) -> list[str]:
    """Which neurons are past their refractory period after the last step, where no step needs to keep that."""
    lines: list[str] = []
    for population in names.needs.stretch.spiking:
        if names.needs.refractory(population) and period_of(names, population) is not None:
            flag = f"{names.of('state', f'{population}.not_refractory')}[i]"
            lines += each_neuron(names, population, f"{flag} = {ready(names, population, 'i').text}")
    return lines
