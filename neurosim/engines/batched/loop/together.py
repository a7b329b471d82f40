"""What spikes of all trials do to synapses that the trials share, as text.

Spikes are walked through by the neuron whose synapses they meet, for each neuron in the order of trials: increments are
summed up beside the weights, which all trials read as they were before. Once a neuron's trials are through, the sum or
mean is added and bounds hold. So a neuron's synapses are brought into the cache once, however many trials it spikes in.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.circuit.spike_texts import Side, SpikeText, bounds_of
from neurosim.engines.batched.loop.expressions import Value, literal
from neurosim.engines.batched.loop.junctions import Junction, place_of, walk, walk_back
from neurosim.engines.batched.loop.layout import Names, Needs
from neurosim.engines.batched.loop.lines import ROWS, Lines, alone, block
from neurosim.engines.batched.loop.strikes import Adding, Strike, strike
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
    circuit, shared = names.needs.plan.circuit, shared_changes(names.needs, text)
    columns = side == "post" and names.needs.wires(pathway) == "rows"
    index, size = ("j", circuit.shape(pathway)[1]) if side == "pre" else ("i", circuit.shape(pathway)[0])
    place, kind = _place(names, pathway, side, spikes.lag), "columns" if columns else "more"
    more = {name: f"{names.of(kind, f'{pathway}.{name}')}[{place}]" for name in shared}
    summed = strike(names, pathway, text, more={name: _sum(at) for name, at in more.items()})
    added = [line for name, at in more.items() for line in [*_add(names, pathway, name)(at), f"{at} = 0"]]
    listed = _listed(names, spikes, size, in_order=columns)
    if columns:
        return [*listed, *alone(names, _by_columns(names, pathway, summed, added))]
    # Most neurons spike in one trial of a step: its increments need no sum.
    single = strike(names, pathway, text, more={name: _add(names, pathway, name) for name in shared})

    def walked(inner: Lines) -> Lines:
        return walk(names, pathway, inner, lag=spikes.lag) if side == "pre" else walk_back(names, pathway, inner)

    one = block("if link[event] < 0:", *_event(single, walked(single.each)))
    several = block("else:", *_events(summed, walked(summed.each)), *walked(added))
    return [*listed, *alone(names, block("for b in range(met):", *_first(index), *one, *several))]


def _sum(place: str) -> Adding:
    return lambda text: [f"{place} += {text}"]


def _add(names: Names, pathway: str, name: str) -> Adding:
    """Add an increment, or a sum of them, to what all trials share, a weight within its bounds."""
    share = " * share" if names.needs.plan.circuit.pathway[pathway].reduction == "mean" else ""
    kept = place_of(names, pathway, f"{pathway}.{name}")
    return lambda text: _stored(names, pathway, name, kept, f"{kept} + ({text}){share}")


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


def _first(index: str) -> Lines:
    """The next neuron, and its first spike."""
    return [f"{index} = touched[b]", f"event = head[{index}]", f"head[{index}] = -1"]


def _event(hit: Strike, walked: Lines) -> Lines:
    """What a spike of a neuron does."""
    return ["k = whose[event]", ROWS, *hit.before, *walked, *hit.after]


def _events(hit: Strike, walked: Lines) -> Lines:
    """What the spikes of a neuron do, trial by trial."""
    return block("while event >= 0:", *_event(hit, walked), "event = link[event]")


def _by_columns(names: Names, pathway: str, hit: Strike, added: Lines) -> Lines:
    """The synapses of neurons behind a matrix that is kept row by row.

    Increments are summed up column by column, each in one piece, and added row by row.
    """
    n_post, n_pre = names.needs.plan.circuit.shape(pathway)
    part = f"for b in range(part, min(part + {COLUMNS}, met)):"
    inner = block(part, *_first("i"), *_events(hit, walk_back(names, pathway, hit.each)))
    row = block(part, "i = touched[b]", f"q = j * {n_post} + i", *added)
    return block(f"for part in range(0, met, {COLUMNS}):", *inner, *block(f"for j in range({n_pre}):", *row))


def _stored(names: Names, pathway: str, name: str, kept: str, text: str) -> Lines:
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
