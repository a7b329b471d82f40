"""A presentation whose stretches run in loops of their own, called as ordinary functions between programs of XLA.

The presentation is the one that XLA compiles as a whole for other circuits. Here it is cut at each stretch: a program
computes what the stretch begins with, the loop runs, and the next program goes on from what it reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.circuit.moments import BEGINNING, PHASE_END, STEP, acting, waiting
from neurosim.circuit.plan import plan
from neurosim.circuit.wiring import Wiring
from neurosim.engines.batched.batch import Arrays, Batch, Outcome, Request
from neurosim.engines.batched.compiled import one_batch
from neurosim.engines.batched.hoisting import prepare
from neurosim.engines.batched.host.program import program
from neurosim.engines.batched.loop import eligible
from neurosim.engines.batched.loop.layout import Needs
from neurosim.engines.batched.loop.run import NotShared, at_synapses, run
from neurosim.engines.batched.loop.text import Written, write
from neurosim.engines.batched.presentation import Reached, live_in, reached, stretch_of
from neurosim.engines.batched.sampling import taken
from neurosim.engines.batched.step_draws import DRAWS
from neurosim.engines.batched.stepping import carried, moment_of
from neurosim.engines.batched.stretch import Fixed, Stretch
from neurosim.engines.batched.weights import weights_of
from neurosim.engines.own_weights import with_trials

#: The moments of rules that are known here; a circuit with another runs in XLA as a whole.
MOMENTS = (BEGINNING, STEP, PHASE_END)


def stretches(request: Request, batch: Batch) -> list[Stretch]:
    """The stretches of a presentation, one for each phase."""
    graph = plan(request.circuit)
    live = live_in(request)
    return [stretch_of(graph, request, batch, phase, live[phase.name]) for phase in request.run]


def serves(request: Request, batch: Batch) -> bool:
    """Whether a presentation runs here."""
    if request.setting.steady or not eligible.available():
        return False
    return any(map(eligible.worthwhile, stretches(request, batch))) and not reasons(request, batch)


def reasons(request: Request, batch: Batch) -> list[str]:
    """Why a presentation runs in XLA as a whole; empty if it can run here."""
    sentences = ["weights have noise of their own in each trial"] if request.circuit.perturbed else []
    sentences += [f"'{name}' is given as events" for name, course in batch.courses.items() if course.dtype.kind == "i"]
    if request.own_weights:
        sentences += _of_own_weights(request, batch)
    for pathway in acting(request.circuit, request.run, learn=request.learn):
        unknown = (moment for moment in pathway.synapse.moments if moment not in MOMENTS)
        sentences += [f"the rule of '{pathway.name}' acts {moment.phrase}" for moment in unknown]
        if pathway.synapse.oracle is not None and pathway.synapse.oracle.reads_gradient:
            sentences.append(f"the rule of '{pathway.name}' reads the gradient of the loss")
    for stretch in stretches(request, batch):
        sentences += eligible.reasons(Needs(stretch, frozenset(batch.courses), own=request.own_weights))
    return list(dict.fromkeys(sentences))


def _of_own_weights(request: Request, batch: Batch) -> Iterator[str]:
    """Why trials with weights of their own cannot run here: only the loops know of them, no program between them."""
    circuit = request.circuit
    rules = acting(circuit, request.run, BEGINNING, request.learn)
    rules += waiting(circuit, request.run, request.learn)
    if rules:
        yield f"a rule of '{rules[0].name}' acts between phases, on weights of each trial"
    own = {name.partition(".")[0] for name in with_trials(circuit, batch.values)}
    own |= {name for stretch in stretches(request, batch) for name in stretch.changing}
    for pathway in circuit.pathways:
        if circuit.owner(pathway.name) in own and not pathway.at_spikes:
            yield f"what '{pathway.name}' delivers is a sum over weights of each trial"
        if pathway.derived is not None and own:
            yield f"the weights of '{pathway.name}' follow from those of each trial"


def present(request: Request, batch: Batch) -> Outcome:
    """Present one batch, as `run_batch` does."""
    done: list[Arrays] = []
    recordings: dict[str, list[np.ndarray]] = {}
    # Programs read of courses only what they are at the ends of phases.
    given = replace(batch, courses=_last_of_phases(request, batch))
    for _ in request.run:
        begun = jax.device_get(_begun(given, tuple(done), request=request))
        try:
            after, recorded = run(begun.written, begun.arrays, begun.state, batch, int(begun.first))
        except NotShared:
            after, recorded = run(begun.apart, begun.arrays, begun.state, batch, int(begun.first))
        done.append(after)
        for name, course in recorded.items():
            recordings.setdefault(name, []).append(course)
    outcome = jax.device_get(_ended(given, tuple(done), request=request))
    rare = {one.text for one in request.record if one.every > 1}
    return replace(outcome, recordings={text: _joined(parts, text in rare) for text, parts in recordings.items()})


def _joined(parts: list[np.ndarray], rare: bool) -> Any:
    """A recording of all phases: one array where there is a sample at every step, else one for each phase."""
    if rare:
        return tuple(parts)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _last_of_phases(request: Request, batch: Batch) -> Arrays:
    """Courses at the last step of each phase."""
    steps = np.cumsum([phase.steps(request.setting.dt) for phase in request.run])
    return {name: np.asarray(course)[steps - 1] for name, course in batch.courses.items()}


@dataclass(frozen=True)
class Begun:
    """What a stretch begins with.

    Attributes
    ----------
    arrays
        What does not change in it, by name, and the weights of pathways as ``<pathway>|weights``.
    state
        What does.
    first
        The number of its first step.
    written
        Its loop.
    apart
        The same with a number for each synapse of what synapses of a neuron may share, but do not from the beginning.
    """

    arrays: Arrays
    state: Arrays
    first: Any
    written: Written
    apart: Written


jax.tree_util.register_dataclass(Begun, data_fields=["arrays", "state", "first"], meta_fields=["written", "apart"])


class _Cut(Exception):
    """Ends a presentation where a stretch begins."""

    def __init__(self, begun: Begun) -> None:
        super().__init__()
        self.begun = begun


@program()
def _begun(batch: Batch, done: tuple[Arrays, ...], *, request: Request) -> Begun:
    """What the stretch after those that are done begins with."""
    finished = _Finished(done)

    def run_or_cut(stretch: Stretch, batch: Batch, fixed: Fixed, step: int) -> Reached:
        if finished.count < len(done):
            return finished.run(stretch, batch, fixed, step)
        raise _Cut(_beginning(stretch, fixed, batch.courses, batch.begin + step, own=request.own_weights))

    try:
        one_batch(request, batch, run_or_cut)
    except _Cut as cut:
        return cut.begun
    raise AssertionError("a presentation has a stretch for each phase")


@program()
def _ended(batch: Batch, done: tuple[Arrays, ...], *, request: Request) -> Outcome:
    """What a presentation gives whose stretches are done."""
    return one_batch(request, batch, _Finished(done).run)


class _Finished:
    """Stretches that are done, in order."""

    def __init__(self, done: tuple[Arrays, ...]) -> None:
        self.done, self.count = done, 0

    def run(self, stretch: Stretch, batch: Batch, fixed: Fixed, step: int) -> Reached:
        """Where the next of them ended."""
        after = dict(at_synapses(stretch, *each) for each in self.done[self.count].items())
        last = {name: moment_of(stretch, name, course[self.count], None) for name, course in batch.courses.items()}
        self.count += 1
        ended = reached(stretch, fixed, {**last, **after}, batch.begin + step + stretch.steps - 1)
        return replace(ended, after=after)


def _beginning(stretch: Stretch, start: Fixed, courses: Mapping[str, Any], first: Any, *, own: bool) -> Begun:
    """What a stretch begins with, and its text: both follow from the shapes of what is given."""
    needs = Needs(stretch, frozenset(courses), own=own)
    state = carried(stretch, start.values)
    # What is large and the same in all trials is spread over them where it is kept.
    large = [slot for slot in needs.slots.values() if slot.kind in ("trace", "flight")]
    state |= {slot.name: jnp.asarray(start.values.get(slot.name, slot.start), stretch.dtype) for slot in large}
    still = {name: value for name, value in start.values.items() if name not in state and name not in courses}
    fixed = prepare(stretch, replace(start, values=still), changing=needs.moving)
    known = {name: value for name, value in fixed.values.items() if name != DRAWS}
    known |= {"dt": jnp.asarray(stretch.dt, stretch.dtype)}
    known |= {f"{name}|still": total for name, total in fixed.prepared.sums.items()}
    shapes = {name: jnp.shape(value) for name, value in known.items()}
    shapes |= {name: jnp.shape(course)[1:] for name, course in courses.items()}
    weights = {f"{name}|weights": _weights(needs.plan.circuit, name, start) for name in needs.walked}
    shapes |= {name: jnp.shape(array) for name, array in weights.items()}
    written, apart = (write(replace(needs, sharing=sharing), shapes) for sharing in (True, False))
    arrays = {name: known[name] for name in (*written.still.given, *apart.still.given)}
    arrays |= weights
    read = {key for each in (written, apart) for kind, key in each.arguments if kind == "own"}
    arrays |= {f"{name}|own": start.values[name] for name in read}
    now = fixed.snapshot(stretch.plan, fixed.values)
    unmoved = [one for one in stretch.record if not one.spikes and not needs.changes(one.name)]
    arrays |= {f"{one.text}|still": taken(stretch, one, now, {}) for one in unmoved}
    return Begun(arrays, state, first, written, apart)


def _weights(circuit: Wiring, pathway: str, start: Fixed) -> Any:
    """The weights that a pathway delivers by, in the shape of its own."""
    matrix, tie = weights_of(circuit, pathway, start.values, start.weights), circuit.pathway[pathway].tie
    return matrix.T if tie is not None and tie.transposed and jnp.ndim(matrix) > 1 else matrix
