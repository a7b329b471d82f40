"""A population as a NeuronGroup: its equations, threshold, reset and state update as Brian2 takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import brian2
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import broadcast, compose
from neurosim.circuit.delays import differs
from neurosim.circuit.plan import plan
from neurosim.circuit.plasticity import rule_names
from neurosim.circuit.spike_texts import values_under_way
from neurosim.engines.brian.drawn import draws_of, purposes, without_draws
from neurosim.engines.brian.names import BEGUN, COURSE_BEGIN, SPIKING, delivered_name, late_name
from neurosim.engines.brian.texts import drawn_apart, in_presentation, knows_time
from neurosim.equations.dimensions import dimension_of
from neurosim.equations.parse import CONSTANT, Equation, Statement
from neurosim.equations.whole import real_numbers
from neurosim.neurons._model import NeuronModel


@dataclass(frozen=True)
class PopulationTexts:
    """The texts of a population, as Brian2 takes them.

    Attributes
    ----------
    truths
        Its variables that are truth values.
    timed
        Whether its time begins with each presentation, others having come before in the same run.
    drawn
        Whether random numbers of thresholds and resets are given, see `neurosim.engines.brian.drawn`.
    """

    truths: frozenset[str] = frozenset()
    timed: bool = False
    drawn: bool = False

    def expression(self, text: str) -> str:
        """An expression in real numbers."""
        return real_numbers(in_presentation(text) if self.timed else text, self.truths)

    def statement(self, statement: Statement) -> str:
        """An assignment, with each random number drawn by itself."""
        draws, expression = drawn_apart(statement.expression)
        return f"{draws}{statement.target} {statement.operator} {self.expression(expression)}"

    def code(self, statements: Iterable[Statement]) -> str:
        """Several assignments."""
        return "\n".join(self.statement(statement) for statement in statements)


def texts_of(circuit: Circuit, population: str | None, *, again: bool, drawn: bool = False) -> PopulationTexts:
    """The texts of a population or, without a name, of the broadcast variables.

    Parameters
    ----------
    again
        Whether presentations follow each other.
    drawn
        As for `PopulationTexts`.
    """
    if population is None:
        return PopulationTexts()
    model = compose(circuit)[population]
    statements = [h.statement for phase in circuit.phases for h in phase.hold if h.population == population]
    written = [equation.expression for equation in model.equation_set.equations]
    written += [model.threshold, model.refractory if model.refractory_seconds is None else None]
    written += [statement.expression for statement in (*statements, *model.reset_statements)]
    return PopulationTexts(model.truths, again and any(knows_time(text) for text in written if text is not None), drawn)


def spikes_read(circuit: Circuit) -> frozenset[str]:
    """The spikes that rules read, as ``population.spikes``."""
    learning = {name for phase in circuit.phases for name in phase.learn}
    read = [rule_names(circuit, pathway).values() for pathway in learning]
    return frozenset(name for names in read for _, name in names if name.endswith(".spikes"))


def make_group(
    circuit: Circuit, population: str, texts: PopulationTexts, clock: Any, courses: Mapping[str, np.ndarray], begin: int
) -> Any:
    """The NeuronGroup of a population.

    Parameters
    ----------
    courses
        Its stimuli that change in time, ``variable -> (step, n)``.
    begin
        The number of the step at which they begin.
    """
    model = compose(circuit)[population]
    namespace: dict[str, Any] = {COURSE_BEGIN: begin * clock.dt} if courses else {}
    for name, course in courses.items():
        unit = brian2.Quantity(1.0, dim=dimension_of(model.equation_set.by_name[name].unit))
        array = brian2.TimedArray(course * unit, dt=clock.dt, name=f"{population}__{name}_course")
        namespace[f"{name}__course"] = array
    seconds = model.refractory_seconds
    refractory: Any = False
    if model.refractory is not None:
        refractory = refractory_text(model, texts) if seconds is None else seconds * brian2.second
    threshold, statements = model.threshold, model.reset_statements
    if texts.drawn:
        threshold = "".join(without_draws([threshold], "threshold")[0]) if threshold else None
        given = without_draws([statement.expression for statement in statements], "reset")[0]
        statements = tuple(replace(s, expression=text) for s, text in zip(statements, given, strict=True))
    reset = [texts.code(statements)]
    if f"{population}.spikes" in spikes_read(circuit):
        reset.append(f"{SPIKING} = 1")
    group = brian2.NeuronGroup(
        circuit.population[population].size,
        group_equations(circuit, population, texts, courses),
        threshold=texts.expression(threshold) if threshold else None,
        # Empty, where there is a threshold and no reset: nothing was forgotten.
        reset="\n".join(line for line in reset if line) or ("" if threshold else None),
        refractory=refractory,
        method=_statements(model, texts),
        namespace=namespace,
        clock=clock,
        name=f"{population}_neurons",
    )
    draws, condition = drawn_apart(threshold) if threshold else ("", "")
    if draws:
        thresholder = group.thresholder["spike"]
        thresholder.update_abstract_code = _written(thresholder, f"{draws}_cond = {texts.expression(condition)}")
    return group


def group_equations(
    circuit: Circuit, population: str, texts: PopulationTexts, courses: Mapping[str, np.ndarray]
) -> str:
    """The text a population's NeuronGroup is made of.

    Fed parameters become the sum of what each pathway delivers; what is broadcast is linked.
    """
    lines = []
    scalars, model = broadcast(circuit), compose(circuit)[population]
    for equation in model.equation_set.equations:
        node = plan(circuit).nodes.get(f"{population}.{equation.name}")
        if node is not None and node.kind == "input":
            terms = [delivered_name(equation.name, pathway) for pathway in node.pathways]
            lines.append(f"{equation.name} = {' + '.join(terms)} : {equation.unit}")
            lines += [f"{term} : {equation.unit}" for term in terms]
        elif equation.name in courses:
            # Held through the step: methods of higher order would look ahead otherwise.
            lines.append(
                f"{equation.name} = {equation.name}__course(t - {COURSE_BEGIN}, i) : {equation.unit} (constant over dt)"
            )
        elif equation.name in scalars:
            continue
        else:
            lines.append(str(_in_brian(model, texts, equation)))
    for purpose in purposes(model) if texts.drawn else ():
        lines += [line for draw in draws_of(model, purpose) for line in draw.declared(purpose)]
    if f"{population}.spikes" in spikes_read(circuit):
        lines.append(f"{SPIKING} : 1")
    for pathway in circuit.pathways:
        late = pathway.delay is not None and not differs(circuit, pathway.name)
        if pathway.pre == population and late:
            for variable in values_under_way(circuit, pathway.name):
                unit = model.equation_set.by_name[variable].unit
                lines.append(f"{late_name(variable, pathway.name)} : {unit}")
    lines += [f"{name} : {unit} (linked)" for name, unit in scalars.items()]
    lines += [f"{BEGUN} : integer (shared)"] if texts.timed else []
    return "\n".join(lines)


def refractory_text(model: NeuronModel, texts: PopulationTexts) -> str:
    """The refractory period or condition, empty where there is none."""
    if model.refractory is None:
        return ""
    return texts.expression(model.refractory) if model.refractory_seconds is None else repr(model.refractory_seconds)


def _in_brian(model: NeuronModel, texts: PopulationTexts, equation: Equation) -> Equation:
    """An equation as Brian2 takes it: counts are real numbers, and what is constant over a step is given."""
    unit = "1" if equation.unit == "integer" else equation.unit
    if CONSTANT in equation.flags:
        return Equation("parameter", equation.name, None, unit)
    flags = tuple(flag for flag in equation.flags if model.refractory is not None or flag != "unless refractory")
    text = None if equation.expression is None else texts.expression(equation.expression)
    return replace(equation, expression=text, unit=unit, flags=flags)


def _statements(model: NeuronModel, texts: PopulationTexts) -> Any:
    """The state update as a Brian2 method: the very statements the batched engine runs."""
    method = model.resolved_method
    if method is None:
        return "euler"
    assigned = (line.partition("=") for line in model.step_code.splitlines() if line.strip())
    code = "\n".join(f"{target}= {texts.expression(text)}" for target, _, text in assigned)
    return lambda equations, variables, options=None: code


def _written(runner: Any, code: str) -> Callable[[Any], None]:
    """The function that a runner calls before it is compiled, to give it this code."""

    def write(run_namespace: Any) -> None:
        runner.abstract_code = code

    return write
