"""What spikes and synapses do within a step, as text: traces, spikes under way, texts at spikes."""

from __future__ import annotations

from collections.abc import Mapping

from neurosim.circuit.spike_texts import SpikeText, is_plain, spike_text, trace_steps, under_way
from neurosim.engines.batched.loop.junctions import Junction, stores, walk, walk_back, weight_of
from neurosim.engines.batched.loop.layout import Names
from neurosim.engines.batched.loop.lines import Lines, alone, block, each_neuron
from neurosim.engines.batched.loop.neurons import Neuron, ready
from neurosim.engines.slots import flight

#: At most so many sums are kept of what is under way in a pathway: half a gigabyte in float64.
_CELLS = 1 << 26


def traces(names: Names) -> Lines:
    """Traces one step on, from the beginning of the step; those that a neuron's synapses share, once for the neuron."""
    lines: Lines = []
    circuit = names.needs.plan.circuit
    for pathway in names.needs.stretch.synapses:
        steps = trace_steps(circuit, pathway)
        if steps is None:
            continue
        n_post, n_pre = circuit.shape(pathway)
        shared = names.needs.shared_traces(pathway)
        for side, head in (("pre", f"for j in range({n_pre}):"), ("post", f"for i in range({n_post}):"), (None, "")):
            mine = [name for name in steps.returns if shared.get(name) == side]
            if not mine:
                continue
            junction = Junction(names, pathway, "start")
            found = junction.function(steps.function, steps.names)
            texts = {name: junction.local(junction.use(found[name])) for name in mine}
            kept = stores(names, pathway, {f"{pathway}.{name}": text for name, text in texts.items()})
            inner = [*junction.lines, *kept]
            if side is None:
                inner, head = walk(names, pathway, inner), f"for j in range({n_pre}):"
            lines += alone(names, block(head, *inner))
    return lines


def travel(names: Names) -> Lines:
    """Spikes act where they arrive: those of each pathway in turn, then those of the neurons behind synapses."""
    lines: Lines = []
    for pathway in names.needs.struck:
        lines += _arriving(names, pathway, _at_arrival(names, pathway))
    for pathway in names.needs.plan.circuit.pathways:
        text = _text(names, pathway.name, "post")
        if text is not None:
            lines += _behind(names, pathway.name, pathway.post, text)
    return lines


def _text(names: Names, pathway: str, side: str) -> SpikeText | None:
    stretch = names.needs.stretch
    learning = pathway in stretch.struck
    circuit = stretch.plan.circuit
    if side == "pre":
        return spike_text(circuit, pathway, "pre", learning=learning, bounded=learning)
    return spike_text(circuit, pathway, "post", learning=learning, bounded=learning)


class _Strike:
    """What happens in the synapses of one spiking neuron.

    Attributes
    ----------
    before
        Lines for the neuron, before its synapses.
    each
        Lines for each synapse.
    after
        Lines for the neuron, after its synapses.
    """

    def __init__(self, before: Lines, each: Lines, after: Lines) -> None:
        self.before, self.each, self.after = before, each, after


def _at_arrival(names: Names, pathway: str) -> _Strike | None:
    """What a spike does to the synapses of its sender."""
    circuit = names.needs.plan.circuit
    target = circuit.pathway[pathway].target
    if is_plain(circuit, pathway):
        return _Strike([], _delivered(names, target, weight_of(names, pathway)), [])
    text = _text(names, pathway, "pre")
    return None if text is None else _strike(names, pathway, text)


def _strike(names: Names, pathway: str, text: SpikeText) -> _Strike:
    shared = {name: s for name, s in names.needs.shared_traces(pathway).items() if name in text.changed}
    junction = Junction(names, pathway, "after")
    found = junction.function(text.function, text.names)
    mine = [name for name in text.changed if name not in shared]
    delivered = [found[name] for name in text.function.returns[len(text.changed) :]]
    kept = {f"{pathway}.{name}": junction.local(junction.use(found[name])) for name in mine}
    arriving = [junction.local(junction.use(value)) for value in delivered]
    each = [*junction.lines, *stores(names, pathway, kept)]
    for target, name in zip(text.targets, arriving, strict=True):
        each += _delivered(names, target, name)
    before, after = _of_neuron(names, pathway, text, shared)
    return _Strike(before, each, after)


def _of_neuron(names: Names, pathway: str, text: SpikeText, shared: Mapping[str, str]) -> tuple[Lines, Lines]:
    """The new values of traces that all synapses of the neuron share: computed before they change, kept after all."""
    if not shared:
        return [], []
    junction = Junction(names, pathway, "after")
    found = junction.function(text.function, text.names)
    kept = {f"{pathway}.{name}": junction.local(junction.use(found[name])) for name in shared}
    return junction.lines, stores(names, pathway, kept)


def _delivered(names: Names, target: str, text: str) -> Lines:
    """Add to a state variable of neuron ``i``, unless refractoriness clamps it."""
    population, _, variable = target.partition(".")
    line = f"{names.of('state', target)}[i] += {text}"
    equation = names.needs.plan.models[population].equation_set.by_name[variable]
    if "unless refractory" not in equation.flags or f"{population}.not_refractory" not in names.needs.state:
        return [line]
    # After its spike a neuron is not ready: its last step is this one, and periods are a step at least.
    return block(f"if {ready(names, population, 'i').text}:", line)


def _arriving(names: Names, pathway: str, strike: _Strike | None) -> Lines:
    """The spikes of a pathway that arrive in this step, those of this step having been sent."""
    needs = names.needs
    number, delay = names.number(needs.plan.circuit.pathway[pathway].pre), needs.delay(pathway)
    spikes = (f"count{number}", f"which{number}[a]")
    if delay.depth == 0 and delay.each is None:
        return [] if strike is None else _over(names, pathway, strike, spikes)
    name, depth = names.of("sent", pathway), delay.depth
    k = name[4:]
    sent = [
        f"place{k} = s % {depth + 1}",
        f"counts{k}[place{k}] = count{number}",
        *alone(names, block(f"for a in range(count{number}):", f"{name}[place{k}, a] = which{number}[a]")),
    ]
    if strike is None:
        return sent
    if summed_in_flight(names, pathway):
        return [*sent, *_summed(names, pathway, f"place{k}", spikes)]
    late = (f"counts{k}[from{k}]", f"{name}[from{k}, a]")
    if delay.each is None:
        return [*sent, f"from{k} = (place{k} + 1) % {depth + 1}", *_over(names, pathway, strike, late)]
    inner = _over(names, pathway, strike, late, lag=f"lag{k}")
    back = f"from{k} = (place{k} - lag{k}) % {depth + 1}"
    return [*sent, *block(f"for lag{k} in range({depth + 1}):", back, *inner)]


def summed_in_flight(names: Names, pathway: str) -> bool:
    """Whether what is under way is kept as sums, by receiver and step of arrival.

    That is right where a spike delivers a weight that does not change, and walks through a sender's synapses once
    instead of once for each delay.
    """
    delay, circuit = names.needs.delay(pathway), names.needs.plan.circuit
    if delay.each is None or not is_plain(circuit, pathway) or f"{pathway}.w" in names.needs.state:
        return False
    return (delay.depth + 1) * circuit.shape(pathway)[0] <= _CELLS


def _summed(names: Names, pathway: str, place: str, spikes: tuple[str, str]) -> Lines:
    """The spikes of this step are summed up for the steps in which they arrive; those that are due arrive."""
    sums, found = names.of("sums", pathway), names.needs.plan.circuit.pathway[pathway]
    size, depth, (count, which) = names.size(found.post), names.needs.delay(pathway).depth, spikes
    end = f"np.uint64({size * (depth + 1)})"
    cell = [f"c = base + {names.of('cell', pathway)}[q]", *block(f"if c >= {end}:", f"c -= {end}")]
    rows = walk(names, pathway, [*cell, f"{sums}[c] += {weight_of(names, pathway)}"])
    due = f"due{sums[4:]}"
    lines = [f"base = np.uint64({place} * {size})", *block(f"for a in range({count}):", f"j = {which}", *rows)]
    arrive = [*_delivered(names, found.target, f"{due}[i]"), f"{due}[i] = 0"]
    return [
        *alone(names, lines),
        f"{due} = {sums}[{place} * {size} : {place} * {size} + {size}]",
        *each_neuron(names, found.post, *arrive),
    ]


def _sums_under_way(names: Names) -> Lines:
    """Sums of what is under way when a trial begins, in the order in which it was sent."""
    lines: Lines = []
    for pathway in filter(lambda each: summed_in_flight(names, each), names.needs.struck):
        depth, sums = names.needs.delay(pathway).depth, names.of("sums", pathway)
        size, senders = names.needs.plan.circuit.shape(pathway)
        lines.append(f"{sums}[:] = 0")
        if depth:
            row, cell = names.of("state", flight(pathway, "spikes")), f"{names.of('cell', pathway)}[q]"
            past = f"np.uint64(d * {size})"
            kept = f"{sums}[{cell} - {past}] += {weight_of(names, pathway)}"
            rows = walk(names, pathway, block(f"if {cell} >= {past}:", kept))
            sent = block(f"for j in range({senders}):", *block(f"if {row}[d - 1, j] != 0:", *rows))
            lines += alone(names, block(f"for d in range({depth}, 0, -1):", *sent))
    return lines


def _over(names: Names, pathway: str, strike: _Strike, spikes: tuple[str, str], *, lag: str | None = None) -> Lines:
    count, which = spikes
    rows = walk(names, pathway, strike.each, lag=lag) if strike.each else []
    return alone(names, block(f"for a in range({count}):", f"j = {which}", *strike.before, *rows, *strike.after))


def _behind(names: Names, pathway: str, population: str, text: SpikeText) -> Lines:
    """What the spikes of the neurons behind do to their synapses."""
    number, strike = names.number(population), _strike(names, pathway, text)
    columns = walk_back(names, pathway, strike.each) if strike.each else []
    head = f"for a in range(count{number}):"
    return alone(names, block(head, f"i = which{number}[a]", *strike.before, *columns, *strike.after))


def sent_on(names: Names) -> Lines:
    """What delayed pathways without spikes send, from the beginning of the step, in place of what has just arrived."""
    lines: Lines = []
    for pathway, variable, depth in _rings(names):
        population = names.needs.plan.circuit.pathway[pathway].pre
        neuron = Neuron(names, population)
        value = neuron.use(neuron.read(f"{population}.{variable}"))
        ring = names.of("ring", flight(pathway, variable))
        lines += each_neuron(names, population, *neuron.lines, f"{ring}[s % {depth}, i] = {value}")
    return lines


def _rings(names: Names) -> list[tuple[str, str, int]]:
    """Delayed pathways without spikes, what they read of their source, and their longest delay."""
    circuit = names.needs.plan.circuit
    delayed = [p.name for p in circuit.pathways if not p.at_spikes and p.delay is not None]
    return [(p, v, names.needs.delay(p).depth) for p in delayed for v in under_way(circuit, p)]


def begin_flights(names: Names) -> Lines:
    """What is under way when a trial begins: of spikes as lists, of what is graded the newest last."""
    lines: Lines = []
    for pathway, variable, depth in _rings(names):
        name = flight(pathway, variable)
        ring, row = names.of("ring", name), names.of("state", name)
        lines += alone(names, block(f"for d in range({depth}):", f"{ring}[{depth - 1} - d, :] = {row}[d, :]"))
    for pathway, depth in _flights(names):
        name, size = names.of("sent", pathway), names.needs.plan.circuit.shape(pathway)[1]
        k, row = name[4:], names.of("state", flight(pathway, "spikes"))
        found = block(f"if {row}[d, j] != 0:", f"{name}[{depth} - d, c] = j", "c += 1")
        inner = ["c = 0", *block(f"for j in range({size}):", *found), f"counts{k}[{depth} - d] = c"]
        lines += [f"counts{k}[0] = 0", *alone(names, block(f"for d in range({depth}):", *inner))]
    return [*lines, *_sums_under_way(names)]


def end_flights(names: Names) -> Lines:
    """What is under way when a trial ends, newest first."""
    lines: Lines = []
    for pathway, variable, depth in _rings(names):
        name = flight(pathway, variable)
        ring, row = names.of("ring", name), names.of("state", name)
        store = f"{row}[d, :] = {ring}[(steps - 1 - d) % {depth}, :]"
        lines += alone(names, block(f"for d in range({depth}):", store))
    for pathway, depth in _flights(names):
        name = names.of("sent", pathway)
        k, row = name[4:], names.of("state", flight(pathway, "spikes"))
        inner = [f"{row}[d, :] = 0", f"b = (steps - 1 - d) % {depth + 1}"]
        inner += block(f"for a in range(counts{k}[b]):", f"{row}[d, {name}[b, a]] = 1")
        lines += alone(names, block(f"for d in range({depth}):", *inner))
    return lines


def _flights(names: Names) -> list[tuple[str, int]]:
    found = [(pathway, names.needs.delay(pathway).depth) for pathway in names.needs.struck]
    return [(pathway, depth) for pathway, depth in found if depth]
