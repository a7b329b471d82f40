"""What spikes and synapses do within a step, as text: traces, spikes under way, texts at spikes."""

from __future__ import annotations

from dataclasses import replace

from neurosim.circuit.spike_texts import SpikeText, is_plain, trace_steps, under_way
from neurosim.engines.batched.loop import together
from neurosim.engines.batched.loop.junctions import Junction, stores, walk, walk_back, weight_of
from neurosim.engines.batched.loop.layout import Names
from neurosim.engines.batched.loop.lines import Lines, StepPart, alone, block, each_neuron
from neurosim.engines.batched.loop.neurons import Neuron
from neurosim.engines.batched.loop.strikes import Strike, at_arrival, delivered, strike, text_of
from neurosim.engines.batched.loop.together import Spikes
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
            computed = junction.function(steps.function, steps.names)
            texts = {name: junction.local(junction.use(computed[name])) for name in mine}
            kept = stores(names, pathway, {f"{pathway}.{name}": text for name, text in texts.items()})
            inner = [*junction.lines, *kept]
            if side is None:
                inner, head = walk(names, pathway, inner), f"for j in range({n_pre}):"
            lines += alone(names, block(head, *inner))
    return lines


def travel(names: Names) -> list[StepPart]:
    """Spikes act where they arrive: those of each pathway in turn, then those of the neurons behind synapses."""
    parts: list[StepPart] = []
    for pathway in names.needs.struck:
        parts += _arriving(names, pathway)
    for pathway in names.needs.plan.circuit.pathways:
        text = text_of(names.needs, pathway.name, "post")
        if text is not None:
            parts.append(_behind(names, pathway.name, pathway.post, text))
    return parts


def _arriving(names: Names, pathway: str) -> list[StepPart]:
    """The spikes of a pathway that arrive in this step, those of this step having been sent."""
    needs = names.needs
    number, delay = names.number(needs.plan.circuit.pathway[pathway].pre), needs.delay(pathway)
    hit = at_arrival(names, pathway)
    spikes = Spikes(f"count{number}", f"which{number}[a]")
    if delay.depth == 0 and delay.each is None:
        return [] if hit is None else [_struck(names, pathway, hit, spikes)]
    name, depth = names.of("sent", pathway), delay.depth
    k = name[4:]
    place = f"place{k} = s % {depth + 1}"
    sent = StepPart(
        [
            place,
            f"counts{k}[place{k}] = count{number}",
            *alone(names, block(f"for a in range(count{number}):", f"{name}[place{k}, a] = which{number}[a]")),
        ]
    )
    if hit is None:
        return [sent]
    if summed_in_flight(names, pathway):
        return [sent, StepPart(_summed(names, pathway, f"place{k}", spikes))]
    late = Spikes(f"counts{k}[from{k}]", f"{name}[from{k}, a]", before=(place,))
    if delay.each is None:
        begin = f"from{k} = (place{k} + 1) % {depth + 1}"
        return [sent, _struck(names, pathway, hit, replace(late, before=(place, begin)))]
    lag, back = f"lag{k}", f"from{k} = (place{k} - lag{k}) % {depth + 1}"
    part = _struck(names, pathway, hit, replace(late, lag=lag, before=(place, back)))
    return [sent, StepPart(block(f"for {lag} in range({depth + 1}):", *part.lines), part.together)]


def _struck(names: Names, pathway: str, hit: Strike, spikes: Spikes) -> StepPart:
    """What spikes do to the synapses of their senders, in each trial or in all."""
    text = text_of(names.needs, pathway, "pre")
    if text is not None and together.shared_changes(names.needs, text):
        return StepPart(together.struck(names, pathway, "pre", text, spikes), together=True)
    rows = walk(names, pathway, hit.each, lag=spikes.lag) if hit.each else []
    each = block(f"for a in range({spikes.count}):", f"j = {spikes.which}", *hit.before, *rows, *hit.after)
    return StepPart([*spikes.before, *alone(names, each)])


def _behind(names: Names, pathway: str, population: str, text: SpikeText) -> StepPart:
    """What the spikes of the neurons behind do to their synapses."""
    number = names.number(population)
    if together.shared_changes(names.needs, text):
        spikes = Spikes(f"count{number}", f"which{number}[a]")
        return StepPart(together.struck(names, pathway, "post", text, spikes), together=True)
    hit = strike(names, pathway, text)
    columns = walk_back(names, pathway, hit.each) if hit.each else []
    head = f"for a in range(count{number}):"
    return StepPart(alone(names, block(head, f"i = which{number}[a]", *hit.before, *columns, *hit.after)))


def summed_in_flight(names: Names, pathway: str) -> bool:
    """Whether what is under way is kept as sums, by receiver and step of arrival.

    That is right where a spike delivers a weight that does not change, and walks through a sender's synapses once
    instead of once for each delay.
    """
    delay, circuit = names.needs.delay(pathway), names.needs.plan.circuit
    if delay.each is None or not is_plain(circuit, pathway) or f"{pathway}.w" in names.needs.state:
        return False
    at_once = names.needs.stretch.trials if names.needs.together else 1
    return at_once * (delay.depth + 1) * circuit.shape(pathway)[0] <= _CELLS


def _summed(names: Names, pathway: str, place: str, spikes: Spikes) -> Lines:
    """The spikes of this step are summed up for the steps in which they arrive; those that are due arrive."""
    sums, described = names.of("sums", pathway), names.needs.plan.circuit.pathway[pathway]
    size, depth = names.size(described.post), names.needs.delay(pathway).depth
    end = f"np.uint64({size * (depth + 1)})"
    cell = [f"c = base + {names.of('cell', pathway)}[q]", *block(f"if c >= {end}:", f"c -= {end}")]
    rows = walk(names, pathway, [*cell, f"{sums}[c] += {weight_of(names, pathway)}"])
    due = f"due{sums[4:]}"
    lines = [
        f"base = np.uint64({place} * {size})",
        *block(f"for a in range({spikes.count}):", f"j = {spikes.which}", *rows),
    ]
    arrive = [*delivered(names, described.target, f"{due}[i]"), f"{due}[i] = 0"]
    return [
        *alone(names, lines),
        f"{due} = {sums}[{place} * {size} : {place} * {size} + {size}]",
        *each_neuron(names, described.post, *arrive),
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
        listing = block(f"if {row}[d, j] != 0:", f"{name}[{depth} - d, c] = j", "c += 1")
        inner = ["c = 0", *block(f"for j in range({size}):", *listing), f"counts{k}[{depth} - d] = c"]
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
    delayed = [(pathway, names.needs.delay(pathway).depth) for pathway in names.needs.struck]
    return [(pathway, depth) for pathway, depth in delayed if depth]
