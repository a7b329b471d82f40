"""Scalar code for one synapse: what its texts read, on either side and of its own."""

from __future__ import annotations

from collections.abc import Mapping

from neurosim.circuit.spike_texts import Names as TextNames
from neurosim.engines.batched.loop.expressions import Scalars, Value
from neurosim.engines.batched.loop.layout import Names
from neurosim.engines.batched.loop.neurons import Instant, Neuron
from neurosim.equations.array_code import ArrayFunction


class Junction(Scalars):
    """Code for synapse ``q`` of a pathway, from neuron ``j`` to neuron ``i``.

    Parameters
    ----------
    names
        Of the loop.
    pathway
        Whose synapse.
    instant
        As of `Neuron`.
    """

    def __init__(self, names: Names, pathway: str, instant: Instant) -> None:
        super().__init__(names.still, names.prefix())
        self.names, self.pathway = names, pathway
        described = names.needs.plan.circuit.pathway[pathway]
        self.sides = {
            "pre": Neuron(names, described.pre, instant, "j"),
            "post": Neuron(names, described.post, instant, "i"),
        }
        for side in self.sides.values():
            # All write into one text.
            side.lines, side.known, side.prefix = self.lines, self.known, self.prefix

    def function(self, function: ArrayFunction, names: TextNames, **given: Value) -> dict[str, Value]:
        """What a text computes; `given` are values of some of its arguments."""
        values: dict[str, Value] = {}
        for argument in function.arguments:
            if argument in given:
                values[argument] = given[argument]
            else:
                kind, qualified = names.get(argument, ("constant", argument))
                values[argument] = self.read(kind, qualified)
        return self.call(function, values)

    def read(self, kind: str, qualified: str) -> Value:
        """A variable, by where it lives."""
        if kind in self.sides:
            side = self.sides[kind]
            value = side.read(qualified)
            if not value.still:
                return value
            # What differs among neurons of one side cannot be computed with what differs among those of the other.
            return Value(side.use(value), truth=value.truth) if self._differs(qualified) else value
        if kind in ("own", "trace"):
            return Value(self.loaded_as(qualified, self.place(qualified)))
        return self.still.read(qualified)

    def place(self, qualified: str) -> str:
        """Where a variable of the synapse is kept."""
        return place_of(self.names, self.pathway, qualified)

    def _differs(self, qualified: str) -> bool:
        shape = self.still.shapes.get(qualified, ())
        return len(shape) > 0 and shape[-1] > 1


def place_of(names: Names, pathway: str, qualified: str) -> str:
    """Where a variable of synapse ``q`` is kept; what all synapses of a neuron share, with the neuron."""
    side = names.needs.shared_traces(pathway).get(qualified.rpartition(".")[2])
    if side is not None:
        return f"{names.of('synapses', qualified)}[{'j' if side == 'pre' else 'i'}]"
    if qualified in names.needs.state:
        return f"{names.of('synapses', qualified)}[q]"
    return f"{names.of('weights', pathway) if qualified.endswith('.w') else names.of('own', qualified)}[q]"


def weight_of(names: Names, pathway: str) -> str:
    """The weight of synapse ``q``: of the pathway's own if they change, or those that it delivers by."""
    if f"{pathway}.w" in names.needs.state:
        return place_of(names, pathway, f"{pathway}.w")
    return f"{names.of('weights', pathway)}[q]"


def walk(names: Names, pathway: str, inner: list[str], *, lag: str | None = None) -> list[str]:
    """All synapses ``q`` of sender ``j``, each with its neuron ``i``; those of one delay only, if `lag` says which."""
    needs = names.needs
    kind, n_post = needs.wires(pathway), needs.plan.circuit.shape(pathway)[0]
    if kind == "rows":
        return [f"base = j * {n_post}", f"for i in range({n_post}):", "    q = base + i", *_in(inner)]
    if kind == "one":
        return ["i = j", "q = j", *inner]
    first, post = names.of("first", pathway), names.of("post", pathway)
    if lag is not None:
        bounds = f"{first}[j, {lag}], {first}[j, {lag} + 1]"
    elif needs.delay(pathway).each is not None:
        bounds = f"{first}[j, 0], {first}[j, {needs.delay(pathway).depth + 1}]"
    else:
        bounds = f"{first}[j], {first}[j + 1]"
    return [f"for q in range({bounds}):", f"    i = {post}[q]", *_in(inner)]


def walk_back(names: Names, pathway: str, inner: list[str]) -> list[str]:
    """All synapses ``q`` that neuron ``i`` receives, each with its sender ``j``."""
    kind, (n_post, n_pre) = names.needs.wires(pathway), names.needs.plan.circuit.shape(pathway)
    if kind == "rows":
        return [f"for j in range({n_pre}):", f"    q = j * {n_post} + i", *_in(inner)]
    if kind == "one":
        return ["j = i", "q = i", *inner]
    begin, number, front = (names.of(array, pathway) for array in ("begin", "number", "front"))
    head = f"for c in range({begin}[i], {begin}[i + 1]):"
    return [head, f"    q = {number}[c]", f"    j = {front}[c]", *_in(inner)]


def _in(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def stores(names: Names, pathway: str, changed: Mapping[str, str]) -> list[str]:
    """Statements that keep new values of a synapse's variables, by qualified name."""
    return [f"{place_of(names, pathway, name)} = {text}" for name, text in changed.items()]
