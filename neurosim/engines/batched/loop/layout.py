"""What a loop reads and changes: which variables it computes, where they are kept, under which names."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from neurosim.circuit.delays import Delay, delay_of
from neurosim.circuit.plan import Node, Plan
from neurosim.engines.batched.loop.collapsed import Side, shared_traces
from neurosim.engines.batched.loop.expressions import Still
from neurosim.engines.batched.loop.wires import Kind, kind_of
from neurosim.engines.batched.stepping import stepped_slots
from neurosim.engines.batched.stretch import Stretch
from neurosim.engines.records import Record
from neurosim.engines.slots import Slot

#: Functions of a neuron that a step calls.
_FUNCTIONS = ("refractory", "advance", "threshold", "reset")


@dataclass(frozen=True)
class Needs:
    """Which variables of a circuit change in the steps of a stretch, and which nodes these need.

    Attributes
    ----------
    stretch
        The part of a phase that the loop runs over.
    courses
        Stimuli that change in time.
    sharing
        Whether traces that all synapses of a neuron share are kept once; only if they begin so.
    own
        Whether each trial has weights of its own.
    """

    stretch: Stretch
    courses: frozenset[str]
    sharing: bool = True
    own: bool = False

    @property
    def plan(self) -> Plan:
        """The circuit's graph."""
        return self.stretch.plan

    @property
    def together(self) -> bool:
        """Whether all trials go through each step together, as they share weights that spikes change."""
        return bool(self.stretch.struck) and self.stretch.trials > 1 and not self.own

    @functools.cached_property
    def slots(self) -> Mapping[str, Slot]:
        """What is carried from step to step, by name."""
        return {slot.name: slot for slot in stepped_slots(self.stretch)}

    @property
    def state(self) -> Collection[str]:
        """The names of what is carried from step to step."""
        return self.slots.keys()

    def delay(self, pathway: str) -> Delay:
        """The delay of a pathway."""
        return delay_of(self.plan.circuit, pathway, self.stretch.dt)

    def wires(self, pathway: str) -> Kind:
        """How the loop finds the synapses of a sender."""
        return kind_of(self.plan.circuit, pathway, self.stretch.dt)

    def shared_traces(self, pathway: str) -> Mapping[str, Side]:
        """The traces of a pathway that are kept once for all synapses of a neuron -> of which side."""
        return shared_traces(self.plan.circuit, pathway) if self.sharing else {}

    def refractory(self, population: str) -> bool:
        """Whether a population has a refractory period."""
        return self.plan.models[population].refractory is not None

    @functools.cached_property
    def moving(self) -> frozenset[str]:
        """All leaves that change from step to step."""
        return frozenset({*self.state, *self.courses, "t", *(f"{p}.lastspike" for p in self.stretch.spiking)})

    def changes(self, name: str) -> bool:
        """Whether a variable changes from step to step."""
        return bool(self.plan.leaves_of([name]) & self.moving)

    @functools.cached_property
    def populations(self) -> tuple[str, ...]:
        """The populations that the steps advance, in order."""
        owners = {name.rpartition(".")[0] for name in self.stretch.live}
        return tuple(population for population in self.plan.models if population in owners)

    def reads(self, population: str, purpose: str) -> tuple[str, ...]:
        """What one of a population's functions reads, qualified, but for random numbers and spikes."""
        function = self.plan.models[population].functions.get(purpose)
        if function is None or (purpose != "advance" and population not in self.stretch.spiking):
            return ()
        drawn = {draw for draw, _ in function.draws} | {"spikes"}
        return tuple(self.plan.resolve(population, a) for a in function.arguments if a not in drawn)

    @functools.cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that steps compute, each after all that it needs."""
        asked = [name for p in self.populations for purpose in _FUNCTIONS for name in self.reads(p, purpose)]
        stack, needed = [*asked, *(record.name for record in self.recorded)], set[str]()
        while stack:
            name = stack.pop()
            node = self.plan.nodes.get(name)
            if name not in needed and node is not None and self.changes(name):
                needed.add(name)
                stack.extend(node.needs.values())
        return tuple(node for name, node in self.plan.nodes.items() if name in needed)

    @functools.cached_property
    def recorded(self) -> tuple[Record, ...]:
        """What is recorded and changes, besides spikes."""
        return tuple(one for one in self.stretch.record if not one.spikes and self.changes(one.name))

    @functools.cached_property
    def graded(self) -> tuple[str, ...]:
        """The pathways that deliver at every step what changes."""
        inputs = [node for node in self.nodes if node.kind == "input"]
        return tuple(p for node in inputs for p in node.pathways if p in node.needs and self.changes(node.needs[p]))

    @functools.cached_property
    def buffered(self) -> frozenset[str]:
        """The nodes whose values at the beginning of a step are kept through it."""
        inputs = [node for node in self.nodes if node.kind == "input"]
        sources = {node.needs[p] for node in inputs for p in node.pathways if p in self.graded}
        sources -= {node.name for node in self.nodes if node.kind == "arrival"}
        return frozenset(n.name for n in self.nodes if n.kind == "input" or n.held or n.name in sources)

    @functools.cached_property
    def struck(self) -> tuple[str, ...]:
        """The pathways that deliver at spikes to what changes."""
        pathways = self.plan.circuit.pathways
        return tuple(p.name for p in pathways if p.at_spikes and p.target in self.stretch.live)

    @functools.cached_property
    def walked(self) -> tuple[str, ...]:
        """The pathways whose synapses the loop walks through, one by one."""
        inputs = [node for node in self.nodes if node.kind == "input"]
        texts = [pathway for node in inputs for pathway in node.pathways if pathway not in node.needs]
        return tuple(dict.fromkeys([*self.graded, *texts, *self.struck, *self.stretch.synapses]))


@dataclass
class Names:
    """Names in the loop's text, and the arrays that it is called with.

    Attributes
    ----------
    arguments
        Name in text -> what it is: ``(kind, key)``, as `arrays` makes them.
    draws
        Key of a stream of random numbers -> the name in text of its array, and its law.
    prefixes
        How many prefixes there are.
    together
        Sizes of the populations whose spikes are listed for all trials together.
    """

    needs: Needs
    still: Still
    arguments: dict[str, tuple[str, str]] = field(default_factory=dict)
    draws: dict[str, tuple[str, str]] = field(default_factory=dict)
    prefixes: int = 0
    together: set[int] = field(default_factory=set)

    def of(self, kind: str, key: str) -> str:
        """The name of an array, which is an argument from now on."""
        for name, known in self.arguments.items():
            if known == (kind, key):
                return name
        name = f"{kind}{sum(known[0] == kind for known in self.arguments.values())}"
        self.arguments[name] = (kind, key)
        return name

    def draw(self, key: str, law: str) -> str:
        """The name of the array of random numbers of a stream."""
        if key not in self.draws:
            self.of("key", key)
            self.draws[key] = (f"d{len(self.draws)}", law)
        return self.draws[key][0]

    def number(self, population: str) -> int:
        """The running number of a population."""
        return list(self.needs.plan.models).index(population)

    def size(self, population: str) -> int:
        """How many neurons a population has."""
        return self.needs.plan.circuit.population[population].size

    def prefix(self) -> str:
        """A prefix of names that nothing else in the loop has."""
        self.prefixes += 1
        return f"v{self.prefixes}"
