"""What spikes of all trials do to synapses that the trials share, as text.

Spikes are walked through by the neuron whose synapses they meet, for each neuron in the order of trials: increments are
summed up beside the weights, which all trials read as they were before. Once a neuron's trials are through, the sum or
mean is added and bounds hold. So a neuron's synapses are brought into the cache once, however many trials it spikes in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neurosim.circuit.spike_texts import Side, SpikeText, bounds_of
from neurosim.engines.batched.loop.expressions import Value, literal
from neurosim.engines.batched.loop.junctions import Junction, place_of, walk, walk_back
from neurosim.engines.batched.loop.layout import Names, Needs
from neurosim.engines.batched.loop.lines import ROWS, Lines, alone, block
from neurosim.engines.batched.loop.strikes import Strike, strike
from neurosim.equations.array_code import expression_function

#: So many neurons' increments are kept at a time where their synapses are columns of a matrix.
COLUMNS = 64


@dataclass(frozen=True)
class Spikes:
    """Spikes of one trial, as text.

    Attributes
    ----------
    count
        How many there are.
    which
        The neuron of spike ``a``.
    lag
        How many steps ago they were sent, where only synapses of that delay are meant.
    before
        Lines by which these are found.
    """

    count: str
    which: str
    lag: str | None = None
    before: tuple[str, ...] = ()


def shared_changes(needs: Needs, text: SpikeText | None) -> tuple[str, ...]:
    """What a text changes that all trials share."""
    if text is None or not needs.together:
        return ()
    return tuple(name for name in text.changed if name in _learned(needs, text))


def _learned(needs: Needs, text: SpikeText) -> set[str]:
    own = {qualified for kind, qualified in text.names.values() if kind in ("own", "trace")}
    return {q.rpartition(".")[2] for q in own if q in needs.slots and needs.slots[q].kind == "synapse"}


def struck(names: Names, pathway: str, side: Side, text: SpikeText, spikes: Spikes) -> Lines:
    """The synapses at which there is a spike of one side, in all trials."""
    circuit = names.needs.plan.circuit
    columns = side == "post" and names.needs.wires(pathway) == "rows"
    index, size = ("j", circuit.shape(pathway)[1]) if side == "pre" else ("i", circuit.shape(pathway)[0])
    place = _place(names, pathway, side, spikes.lag)
    kind = "columns" if columns else "more"
    more = {name: f"{names.of(kind, f'{pathway}.{name}')}[{place}]" for name in shared_changes(names.needs, text)}
    found = strike(names, pathway, text, more=more)
    added = _added(names, pathway, more)
    listed = _listed(names, spikes, size, in_order=spikes.lag is None)
    if columns:
        return [*listed, *alone(names, _by_columns(names, pathway, found, added))]
    walked = walk if side == "pre" else walk_back
    lag = {} if spikes.lag is None else {"lag": spikes.lag}
    each = _each_event(index, found, walked(names, pathway, found.each, **lag))
    neuron = block("for b in range(met):", *each, *walked(names, pathway, added, **lag))
    return [*listed, *alone(names, neuron)]


def _place(names: Names, pathway: str, side: Side, lag: str | None) -> str:
    """Where the sum of a synapse's increments is kept, among those of its neuron."""
    kind = names.needs.wires(pathway)
    if kind == "rows":
        return "i" if side == "pre" else "b - part, j"
    if kind == "one":
        return "0"
    if side == "post":
        return f"c - {names.of('begin', pathway)}[i]"
    first = names.of("first", pathway)
    if names.needs.delay(pathway).each is None:
        return f"q - {first}[j]"
    return f"q - {first}[j, {lag}]"


def _listed(names: Names, spikes: Spikes, size: int, *, in_order: bool) -> Lines:
    """The neurons that spike in any trial, and for each the trials in which it does, in order."""
    names.together.add(size)
    first = [] if in_order else block("if head[j] < 0:", "touched[met] = j", "met += 1")
    chained = ["link[events] = head[j]", "whose[events] = k", "head[j] = events", "events += 1"]
    each = block(f"for a in range({spikes.count}):", f"j = {spikes.which}", *first, *chained)
    lines = ["met = 0", "events = 0"]
    lines += block("for k in range(last - 1, first - 1, -1):", ROWS, *spikes.before, *each)
    if in_order:
        lines += block(f"for j in range({size}):", *block("if head[j] >= 0:", "touched[met] = j", "met += 1"))
    return alone(names, lines)


def _each_event(index: str, found: Strike, walked: Lines) -> Lines:
    """What the spikes of a neuron do, trial by trial."""
    trial = ["k = whose[event]", "event = link[event]", ROWS, *found.before, *walked, *found.after]
    begin = [f"{index} = touched[b]", f"event = head[{index}]", f"head[{index}] = -1"]
    return [*begin, *block("while event >= 0:", *trial)]


def _by_columns(names: Names, pathway: str, found: Strike, added: Lines) -> Lines:
    """The synapses of neurons behind a matrix that is kept row by row.

    Increments are summed up column by column, each in one piece, and added row by row.
    """
    n_post, n_pre = names.needs.plan.circuit.shape(pathway)
    part = f"for b in range(part, min(part + {COLUMNS}, met)):"
    inner = block(part, *_each_event("i", found, walk_back(names, pathway, found.each)))
    row = block(part, "i = touched[b]", f"q = j * {n_post} + i", *added)
    return block(f"for part in range(0, met, {COLUMNS}):", *inner, *block(f"for j in range({n_pre}):", *row))


def _added(names: Names, pathway: str, more: Mapping[str, str]) -> Lines:
    """Increments of a synapse are added to what all trials share, and begin anew."""
    lines: Lines = []
    for name, place in more.items():
        share = " / f(last)" if names.needs.plan.circuit.pathway[pathway].reduction == "mean" else ""
        kept = place_of(names, pathway, f"{pathway}.{name}")
        lines += [*_stored(names, pathway, name, kept, f"{kept} + {place}{share}"), f"{place} = 0"]
    return lines


def _stored(names: Names, pathway: str, name: str, kept: str, text: str) -> Lines:
    """Keep a new value, a weight within its bounds."""
    bounds = bounds_of(names.needs.plan.circuit, pathway) if name == "w" else None
    if bounds is None:
        return [f"{kept} = {text}"]
    junction = Junction(names, pathway, "after")
    read = {"w": Value(junction.local(text))}
    for side, bound in zip(("least", "most"), bounds, strict=True):
        read[side] = names.still.read(f"{pathway}.{bound}") if isinstance(bound, str) else literal(bound)
    function = expression_function("within", "clip(w, least, most)")
    within = junction.use(junction.call(function, read)["within"])
    return [*junction.lines, f"{kept} = {within}"]
