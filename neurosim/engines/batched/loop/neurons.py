"""Scalar code for one neuron of a population at an instant: where it finds each variable."""

from __future__ import annotations

from typing import Literal

from neurosim.circuit.plan import Node
from neurosim.engines.batched.loop.expressions import Scalars, Value, extent_of, literal
from neurosim.engines.batched.loop.layout import Names
from neurosim.engines.batched.snapshot import TIMES
from neurosim.engines.slots import LONG_AGO, last_step
from neurosim.equations.array_code import ArrayFunction

#: When a neuron spiked that has not, in seconds, as in Brian2.
_NO_SPIKE = -1e4

Instant = Literal["start", "moved", "after"]


class Neuron(Scalars):
    """Code for one neuron of a population.

    Parameters
    ----------
    names
        Of the loop.
    population
        Whose neuron.
    instant
        Where within a step it stands at first: at its ``start``, once state variables have ``moved``, or ``after``
        spikes have arrived. What the population receives is from then on what it was at the start.
    index
        The name of the neuron's number.
    """

    def __init__(self, names: Names, population: str, instant: Instant = "start", index: str = "i") -> None:
        super().__init__(names.still, names.prefix(), index)
        self.names, self.needs, self.population = names, names.needs, population
        self.instant = instant
        #: Variables that have a new value here.
        self.now: dict[str, Value] = {}
        self._computed: dict[str, Value] = {}

    def move(self) -> None:
        """Go on to the instant at which state variables have their new values, and inputs their old ones."""
        self.instant = "moved"
        nodes = self.needs.plan.nodes
        self._computed = {n: v for n, v in self._computed.items() if nodes[n].held or nodes[n].kind != "expression"}

    def function(self, purpose: str, function: ArrayFunction, **given: Value) -> dict[str, Value]:
        """What one of the population's functions computes; `given` are values of some of its arguments."""
        laws = dict(function.draws)
        values = {}
        for argument in function.arguments:
            if argument in given:
                values[argument] = given[argument]
            elif argument in laws:
                drawn = self.names.draw(f"{self.population}.{purpose}.{argument}", laws[argument])
                values[argument] = Value(f"f({drawn}[{self.index}])")
            else:
                values[argument] = self.read(self.needs.plan.resolve(self.population, argument))
        return self.call(function, values, wide=self._reads_time(function))

    def read(self, name: str) -> Value:
        """A variable of the circuit, as this neuron finds it."""
        needs = self.needs
        if name in self.now:
            return self.now[name]
        if name == "t":
            return Value("t")
        if name.endswith(".lastspike"):
            last = f"{self.names.of('state', last_step(self.population))}[{self.index}]"
            return Value(f"({_NO_SPIKE} if {last} <= {LONG_AGO // 2} else {last} * dt)")
        if name.endswith(".not_refractory") and name in needs.state:
            return self.ready()
        if name in needs.state:
            return Value(self.loaded_as(name, f"{self.names.of('state', name)}[{self.index}]"))
        if name in needs.courses:
            return self._course(name)
        node = needs.plan.nodes.get(name)
        if node is None or not needs.changes(name):
            return self.still.read(name)
        if node.kind == "arrival":
            return Value(self.local(arriving(self.names, node, self.index)))
        if name not in self._computed:
            self._computed[name] = self._node(node)
        return self._computed[name]

    def ready(self) -> Value:
        """Whether the neuron is past its refractory period."""
        return ready(self.names, self.population, self.index)

    def _node(self, node: Node) -> Value:
        kept = node.kind == "input" or node.held or self.instant == "start"
        if kept and node.name in self.needs.buffered:
            return Value(self.local(f"{self.names.of('buffer', node.name)}[{self.index}]"))
        return self.computed(node)

    def computed(self, node: Node) -> Value:
        """The value of an expression."""
        assert node.function is not None
        values = {argument: self.read(name) for argument, name in node.needs.items()}
        result = self.call(node.function, values, wide=self._reads_time(node.function))[node.function.returns[0]]
        return self.kept(result)

    def _course(self, name: str) -> Value:
        array, extent = self.names.of("course", name), extent_of(self.still.shapes[name])
        place = f"{array}[{'k' if extent.trials else 0}, skip + s, {self.index if extent.neurons else 0}]"
        return Value(self.loaded_as(name, place))

    def _reads_time(self, function: ArrayFunction) -> bool:
        return not self.still.double and bool(TIMES & set(function.arguments))


def arriving(names: Names, node: Node, sender: str) -> str:
    """What a delayed pathway read of a sender when it was sent."""
    slot = node.needs["flight"]
    pathway = slot.partition("|")[0]
    depth = names.needs.delay(pathway).depth
    if "delays" in node.needs:
        return f"{names.of('ring', slot)}[(s - {names.of('late', pathway)}[q]) % {depth}, {sender}]"
    return f"{names.of('ring', slot)}[s % {depth}, {sender}]"


def ready(names: Names, population: str, index: str) -> Value:
    """Whether a neuron of a population is past its refractory period."""
    period = period_of(names, population)
    if period is None:
        return Value(f"({names.of('state', f'{population}.not_refractory')}[{index}] != 0)", truth=True)
    last = names.of("state", last_step(population))
    name = names.still.named(period, wide=True)
    if names.still.extents[name].neurons:
        return Value(f"({last}[{index}] <= number - np.int64({name}[{index}]))", truth=True)
    return Value(f"({last}[{index}] <= limit{names.number(population)})", truth=True)


def period_of(names: Names, population: str) -> Value | None:
    """The refractory period in steps, at least one; none if it is a condition, or changes from step to step."""
    model, needs = names.needs.plan.models[population], names.needs
    if model.refractory_is_condition or any(needs.changes(name) for name in needs.reads(population, "refractory")):
        return None
    if model.refractory_seconds is not None:
        period = literal(model.refractory_seconds)
    else:
        reader = Neuron(names, population)
        period = reader.function("refractory", model.functions["refractory"])["refractory"]
    return Value(whole_steps(period.text, needs.stretch.dt, least=1), still=True)


def whole_steps(period: str, dt: float, *, least: int) -> str:
    """Text of a time in whole steps, with Brian2's margin for times that are a multiple of a step but for rounding."""
    return f"clip(floor(({period} + {1e-3 * dt!r}) / {dt!r}), {least}, {-LONG_AGO // 2})"
