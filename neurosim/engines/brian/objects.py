"""A circuit as Brian2 objects: a NeuronGroup per population, Synapses per pathway, all named, no magic.

(Over 300 lines: the names of all objects and the order in which they act have to be seen together.)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import brian2
import numpy as np
from brian2.groups.group import CodeRunner

from neurosim.circuit.composition import broadcast, compose, losses_of, means_of, sums_of
from neurosim.circuit.description import Circuit, Pathway
from neurosim.circuit.plan import plan
from neurosim.circuit.plasticity import UPDATE_NOISE
from neurosim.engines.brian.texts import BEGUN, drawn_apart, in_presentation, knows_time
from neurosim.engines.setting import Setting
from neurosim.equations.dimensions import dimension_of
from neurosim.equations.discretise import abstract_code
from neurosim.equations.parse import Equation, EquationSet
from neurosim.neurons._model import NeuronModel
from neurosim.rules._rule import Rule
from neurosim.units import dimension_text

#: Summed inputs come first within a step, in the order of the circuit's graph; monitors between them and
#: the state update (order 0), so that they see a consistent instant.
FIRST, MONITOR = -1_000_000, -1
#: Switches a rule that acts at every step.
LEARNING = "is_learning"
#: Noise on weights. Brian2 wants names of Synapses that neither population has; what a rule calls ``noise`` is one.
NOISE, SIGMA, SWITCH = "w_noise", "w_sigma", "w_perturb"
#: What a pathway delivers by, where that is not its own weights.
DERIVED = "w_derived"
#: How many synapses share the weight of one.
SHARING = "w_sharing"
#: When courses begin.
COURSE_BEGIN = "course_begin"


@dataclass
class Objects:
    """The Brian2 objects of one circuit.

    All have the same names in every run: Brian2 compiles again what differs in a name.

    Attributes
    ----------
    groups
        By population name; the broadcast variables live in a group of one neuron, `scalars`.
    synapses
        By pathway name; a tied pathway lives in the Synapses whose weights it uses.
    sums
        The updaters of summed inputs, in the order in which they can be computed.
    runners
        Numbers for those that `runner` makes.
    again
        Whether presentations follow each other, each with a time of its own.
    timed
        Populations that then know when theirs began.
    indices, given
        What was asked for before: which weight each synapse has, and arrays of variables of shared weights.
    """

    circuit: Circuit
    clock: Any
    groups: dict[str, Any] = field(default_factory=dict)
    synapses: dict[str, Any] = field(default_factory=dict)
    sums: list[Any] = field(default_factory=list)
    extra: list[Any] = field(default_factory=list)
    scalars: Any = None
    runners: Iterator[int] = field(default_factory=itertools.count)
    again: bool = False
    timed: set[str] = field(default_factory=set)
    indices: dict[str, np.ndarray] = field(default_factory=dict)
    given: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def everything(self) -> list[Any]:
        """All objects a Network has to hold."""
        found = [*self.groups.values(), *self.synapses.values(), *self.extra]
        return found if self.scalars is None else [*found, self.scalars]

    def group(self, population: str | None) -> Any:
        """A population's neurons; without a name, the group of the broadcast variables."""
        return self.groups[population] if population else self.scalars

    def begin(self, step: int) -> None:
        """Say that a presentation begins, so many steps after the first."""
        for population in self.timed:
            self.set(f"{population}.{BEGUN}", step)

    def get(self, name: str) -> np.ndarray:
        """A stored variable by its qualified name."""
        population, _, variable = name.rpartition(".")
        return np.array(self.group(population).variables[variable].get_value(), copy=True)

    def array(self, name: str) -> np.ndarray:
        """A stored variable by its qualified name, as it is at any time."""
        population, _, variable = name.rpartition(".")
        return self.group(population).variables[variable].get_value()

    def set(self, name: str, value: Any) -> None:
        """Set a stored variable by its qualified name."""
        population, _, variable = name.rpartition(".")
        array = self.group(population).variables[variable]
        array.set_value(np.asarray(value, dtype=array.dtype))

    def get_synaptic(self, pathway: str, variable: str) -> np.ndarray:
        """A synaptic variable in the shape of the weights."""
        values = self.synapses[pathway].variables[variable].get_value()
        shape = self.circuit.weights_shape(pathway)
        # What no synapse has keeps the value that it was given.
        found = np.array(np.broadcast_to(self.given.get((pathway, variable), 0.0), shape), dtype=values.dtype)
        found.reshape(-1)[self.index(pathway)] = values
        return found

    def set_synaptic(self, pathway: str, variable: str, value: Any) -> None:
        """Set a synaptic variable from the shape of the weights, or one that all synapses have from a number."""
        array = self.synapses[pathway].variables[variable]
        given = np.asarray(value, dtype=array.dtype)
        if given.ndim:
            if self.circuit.connectivity(pathway).shared:
                self.given[pathway, variable] = given
            given = given.ravel()[self.index(pathway)]
        array.set_value(given)

    def index(self, pathway: str) -> np.ndarray:
        """Which weight each synapse of a pathway has."""
        if pathway not in self.indices:
            index = self.circuit.connectivity(pathway).synapses(self.circuit.ends(pathway)).weight
            assert index is not None, "what has no weights is not asked for them"
            self.indices[pathway] = index
        return self.indices[pathway]

    def share(self, pathway: str, variable: str) -> None:
        """Give a synaptic variable, in all synapses that share a weight, their mean or their sum."""
        values, index = self.synapses[pathway].variables[variable], self.index(pathway)
        total = np.bincount(index, weights=values.get_value())[index]
        averaged = self.circuit.pathway[pathway].positions == "mean"
        values.set_value(total / np.bincount(index)[index] if averaged else total)

    def get_in_trial(self, name: str) -> np.ndarray:
        """A variable of neurons or, of a pathway, a trace, by its qualified name."""
        owner, _, variable = name.rpartition(".")
        return self.get_synaptic(owner, variable) if owner in self.synapses else self.get(name)

    def set_in_trial(self, name: str, value: Any) -> None:
        """Set a variable of neurons or, of a pathway, a trace, by its qualified name."""
        owner, _, variable = name.rpartition(".")
        if owner in self.synapses:
            self.set_synaptic(owner, variable, value)
        else:
            self.set(name, value)

    def runner(self, group: Any, code: str, *, order: int = 0) -> Any:
        """Code of a group that runs when called for, or at the end of each step if a Network holds it."""
        settings = {"clock": self.clock, "when": "end", "order": order, "name": f"neurosim_runner_{next(self.runners)}"}
        return CodeRunner(group, "stateupdate", code=code, check_units=False, **settings)

    def holder(self, population: str | None, code: str) -> Any:
        """Code that holds variables of a population, which may know the time."""
        return self.runner(self.group(population), in_presentation(code) if population in self.timed else code)


def build_objects(
    circuit: Circuit, setting: Setting, courses: Mapping[str, np.ndarray], *, begin: int = 0, again: bool = False
) -> Objects:
    """Make all objects.

    Parameters
    ----------
    courses
        Stimuli that change in time: ``population.variable -> (step, n)``, over the whole run.
    begin
        The number of the step at which the courses begin.
    again
        Whether presentations follow each other.
    """
    objects = Objects(circuit, brian2.Clock(dt=setting.dt * brian2.second, name="neurosim_clock"), again=again)
    scalars = broadcast(circuit)
    if scalars:
        text = "\n".join(f"{name} : {unit}" for name, unit in scalars.items())
        objects.scalars = brian2.NeuronGroup(1, text, clock=objects.clock, name="neurosim_scalars")
    for population in circuit.populations:
        model = compose(circuit)[population.name]
        mine = {name.split(".")[1]: course for name, course in courses.items() if name.split(".")[0] == population.name}
        objects.groups[population.name] = _group(circuit, population.name, model, objects, mine, begin)
    updaters: dict[str, Any] = {}
    for pathway in circuit.pathways:
        if pathway.tie is None:
            objects.synapses[pathway.name] = _synapses(circuit, pathway, objects, updaters)
    _add_sums(circuit, objects, updaters)
    order = [name for node in plan(circuit).nodes.values() for name in _sum_names(node)]
    for position, name in enumerate(name for name in order if name in updaters):
        updaters[name].order = FIRST + position
        objects.sums.append(updaters[name])
    return objects


def group_equations(
    circuit: Circuit, population: str, model: NeuronModel, courses: Mapping[str, np.ndarray], *, timed: bool = False
) -> str:
    """The text a population's NeuronGroup is made of.

    Fed parameters become the sum of what each pathway delivers; what is broadcast is linked.
    """
    lines = []
    scalars = broadcast(circuit)
    for equation in model.equation_set.equations:
        node = plan(circuit).nodes.get(f"{population}.{equation.name}")
        if node is not None and node.kind == "input":
            terms = [f"{equation.name}_{pathway}" for pathway in node.pathways]
            lines.append(f"{equation.name} = {' + '.join(terms)} : {equation.unit}")
            lines += [f"{term} : {equation.unit}" for term in terms]
        elif equation.name in courses:
            # Held through the step: methods of higher order would look ahead otherwise.
            lines.append(
                f"{equation.name} = {equation.name}_course(t - {COURSE_BEGIN}, i) : {equation.unit} (constant over dt)"
            )
        elif equation.name in scalars:
            continue
        elif timed and equation.expression is not None:
            lines.append(str(replace(equation, expression=in_presentation(equation.expression))))
        else:
            lines.append(str(equation))
    lines += [f"{name} : {unit} (linked)" for name, unit in scalars.items()]
    lines += [f"{BEGUN} : integer (shared)"] if timed else []
    return "\n".join(lines)


def _group(
    circuit: Circuit,
    population: str,
    model: NeuronModel,
    objects: Objects,
    courses: Mapping[str, np.ndarray],
    begin: int,
) -> Any:
    timed = objects.again and _knows_time(circuit, population, model)
    objects.timed |= {population} if timed else set()
    mine = in_presentation if timed else str
    refractory: Any = False
    if model.refractory is not None:
        seconds = model.refractory_seconds
        refractory = mine(model.refractory) if seconds is None else seconds * brian2.second
    namespace: dict[str, Any] = {COURSE_BEGIN: begin * objects.clock.dt} if courses else {}
    for name, course in courses.items():
        unit = brian2.Quantity(1.0, dim=dimension_of(model.equation_set.by_name[name].unit))
        namespace[f"{name}_course"] = brian2.TimedArray(
            course * unit, dt=objects.clock.dt, name=f"{population}__{name}_course"
        )
    group = brian2.NeuronGroup(
        circuit.population[population].size,
        group_equations(circuit, population, model, courses, timed=timed),
        threshold=mine(model.threshold) if model.threshold is not None else None,
        reset=mine(_reset(model)) if model.reset is not None else None,
        refractory=refractory,
        method=_statements(model, mine),
        namespace=namespace,
        clock=objects.clock,
        name=f"{population}_neurons",
    )
    for name in broadcast(circuit):
        setattr(group, name, brian2.linked_var(objects.scalars, name))
    if model.threshold is not None:
        draws, condition = drawn_apart(mine(model.threshold), "threshold")
        if draws:
            group.thresholder["spike"].update_abstract_code = _written(
                group.thresholder["spike"], f"{draws}\n_cond = {condition}"
            )
    return group


def _knows_time(circuit: Circuit, population: str, model: NeuronModel) -> bool:
    """Whether any text of a population refers to the time."""
    statements = [h.statement for phase in circuit.phases for h in phase.hold if h.population == population]
    statements += model.reset_statements
    texts = [equation.expression for equation in model.equation_set.equations]
    texts += [model.threshold, model.refractory if model.refractory_seconds is None else None]
    return any(knows_time(text) for text in (*texts, *(s.expression for s in statements)) if text is not None)


def _reset(model: NeuronModel) -> str:
    """The reset, with each random number drawn by itself."""
    lines = []
    for number, statement in enumerate(model.reset_statements):
        draws, expression = drawn_apart(statement.expression, f"reset{number}")
        lines += [draws, str(replace(statement, expression=expression))]
    return "\n".join(line for line in lines if line)


def _written(runner: Any, code: str) -> Callable[[Any], None]:
    """What a runner calls before it is compiled, to give it this code."""

    def write(run_namespace: Any) -> None:
        runner.abstract_code = code

    return write


def _statements(model: NeuronModel, mine: Callable[[str], str]) -> Any:
    """The state update as a Brian2 method: the very statements the batched engine runs."""
    method = model.resolved_method
    if method is None:
        return "euler"
    code = mine(abstract_code(model.equation_set, method))
    return lambda equations, variables, options=None: code


def _synapses(circuit: Circuit, pathway: Pathway, objects: Objects, updaters: dict[str, Any]) -> Any:
    pre, post = objects.groups[pathway.pre], objects.groups[pathway.post]
    unit = _weight_unit(circuit, pathway)
    rule = pathway.rule
    lines = [f"w : {unit}"]
    if isinstance(rule, Rule):
        declared = (rule.declared or EquationSet(())).equations
        lines += [str(Equation("parameter", e.name, None, e.unit)) for e in declared]
        lines += [f"{name} : 1 (shared)" for name in (*rule.parameters, LEARNING)]
        lines += [f"change_{variable} : 1" for variable in rule.changed]
        lines += [f"{UPDATE_NOISE} : 1"] if UPDATE_NOISE in rule.names else []
        lines += ["w_reciprocal : 1"] if "reciprocal" in rule.reads else []
        lines += [f"{SHARING} : 1"] if sums_positions(circuit, pathway) else []
    weight = "w"
    if pathway.derived is not None:
        lines.append(f"{DERIVED} : {unit}")
        weight = DERIVED
    if pathway.sigma is not None:
        lines += [f"{NOISE} : 1", f"{SIGMA} : {unit} (shared)", f"{SWITCH} : 1 (shared)"]
        weight = f"(w + {SWITCH}*{SIGMA}*{NOISE})"
    sums = {}
    at_spikes: dict[str, list[str]] = {"pre": [], "post": []}
    for user in circuit.pathways:
        if circuit.owner(user.name) != pathway.name:
            continue
        transposed = user.tie is not None and user.tie.transposed
        here, there = ("post", "pre") if transposed else ("pre", "post")
        variable = user.target.split(".")[1]
        if user.at_spikes:
            at_spikes[here].append(f"{variable}_{there} += {weight}")
            continue
        summed = f"{variable}_{user.name}_{there}"
        kind = compose(circuit)[user.post].equation_set.by_name[variable].unit
        lines.append(f"{summed} = {weight}*{user.source.split('.')[1]}_{here} : {kind} (summed)")
        sums[f"{user.target}|{user.name}"] = summed
    code: dict[str, Any] = {f"on_{side}": "\n".join(statements) for side, statements in at_spikes.items() if statements}
    synapses = brian2.Synapses(
        pre, post, "\n".join(lines), **code, clock=objects.clock, name=f"{pathway.name}_synapses"
    )
    for name in rule.names & broadcast(circuit).keys():
        # A variable that populations link to cannot be read through them.
        synapses.variables.add_reference(name, objects.scalars, name, index="0")
    # Given as arrays: otherwise Brian2 generates code for each pathway, which takes a tenth of a second.
    made = circuit.connectivity(pathway.name).synapses(circuit.ends(pathway.name))
    synapses.connect(i=made.pre, j=made.post)
    if made.strength is not None:
        synapses.variables["w"].set_value(made.strength)
    if SHARING in synapses.variables:
        assert made.weight is not None
        synapses.variables[SHARING].set_value(np.bincount(made.weight)[made.weight])
    updaters |= {name: synapses.summed_updaters[summed] for name, summed in sums.items()}
    return synapses


def _add_sums(circuit: Circuit, objects: Objects, updaters: dict[str, Any]) -> None:
    means = means_of(circuit)
    for qualified, text in (sums_of(circuit) | means).items():
        population, name = qualified.split(".")
        size = circuit.population[population].size
        channels = circuit.population[population].channels if qualified in means else 1
        unit = compose(circuit)[population].equation_set.by_name[name].unit
        summed = f"({text})/{size // channels}" if qualified in means else text
        group, model = objects.groups[population], f"{name}_post = {summed} : {unit} (summed)"
        pairs = brian2.Synapses(group, group, model, clock=objects.clock, name=f"{population}__{name}_pairs")
        # Channels run fastest; each neuron with all of its channel.
        members = np.arange(size).reshape(-1, channels).T
        pre, post = np.repeat(members, members.shape[1], axis=1), np.tile(members, members.shape[1])
        pairs.connect(i=pre.ravel(), j=post.ravel())
        objects.extra.append(pairs)
        updaters[qualified] = pairs.summed_updaters[f"{name}_post"]
    for name, share in losses_of(circuit).items():
        population, variable = share.split(".")
        model = f"{name}_post = {variable}_pre : 1 (summed)"
        group = objects.groups[population]
        total = brian2.Synapses(group, objects.scalars, model, clock=objects.clock, name=f"neurosim_{name}")
        total.connect(i=np.arange(len(group)), j=np.zeros(len(group), dtype=int))
        objects.extra.append(total)
        updaters[name] = total.summed_updaters[f"{name}_post"]


def sums_positions(circuit: Circuit, pathway: Pathway) -> bool:
    """Whether increments are summed over the synapses that share a weight."""
    return circuit.connectivity(pathway.name).shared and pathway.positions == "sum"


def _sum_names(node: Any) -> list[str]:
    return [f"{node.name}|{pathway}" for pathway in node.pathways] if node.kind == "input" else [node.name]


def _weight_unit(circuit: Circuit, pathway: Pathway) -> str:
    """What turns the unit of the source into that of the target."""
    target, variable = compose(circuit)[pathway.post], pathway.target.split(".")[1]
    dimension = dimension_of(target.equation_set.by_name[variable].unit)
    if not pathway.at_spikes:
        source = compose(circuit)[pathway.pre].equation_set.by_name[pathway.source.split(".")[1]]
        dimension = dimension / dimension_of(source.unit)
    return dimension_text(dimension)
