"""The parts of a step as text, in order: refractoriness, inputs, recordings, updates, spikes, resets."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim.circuit.plan import Node, read_of
from neurosim.circuit.spike_texts import delivered_names, written_delivery
from neurosim.engines.batched.loop.expressions import Value, extent_of, literal
from neurosim.engines.batched.loop.junctions import Junction, walk, weight_of
from neurosim.engines.batched.loop.layout import Names
from neurosim.engines.batched.loop.lines import Lines, alone, block, each_neuron
from neurosim.engines.batched.loop.neurons import Neuron, arriving, period_of
from neurosim.engines.finite import NEVER
from neurosim.engines.records import Record
from neurosim.engines.slots import last_step
from neurosim.equations.array_code import expression_function


def limits(names: Names) -> Iterator[str]:
    """Up to which step neurons must have spiked last to be past their refractory period."""
    for population in names.needs.stretch.spiking:
        period = period_of(names, population) if names.needs.refractory(population) else None
        if period is not None:
            name = names.still.named(period, wide=True)
            if not names.still.extents[name].neurons:
                yield f"limit{names.number(population)} = np.int32(number - np.int64({name}))"


def refractoriness(names: Names) -> Lines:
    """Which neurons leave their refractory period, where that is not a matter of time alone."""
    lines: Lines = []
    for population in names.needs.stretch.spiking:
        if not names.needs.refractory(population) or period_of(names, population) is not None:
            continue
        model, neuron = names.needs.plan.models[population], Neuron(names, population)
        flag = f"{names.of('state', f'{population}.not_refractory')}[i]"
        computed = neuron.function("refractory", model.functions["refractory"])["refractory"]
        if model.refractory_is_condition:
            store = f"{flag} = ({flag} != 0) | (not {neuron.condition(computed)})"
        else:
            dt, last = names.needs.stretch.dt, names.of("state", last_step(population))
            period = f"np.floor(({neuron.use(computed)} + {names.still.number(1e-3 * dt)}) / {names.still.number(dt)})"
            store = f"{flag} = np.float64(number - {last}[i]) >= {period}"
        lines += each_neuron(names, population, *neuron.lines, store)
    return lines


def inputs(names: Names) -> Lines:
    """What is kept of the step's beginning: sums of inputs, and what pathways read."""
    lines: Lines = []
    for node in names.needs.nodes:
        if node.name in names.needs.buffered:
            lines += _input(names, node) if node.kind == "input" else _expression(names, node)
    return lines


def _expression(names: Names, node: Node) -> Lines:
    population = node.name.split(".")[0]
    neuron = Neuron(names, population)
    store = f"{names.of('buffer', node.name)}[i] = {neuron.use(neuron.computed(node))}"
    return each_neuron(names, population, *neuron.lines, store)


def _input(names: Names, node: Node) -> Lines:
    population, buffer, steady = node.name.split(".")[0], names.of("buffer", node.name), f"{node.name}|still"
    neuron = Neuron(names, population)
    begin = neuron.use(names.still.read(steady) if steady in names.still.shapes else literal(0.0))
    lines = each_neuron(names, population, *neuron.lines, f"{buffer}[i] = {begin}")
    for pathway in node.pathways:
        if pathway in names.needs.graded:
            lines += _graded(names, pathway, buffer, _source(names, node.needs[pathway]))
        elif pathway not in node.needs:
            lines += _by_text(names, node, pathway, buffer)
    return lines


def _by_text(names: Names, node: Node, pathway: str, target: str) -> Lines:
    """What a pathway delivers by its text, synapse by synapse."""
    circuit = names.needs.plan.circuit
    junction = Junction(names, pathway, "start")
    function = expression_function("delivered", written_delivery(circuit, pathway))
    read, given = delivered_names(circuit, pathway), {}
    for name, (kind, _) in read.items():
        needed = node.needs[read_of(pathway, name)]
        there = names.needs.plan.nodes.get(needed)
        if there is not None and there.kind == "arrival":
            given[name] = Value(junction.local(arriving(names, there, "j")))
        else:
            given[name] = junction.read(kind, needed)
    value = junction.use(junction.function(function, read, **given)[function.returns[0]])
    inner = walk(names, pathway, [*junction.lines, f"{target}[i] += {value}"])
    return alone(names, block(f"for j in range({circuit.shape(pathway)[1]}):", *inner))


def _source(names: Names, name: str) -> str:
    """The activity of neuron ``j``."""
    if name in names.needs.state:
        return f"{names.of('state', name)}[j]"
    if name in names.needs.courses:
        extent = extent_of(names.still.shapes[name])
        return f"{names.of('course', name)}[{'k' if extent.trials else 0}, skip + s, {'j' if extent.neurons else 0}]"
    node = names.needs.plan.nodes[name]
    return arriving(names, node, "j") if node.kind == "arrival" else f"{names.of('buffer', name)}[j]"


def _graded(names: Names, pathway: str, target: str, source: str) -> Lines:
    """A pathway's weights times the activity of its source, sender by sender; silent ones are passed over."""
    n_pre = names.needs.plan.circuit.shape(pathway)[1]
    inner = walk(names, pathway, [f"{target}[i] += active * {weight_of(names, pathway)}"])
    lines = block(f"for j in range({n_pre}):", f"active = {source}", *block("if active != 0:", *inner))
    return alone(names, lines)


def update(names: Names, population: str) -> Lines:
    """The state variables of a population, one step on, and which of its neurons spike."""
    needs, model, neuron = names.needs, names.needs.plan.models[population], Neuron(names, population)
    spiking, ready_name = population in needs.stretch.spiking, f"{population}.not_refractory"
    if spiking and needs.refractory(population):
        neuron.now[ready_name] = Value(neuron.local(neuron.ready().text), truth=True)
    stores = []
    for name, value in _advanced(neuron, needs.stretch.live).items():
        neuron.now[name] = neuron.kept(value)
        stores.append(f"{names.of('state', name)}[i] = {neuron.use(neuron.now[name])}")
    if spiking:
        neuron.move()
        text = neuron.condition(neuron.function("threshold", model.functions["threshold"])["threshold"])
        if ready_name in neuron.now:
            text = f"{text} & {neuron.now[ready_name].text}"
        stores.append(f"spiked{names.number(population)}[i] = {text}")
    return each_neuron(names, population, *neuron.lines, *stores) if stores else []


def _advanced(neuron: Neuron, live: tuple[str, ...]) -> dict[str, Value]:
    """The new values of a population's live state variables.

    Where they depend on whether a neuron is refractory, both are computed, and one is chosen: what depends on
    parameters alone leaves the loop then.
    """
    population = neuron.population
    model, ready_name = neuron.needs.plan.models[population], f"{population}.not_refractory"
    mine = [name for name in model.state_variables if f"{population}.{name}" in live]
    if not mine:
        return {}
    function, is_ready = model.functions["advance"], neuron.now.get(ready_name)
    if is_ready is None:
        computed = neuron.function("advance", function)
        return {f"{population}.{name}": computed[name] for name in mine}
    splits = "not_refractory" in function.arguments
    yes, no = (
        neuron.function("advance", function, **({"not_refractory": literal(truth)} if splits else {}))
        for truth in ((True, False) if splits else (True, True))
    )
    chosen = {}
    for name in mine:
        qualified = f"{population}.{name}"
        # Where refractoriness clamps a variable, it keeps its value.
        clamped = "unless refractory" in model.equation_set.by_name[name].flags
        chosen[qualified] = neuron.chosen(is_ready.text, yes[name], neuron.read(qualified) if clamped else no[name])
    return chosen


def spikes(names: Names, population: str) -> Lines:
    """The list of the neurons that spike, and what a spike changes at once."""
    number, count = names.number(population), f"count{names.number(population)}"
    now = [f"which{number}[{count}] = i", f"{count} += 1", f"{names.of('state', last_step(population))}[i] = number"]
    if names.needs.refractory(population) and period_of(names, population) is None:
        now.append(f"{names.of('state', f'{population}.not_refractory')}[i] = 0")
    if Record(f"{population}.spikes") in names.needs.stretch.record:
        now.append(f"{names.of('spikes', f'{population}.spikes')}[s, k, i] = 1")
    eight = block("for i in range(8 * b, 8 * b + 8):", *block(f"if spiked{number}[i]:", *now))
    word = block(f"if words{number}[b] != 0:", *eight)
    return [f"{count} = 0", *alone(names, block(f"for b in range(words{number}.shape[0]):", *word))]


def reset(names: Names, population: str) -> Lines:
    """What a population's reset assigns, in the neurons that spiked."""
    function = names.needs.plan.models[population].functions.get("reset")
    if function is None:
        return []
    neuron, number = Neuron(names, population, "after"), names.number(population)
    stores = []
    for name, value in neuron.function("reset", function, spikes=literal(True)).items():
        if f"{population}.{name}" in names.needs.stretch.live:
            stores.append((f"{names.of('state', f'{population}.{name}')}[i]", neuron.use(value)))
    kept = [(place, neuron.local(text)) for place, text in stores]
    lines = [f"i = which{number}[a]", *neuron.lines, *(f"{place} = {text}" for place, text in kept)]
    return alone(names, block(f"for a in range(count{number}):", *lines))


def watch(names: Names) -> Lines:
    """At which step each variable was first not finite."""
    lines: Lines = []
    for name in names.needs.stretch.watched:
        first = f"{names.of('broken', name)}[i]"
        test = f"if not np.isfinite({names.of('state', name)}[i]) and {first} == {NEVER}:"
        lines += each_neuron(names, name.split(".")[0], *block(test, f"{first} = number + 1"))
    return lines


def draws(names: Names, purposes: tuple[str, ...]) -> Lines:
    """Random numbers of the step."""
    lines = []
    for key, (array, law) in names.draws.items():
        if key.split(".")[1] in purposes:
            lines.append(f"draw_{law}({names.of('key', key)}, presentations[k], number, {array})")
    return lines
