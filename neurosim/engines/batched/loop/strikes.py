"""What a spike does to the synapses of its neuron, as text."""

from __future__ import annotations

import ast
import dataclasses
import functools
from collections.abc import Callable, Mapping

from neurosim.circuit.spike_texts import Side, SpikeText, is_plain, spike_text
from neurosim.engines.batched.loop.junctions import Junction, stores, weight_of
from neurosim.engines.batched.loop.layout import Names, Needs
from neurosim.engines.batched.loop.lines import Lines, block
from neurosim.engines.batched.loop.neurons import ready
from neurosim.equations.array_code import ArrayFunction

#: What an increment is called in the function of a text; no name of a user has two underscores.
_MORE = "{}__more"
#: Lines that add an increment.
Adding = Callable[[str], Lines]


@dataclasses.dataclass(frozen=True)
class Strike:
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

    before: Lines
    each: Lines
    after: Lines


def text_of(needs: Needs, pathway: str, side: Side) -> SpikeText | None:
    """The text of a pathway at spikes of one side."""
    learning = pathway in needs.stretch.struck
    # In a batch that shares weights, bounds hold after the increments of all trials.
    bounded = learning and not needs.together
    return spike_text(needs.plan.circuit, pathway, side, learning=learning, bounded=bounded)


def at_arrival(names: Names, pathway: str) -> Strike | None:
    """What a spike does to the synapses of its sender, each trial for itself."""
    circuit = names.needs.plan.circuit
    if is_plain(circuit, pathway):
        return Strike([], delivered(names, circuit.pathway[pathway].target, weight_of(names, pathway)), [])
    text = text_of(names.needs, pathway, "pre")
    return None if text is None else strike(names, pathway, text)


def strike(names: Names, pathway: str, text: SpikeText, *, more: Mapping[str, Adding] | None = None) -> Strike:
    """What a text does.

    Parameters
    ----------
    more
        Of variables that all trials share: what becomes of an increment.
    """
    more = more or {}
    shared = {name: s for name, s in names.needs.shared_traces(pathway).items() if name in text.changed}
    junction = Junction(names, pathway, "after")
    function = increasing(text.function, frozenset(more)) if more else text.function
    computed = junction.function(function, text.names)
    mine = [name for name in text.changed if name not in shared and name not in more]
    kept = {f"{pathway}.{name}": junction.local(junction.use(computed[name])) for name in mine}
    added = [line for name, add in more.items() for line in add(junction.use(computed[_MORE.format(name)]))]
    arriving = [junction.local(junction.use(computed[name])) for name in text.function.returns[len(text.changed) :]]
    each = [*junction.lines, *added, *stores(names, pathway, kept)]
    for target, name in zip(text.targets, arriving, strict=True):
        each += delivered(names, target, name)
    before, after = _of_neuron(names, pathway, text, shared)
    return Strike(before, each, after)


def _of_neuron(names: Names, pathway: str, text: SpikeText, shared: Mapping[str, str]) -> tuple[Lines, Lines]:
    """The new values of traces that all synapses of the neuron share: computed before they change, kept after all."""
    if not shared:
        return [], []
    junction = Junction(names, pathway, "after")
    computed = junction.function(text.function, text.names)
    kept = {f"{pathway}.{name}": junction.local(junction.use(computed[name])) for name in shared}
    return junction.lines, stores(names, pathway, kept)


def delivered(names: Names, target: str, text: str) -> Lines:
    """Add to a state variable of neuron ``i``, unless refractoriness clamps it."""
    population, _, variable = target.partition(".")
    line = f"{names.of('state', target)}[i] += {text}"
    equation = names.needs.plan.models[population].equation_set.by_name[variable]
    if "unless refractory" not in equation.flags or f"{population}.not_refractory" not in names.needs.state:
        return [line]
    # After its spike a neuron is not ready: its last step is this one, and periods are a step at least.
    return block(f"if {ready(names, population, 'i').text}:", line)


@functools.lru_cache(maxsize=256)
def increasing(function: ArrayFunction, variables: frozenset[str]) -> ArrayFunction:
    """A text's function that returns by how much it increases some variables, in place of their new values.

    What is added to a variable is summed by itself: a difference of new and old values would lose digits, and reads a
    weight even if its increment does not depend on it.
    """
    body = ast.parse(function.source).body[0]
    assert isinstance(body, ast.FunctionDef)
    lines, begun = [f"def {function.name}({', '.join(function.arguments)}):"], set[str]()
    for statement in body.body:
        if isinstance(statement, ast.Assign):
            target, value = statement.targets[0], statement.value
            assert isinstance(target, ast.Name)
            if target.id in variables:
                lines.append(f"    {_increment(target.id, value, first=target.id not in begun)}")
                begun.add(target.id)
            lines.append(f"    {ast.unparse(statement)}")
    returns = tuple(_MORE.format(name) if name in variables else name for name in function.returns)
    source = "\n".join([*lines, f"    return {', '.join(returns)}\n"])
    return dataclasses.replace(function, returns=returns, source=source)


def _increment(name: str, value: ast.expr, *, first: bool) -> str:
    """The statement that sums up what a statement adds to a variable."""
    assert isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub), "only += and -= change it"
    assert isinstance(value.left, ast.Name) and value.left.id == name, "only += and -= change it"
    more, sign = _MORE.format(name), "+" if isinstance(value.op, ast.Add) else "-"
    return f"{more} = {'' if first else more + ' '}{sign} ({ast.unparse(value.right)})"
