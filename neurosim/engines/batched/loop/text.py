"""The text of a loop over the steps of a stretch.

Trials are outermost: they do not meet, and the state of one fits the cache. The order within a step is that of
`neurosim.engines.batched.stepping`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.engines.batched.loop import recordings, spike_steps, steps
from neurosim.engines.batched.loop.expressions import Still
from neurosim.engines.batched.loop.layout import Names, Needs
from neurosim.engines.batched.loop.lines import block, each_neuron, indented
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
#: Arrays that each block of trials works in.
_INSIDE = ("buffer", "sent", "sums", "ring")
#: Arrays with an axis of trials, of which a trial has one row.
_ROWS = ("state", "synapses", "broken")


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
    step, begin = _step(names), spike_steps.begin_flights(names)
    end = [*_end_of_trial(names), *spike_steps.end_flights(names)]
    given = {name: known for name, known in names.arguments.items() if known[0] not in _INSIDE}
    extents = names.still.extents
    rows = [name for name, (kind, key) in given.items() if kind in _ROWS or _each_trial(names, kind, key)]
    rows += [name for name in names.still.used if extents[name].trials]
    arguments = [f"{name}_all" if name in rows else name for name in (*given, *names.still.used)]
    trial = [*(f"{name} = {name}_all[k]" for name in rows), *begin, *block("for s in range(steps):", *step), *end]
    body = [*_space(names), *block("for k in range(first, last):", *trial)]
    numbers = "\n".join(f"{name} = f({number!r})" for number, name in names.still.numbers.items())
    kind, passed = np.dtype(needs.stretch.dtype).name, ", ".join([*FIRST, *arguments])
    head = _HEAD.format(dtype=kind, numbers=numbers, arguments=passed)
    known = (*given.values(), *(("still", name) for name in names.still.used))
    return Written(head + "\n".join(indented(body)) + "\n", needs, names.still, known)


def _each_trial(names: Names, kind: str, key: str) -> bool:
    """Whether weights that do not change are those of each trial."""
    if kind not in ("weights", "own"):
        return False
    shape = names.still.shapes.get(f"{key}|weights" if kind == "weights" else key, ())
    return len(shape) > len(names.needs.plan.circuit.weights_shape(key.partition(".")[0]))


def _step(names: Names) -> list[str]:
    """One step of a trial."""
    needs, spiking = names.needs, names.needs.stretch.spiking
    begin = [*steps.refractoriness(names), *steps.inputs(names), *recordings.begun(names)]
    synapses = [*spike_steps.traces(names), *spike_steps.sent_on(names)]
    moved = [line for population in needs.populations for line in steps.update(names, population)]
    listed = [line for population in spiking for line in steps.spikes(names, population)]
    listed += recordings.spiked(names)
    arrived = spike_steps.travel(names)
    ended = [*(line for population in spiking for line in steps.reset(names, population)), *steps.watch(names)]
    return [
        *_time(names, "s"),
        *begin,
        *synapses,
        *steps.draws(names, ("advance", "threshold")),
        *moved,
        *listed,
        *arrived,
        *steps.draws(names, ("reset",)),
        *ended,
    ]


def _time(names: Names, step: str) -> list[str]:
    return [f"number = np.int32(begin + {step})", f"t = np.float64(begin + {step}) * dt", *steps.limits(names)]


def _end_of_trial(names: Names) -> list[str]:
    """Which neurons are past their refractory period after the last step, where no step needs to keep that."""
    lines: list[str] = []
    for population in names.needs.stretch.spiking:
        if names.needs.refractory(population) and period_of(names, population) is not None:
            flag = f"{names.of('state', f'{population}.not_refractory')}[i]"
            lines += each_neuron(names, population, f"{flag} = {ready(names, population, 'i').text}")
    return [*_time(names, "steps - 1"), *lines] if lines else []


def _space(names: Names) -> list[str]:
    """Arrays that each block of trials works in."""
    lines = [
        f"{array} = np.empty({names.size(key.split('.')[0])}, np.float32)" for key, (array, _) in names.draws.items()
    ]
    for name, (kind, key) in names.arguments.items():
        if kind == "buffer":
            lines.append(f"{name} = np.empty({names.size(key.split('.')[0])}, f)")
        elif kind == "ring":
            depth, size = names.needs.slots[key].shape
            lines.append(f"{name} = np.empty(({depth}, {size}), f)")
        elif kind == "sums":
            depth, size = names.needs.delay(key).depth + 1, names.needs.plan.circuit.shape(key)[0]
            lines.append(f"{name} = np.empty({depth * size}, f)")
        elif kind == "sent":
            depth, size = names.needs.delay(key).depth + 1, names.needs.plan.circuit.shape(key)[1]
            lines.append(f"{name} = np.empty(({depth}, {size}), np.uint32)")
            lines.append(f"counts{name[4:]} = np.zeros({depth}, np.int64)")
    for population in names.needs.stretch.spiking:
        number, size = names.number(population), names.size(population)
        lines += [
            f"spiked{number} = np.zeros({size + -size % 8}, np.uint8)",
            f"words{number} = spiked{number}.view(np.uint64)",
            f"which{number} = np.empty({size}, np.uint32)",
        ]
    return lines
