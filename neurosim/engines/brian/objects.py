"""A circuit as Brian2 objects: a NeuronGroup per population, Synapses per pathway, all named, no magic.

(Over 300 lines: the names of all objects and the order in which they act have to be seen together.)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import brian2
import numpy as np
from brian2.groups.group import CodeRunner

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import broadcast, compose, losses_of, means_of, sums_of
from neurosim.circuit.plan import plan
from neurosim.engines.brian.drawn import (
    HeldDraws,
    Numbers,
    Presented,
    StepDraws,
    draws_of,
    law_of,
    without_draws,
    writer,
)
from neurosim.engines.brian.groups import PopulationTexts, make_group, refractory_text, spikes_read, texts_of
from neurosim.engines.brian.names import (
    BEGUN,
    FIRST,
    SIDES,
    SPIKING,
    synaptic,
)
from neurosim.engines.brian.pathways import make_synapses, used_elsewhere
from neurosim.engines.setting import Setting
from neurosim.equations.parse import CONSTANT, Equation, Statement
from neurosim.equations.whole import real_numbers
from neurosim.errors import EngineError


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
    texts
        Of each population, what writes its texts as Brian2 takes them.
    step_draws
        What writes random numbers at each step; none in standalone code.
    paths
        What acts at the spikes of each pathway.
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
    texts: dict[str | None, PopulationTexts] = field(default_factory=dict)
    runners: Iterator[int] = field(default_factory=itertools.count)
    indices: dict[str, np.ndarray] = field(default_factory=dict)
    paths: dict[str, Any] = field(default_factory=dict)
    given: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    step_draws: StepDraws | None = None

    def everything(self) -> list[Any]:
        """All objects a Network has to hold."""
        objects = [*self.groups.values(), *self.synapses.values(), *self.extra]
        return objects if self.scalars is None else [*objects, self.scalars]

    def path(self, pathway: str) -> Any:
        """The Brian2 object that acts at the spikes of a pathway and holds their queue."""
        return self.paths[pathway]

    def group(self, population: str | None) -> Any:
        """A population's neurons; without a name, the group of the broadcast variables."""
        return self.groups[population] if population else self.scalars

    def begin(self, step: int, *, presentation: int) -> None:
        """Set the start of a presentation, in steps from the start of the run, and its running number."""
        if self.step_draws is not None:
            self.step_draws.presented.number, self.step_draws.presented.done = presentation, step
        for population, texts in self.texts.items():
            if texts.timed:
                self.set(f"{population}.{BEGUN}", step)

    def fire(self, name: str, events: np.ndarray, *, first: int, begin: int) -> None:
        """Set a boolean variable to true in these neurons in each step: ``(trial, step, most)``.

        Parameters
        ----------
        first
            The running number of the first trial's presentation.
        begin
            The number of the first step.
        """
        assert self.step_draws is not None
        given, array = self.step_draws, self.array(name)
        size = len(array)

        def now(step: int) -> np.ndarray:
            neurons = events[given.presented.number - first, step - begin]
            fires = np.zeros(size, array.dtype)
            fires[neurons[neurons < size]] = True
            return fires

        given.targets.append((array, now))

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
        values = self.synapses[pathway].variables[synaptic(variable)].get_value()
        shape = self.circuit.weights_shape(pathway)
        # Places without a synapse keep the value that they were given.
        whole = np.array(np.broadcast_to(self.given.get((pathway, variable), 0.0), shape), dtype=values.dtype)
        whole.reshape(-1)[self.index(pathway)] = values
        return whole

    def set_synaptic(self, pathway: str, variable: str, value: Any) -> None:
        """Set a synaptic variable from an array in the shape of the weights, or all synapses from one number."""
        array = self.synapses[pathway].variables[synaptic(variable)]
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
        values, index = self.synapses[pathway].variables[synaptic(variable)], self.index(pathway)
        total = np.bincount(index, weights=values.get_value())[index]
        averaged = self.circuit.pathway[pathway].positions == "mean"
        values.set_value(total / np.bincount(index)[index] if averaged else total)

    def get_in_trial(self, name: str) -> np.ndarray:
        """A variable of neurons, or a trace of a pathway, by its qualified name."""
        owner, _, variable = name.rpartition(".")
        return self.get_synaptic(owner, variable) if owner in self.synapses else self.get(name)

    def set_in_trial(self, name: str, value: Any) -> None:
        """Set a variable of neurons, or a trace of a pathway, by its qualified name."""
        owner, _, variable = name.rpartition(".")
        if owner in self.synapses:
            self.set_synaptic(owner, variable, value)
        else:
            self.set(name, value)

    def runner(self, group: Any, code: str, *, order: int = 0, when: str = "end") -> Any:
        """Code of a group that runs when called for, or at that moment of each step if a Network holds it."""
        settings = {"clock": self.clock, "when": when, "order": order, "name": f"neurosim_runner_{next(self.runners)}"}
        return CodeRunner(group, "stateupdate", code=code, check_units=False, **settings)

    def holder(self, population: str | None, statements: Iterable[Statement]) -> Any:
        """Code that runs when called for and assigns variables of a population."""
        return self.runner(self.group(population), self.texts[population].code(statements))


def build_objects(
    circuit: Circuit,
    setting: Setting,
    courses: Mapping[str, np.ndarray],
    *,
    begin: int = 0,
    again: bool = False,
    keys: Mapping[str, Any] | None = None,
) -> Objects:
    """Make all objects.

    Parameters
    ----------
    courses
        Stimuli that change in time: ``population.variable -> (step, n)``, over the whole run.
    begin
        The number of the step at which the courses begin.
    again
        Whether presentations follow each other, each with a time of its own.
    keys
        Keys of `noise_keys`; without them Brian2 draws numbers of its own.
    """
    objects = Objects(circuit, brian2.Clock(dt=setting.dt * brian2.second, name="neurosim_clock"))
    scalars = broadcast(circuit)
    if scalars:
        text = "\n".join(f"{name} : {unit}" for name, unit in scalars.items())
        objects.scalars = brian2.NeuronGroup(1, text, clock=objects.clock, name="neurosim_scalars")
    drawn = keys is not None
    objects.texts = {name: texts_of(circuit, name, again=again, drawn=drawn) for name in (None, *compose(circuit))}
    if keys is not None:
        objects.step_draws = StepDraws(objects.clock, Presented())
        objects.extra.append(objects.step_draws)
    for name in compose(circuit):
        mine = {n.split(".")[1]: course for n, course in courses.items() if n.split(".")[0] == name}
        objects.groups[name] = make_group(circuit, name, objects.texts[name], objects.clock, mine, begin)
        _add_moments(circuit, objects, name)
        _add_draws(circuit, objects, name, keys or {})
        for scalar in scalars:
            setattr(objects.groups[name], scalar, brian2.linked_var(objects.scalars, scalar))
    updaters: dict[str, Any] = {}
    for pathway in circuit.pathways:
        if pathway.tie is None:
            objects.synapses[pathway.name] = make_synapses(circuit, pathway, objects, updaters, setting.dt)
    for pathway in circuit.pathways:
        if used_elsewhere(circuit, pathway):
            objects.synapses[pathway.name] = make_synapses(circuit, pathway, objects, updaters, setting.dt)
    _add_sums(circuit, objects, updaters)
    _add_held(circuit, objects, updaters, keys or {})
    order = [name for node in plan(circuit).nodes.values() for name in _sum_names(node)]
    for position, name in enumerate(name for name in order if name in updaters):
        updaters[name].order = FIRST + position
        objects.sums.append(updaters[name])
    return objects


def _add_moments(circuit: Circuit, objects: Objects, population: str) -> None:
    """Add the operations of a population within a step that Brian2 does not do by itself."""
    model, group = compose(circuit)[population], objects.groups[population]
    if any("not_refractory" in equation.names for equation in model.equation_set.of("subexpression")):
        # Brian2 lets neurons leave their refractory period after inputs are summed and recordings taken.
        refractory = refractory_text(model, objects.texts[population])
        code = f"not_refractory = timestep(t - lastspike, dt) >= timestep({refractory}, dt)"
        if model.refractory_is_condition:
            code = f"not_refractory = not_refractory or not ({refractory})"
        objects.extra.append(objects.runner(group, code, when="groups", order=FIRST - 1))
    if f"{population}.spikes" in spikes_read(circuit):
        objects.extra.append(objects.runner(group, f"{SPIKING} = 0", when="before_thresholds"))


def _add_draws(circuit: Circuit, objects: Objects, population: str, keys: Mapping[str, Any]) -> None:
    """Random numbers of thresholds and resets."""
    model, given = compose(circuit)[population], objects.step_draws
    if given is None:
        return
    for purpose in ("threshold", "reset"):
        for draw in draws_of(model, purpose):
            array = objects.array(f"{population}.{draw.variable(purpose)}")
            key = keys[f"{population}.{purpose}.{draw.name}"]
            numbers = Numbers(law_of(draw.function), key, len(array), same=False, presented=given.presented)
            given.targets.append((array, numbers.at))


def _held_draws(
    circuit: Circuit, objects: Objects, population: str, equation: Equation, keys: Mapping[str, Any]
) -> HeldDraws:
    """The object that computes a variable that draws."""
    given, group, texts = objects.step_draws, objects.groups[population], objects.texts[population]
    if given is None:
        raise EngineError(f"'{population}.{equation.name}' draws numbers, which standalone code cannot")
    (text,), draws = without_draws([equation.expression or "0"], equation.name)
    steps: list[Any] = []
    for draw in draws:
        names = [draw.argument(equation.name, number) for number in range(len(draw.arguments))]
        steps += [
            objects.runner(group, f"{name} = {texts.expression(argument)}")
            for name, argument in zip(names, draw.arguments, strict=True)
        ]
        arrays = [objects.array(f"{population}.{name}") for name in (draw.variable(equation.name), *names)]
        key = keys[f"{population}.{equation.name}.{draw.name}"]
        numbers = Numbers(law_of(draw.function), key, len(arrays[0]), presented=given.presented)
        steps.append(writer(draw, numbers, arrays))
    steps.append(objects.runner(group, f"{equation.name} = {texts.expression(text)}"))
    return HeldDraws(objects.clock, given.presented, f"{population}__{equation.name}_drawn", steps)


def _add_held(circuit: Circuit, objects: Objects, updaters: dict[str, Any], keys: Mapping[str, Any]) -> None:
    """Add lines computed once a step, at its beginning: after the sums they read, before those that read them."""
    for population, model in compose(circuit).items():
        for equation in model.equation_set.of("subexpression"):
            if CONSTANT in equation.flags and draws_of(model, equation.name):
                held = _held_draws(circuit, objects, population, equation, keys)
                updaters[f"{population}.{equation.name}"] = held
                objects.extra.append(held)
            elif CONSTANT in equation.flags:
                text = objects.texts[population].expression(equation.expression or "0")
                code = f"{equation.name} = {text}"
                runner = objects.runner(objects.groups[population], code, when="groups")
                updaters[f"{population}.{equation.name}"] = runner
                objects.extra.append(runner)


def _add_sums(circuit: Circuit, objects: Objects, updaters: dict[str, Any]) -> None:
    means, scalars = means_of(circuit), broadcast(circuit)
    for qualified, text in (sums_of(circuit) | means).items():
        population, name = qualified.split(".")
        size = circuit.population[population].size
        channels = circuit.population[population].channels if qualified in means else 1
        unit = compose(circuit)[population].equation_set.by_name[name].unit
        text = real_numbers(
            text, {f"{truth}_{side}" for truth in compose(circuit)[population].truths for side in SIDES}
        )
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
        model = f"{name}_post = {variable}_pre : {scalars[name]} (summed)"
        group = objects.groups[population]
        total = brian2.Synapses(group, objects.scalars, model, clock=objects.clock, name=f"neurosim_{name}")
        total.connect(i=np.arange(len(group)), j=np.zeros(len(group), dtype=int))
        objects.extra.append(total)
        updaters[name] = total.summed_updaters[f"{name}_post"]


def _sum_names(node: Any) -> list[str]:
    return [f"{node.name}|{pathway}" for pathway in node.pathways] if node.kind == "input" else [node.name]
