"""Faults of a neuron model beyond its equations by themselves."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from neurosim.equations.array_code import expression_function
from neurosim.equations.decided import decided_value
from neurosim.equations.dimensions import BUILTIN_NAMES, UNIT_VALUES, dimension_of, unit_of_expression, variables_of
from neurosim.equations.grammar import Place, check_expression, names_in
from neurosim.equations.parse import parse_equations, parse_expression, unknown_names
from neurosim.equations.reserved import LAST_SPIKE, REFRACTORY, SPECIAL
from neurosim.errors import EquationError, UnitError
from neurosim.suggestions import did_you_mean, nearest
from neurosim.units import parse_quantity

if TYPE_CHECKING:
    from neurosim.neurons._model import NeuronModel


def check_refractory(model: NeuronModel) -> None:
    """Refuse a refractory period that is neither a time nor a condition, or negative."""
    if model.refractory is None or model.refractory_is_condition:
        return
    place = model.places["refractory"]
    if model.refractory_seconds is not None:
        if model.refractory_seconds < 0:
            raise place.unit_error(f"refractory='{model.refractory}' is negative; expected a time such as '2 ms'")
        return
    _refuse_other_unit(model.refractory, place)
    names = names_in(check_expression(model.refractory, place)) - BUILTIN_NAMES
    variables = variables_of(model.equation_set)
    unknown_names(names, variables.keys() - BUILTIN_NAMES, place, what="the refractory period")
    if unit_of_expression(model.refractory, variables, place) is not dimension_of("second"):
        raise place.unit_error(
            f"refractory='{model.refractory}' is neither a time nor a condition; expected e.g. '2 ms' or 'v > v_th'"
        )


def _refuse_other_unit(text: str, place: Place) -> None:
    """Refuse a quantity in another unit than time, such as ``5 mV``."""
    try:
        parse_quantity(text)
    except UnitError:
        return
    raise place.unit_error(f"refractory='{text}' is neither a time nor a condition; expected e.g. '2 ms' or 'v > v_th'")


def check_ports(model: NeuronModel) -> None:
    """Refuse ports that are no variables of the neuron."""
    known = model.equation_set.by_name
    for port, name in model.ports.items():
        if name not in known:
            raise EquationError(
                f"the port '{port}' of neuron '{model.name}' is '{name}', which is no variable; "
                f"{did_you_mean(name, known)}"
            )


def check_unread(model: NeuronModel) -> None:
    """Refuse a value of a parameter that nothing in a bare neuron reads: most often a misspelt name."""
    for name, near in unread(model).items():
        hint = f"did you mean '{near}'?" if near else "leave it out, or use it"
        raise EquationError(f"nothing reads the parameter '{name}' of neuron '{model.name}'; {hint}")


def unread(model: NeuronModel) -> dict[str, str | None]:
    """The parameters with a value that nothing in the neuron reads or declares, and which one may be meant."""
    texts = [text for _, text, _ in _texts(model)]
    read = {name for text in texts for name in names_in(ast.parse(text, mode="eval").body)}
    used = {*read, *model.assigned, *model.means, *model.ports.values()}
    written = {equation.name for equation in parse_equations(model.equations).equations}
    return {name: nearest(name, sorted(written & used)) for name in model.parameters if name not in used | written}


def check_means(model: NeuronModel) -> None:
    """Refuse means of what the neurons do not have, or in another unit."""
    free = {equation.name for equation in model.equation_set.of("parameter")} - model.parameters.keys()
    for name, written in model.means.items():
        if name not in free:
            raise EquationError(
                f"a mean '{name}', which is no parameter of neuron '{model.name}' that has no value; expected one of "
                f"{', '.join(sorted(free)) or 'none'}"
            )
        unit = model.equation_set.by_name[name].unit
        text, place = parse_expression(written)
        check_expression(text, place)
        variables, own = variables_of(model.equation_set), model.equation_set.by_name
        known = {f"{n}_pre": variable for n, variable in variables.items() if n in own}
        unknown_names(expression_function(name, text).arguments, known, place, what=f"the mean '{name}'")
        if unit_of_expression(text, known | {n: variables[n] for n in BUILTIN_NAMES}, place) is not dimension_of(unit):
            raise place.unit_error(f"the mean '{name} = {text}' does not have the unit of '{name}', {unit}")


def reads_last_spike(model: NeuronModel) -> bool:
    """Whether any text of a neuron asks when it last spiked."""
    return any(LAST_SPIKE in names_in(ast.parse(text, mode="eval").body) for _, text, _ in _texts(model))


def check_reads(model: NeuronModel) -> None:
    """Refuse texts that read the last spike of a neuron without a refractory period."""
    if model.refractory is not None:
        return
    for what, text, place in _texts(model):
        for name in sorted(REFRACTORY & names_in(ast.parse(text, mode="eval").body)):
            if name == LAST_SPIKE:
                raise place.error(
                    f"{what} reads '{name}', {SPECIAL[name]}, and neuron '{model.name}' never spikes; give a threshold",
                    place.find(name),
                )
            raise place.error(
                f"{what} reads '{name}', {SPECIAL[name]}, and neuron '{model.name}' has no refractory period; give "
                "one, such as refractory='2 ms' or '0 ms'",
                place.find(name),
            )


def check_draws(model: NeuronModel) -> None:
    """Refuse lines that draw under a name whose random stream belongs to a threshold or a reset."""
    for name in ("threshold", "reset"):
        if name in model.expressions and model.expressions[name].draws:
            raise model.equation_set.by_name[name].place.error(
                f"'{name}' draws random numbers, and so can the neuron's {name}; call this line otherwise"
            )


def check_values(model: NeuronModel, given: Mapping[str, float] | None = None) -> None:
    """Refuse values of parameters that make an expression something else than a number, as far as they decide it.

    Parameters
    ----------
    given
        The values, in SI units; those of the model by default.
    """
    own = {n: v for n, v in model.parameter_values.items() if n in model.parameters} if given is None else given
    values = {**own, **UNIT_VALUES}
    waiting = {e.name: e for e in model.equation_set.of("subexpression")}
    while ready := [e for e in waiting.values() if not e.names & waiting.keys()]:
        for equation in ready:
            value = decided_value(equation.expression or "0", values, equation.place)
            values |= {} if value is None else {equation.name: value}
            del waiting[equation.name]
    for what, text, place in _texts(model):
        try:
            decided_value(text, values, place)
        except EquationError as error:
            raise place.error(f"in {what}: {error.message}", (error.column or place.column) - place.column) from None


def _texts(model: NeuronModel) -> list[tuple[str, str, Place]]:
    """Each expression with its owner, in words, and its place."""
    texts = [(f"the equation of '{e.name}'", e.expression, e.place) for e in model.equation_set.equations]
    texts += [("the reset", s.expression, s.place) for s in model.reset_statements]
    texts += [("the threshold", model.threshold, model.places.get("threshold", Place()))]
    if model.refractory is not None and model.refractory_seconds is None:
        texts += [("the refractory period", model.refractory, model.places.get("refractory", Place()))]
    return [(what, text, place) for what, text, place in texts if text is not None]
