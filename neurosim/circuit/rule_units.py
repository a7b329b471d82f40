"""Units of a pathway's texts: a change has the unit of the weight, variable or target that it changes."""

from __future__ import annotations

from fractions import Fraction

from neurosim.circuit.description import Pathway
from neurosim.circuit.spike_texts import bounds_of
from neurosim.circuit.weight_units import names_of, weight_unit
from neurosim.circuit.wiring import Wiring
from neurosim.equations.dimensions import dimension_of
from neurosim.equations.inference import Form, Inference, form_of
from neurosim.equations.parse import Statement, parse_expression
from neurosim.errors import UnitError
from neurosim.rules._rule import Rule
from neurosim.units import parse_quantity


def check_rule_units(circuit: Wiring, pathway: Pathway, reciprocal: Pathway | None) -> None:
    """Refuse texts that cannot have the unit of what they change.

    Parameters that are plain numbers have whatever unit the texts need, the same one wherever they stand.

    Raises
    ------
    UnitError
        With the place in the text, what was got and what is expected.
    """
    if pathway.synapse.oracle is not None:
        return
    weight = form_of(dimension_of(weight_unit(circuit, pathway)))
    names = dict(names_of(circuit, pathway, reciprocal)) | {"w": weight, "sigma": weight}
    inference = Inference(names)
    for rule in pathway.synapse.local_rules:
        _check_traces(rule, inference)
        for statement in rule.statements:
            got = inference.unit(statement.expression, statement.place)
            _check_change(pathway, rule, statement, inference, got)
        for statements in (rule.at_pre, rule.at_post):
            inference.names = {**names}
            _check_at_spikes(pathway, rule, statements, inference)
        inference.names = names
    _check_delivery(pathway, inference)
    _check_bounds(circuit, pathway, inference, weight)


def _check_change(pathway: Pathway, rule: Rule, statement: Statement, inference: Inference, got: Form) -> None:
    expected = inference.names[statement.target]
    if not inference.fits(got, expected):
        what = f"'{statement.target}'"
        if statement.target == "w":
            what = f"the weights, '{pathway.target}' per '{pathway.source}'"
            what = f"the weights, '{pathway.target}' per spike" if pathway.at_spikes else what
        raise statement.place.unit_error(
            f"the rule '{rule.name}' changes {what}, by {inference.shown(got)}, expected "
            f"{inference.shown(expected)}; a factor that is a parameter with a plain number takes the unit that is "
            "missing"
        )


def _check_traces(rule: Rule, inference: Inference) -> None:
    """The unit of a trace's equation: its own, of a differential equation its own per second."""
    second = form_of(dimension_of("second"))
    for equation in rule.written:
        if equation.kind == "parameter":
            continue
        got = inference.unit(equation.expression or "0", equation.place)
        own = inference.names[equation.name]
        expected = own.times(second.to(Fraction(-1))) if equation.kind == "differential" else own
        if not inference.fits(got, expected):
            what = f"d{equation.name}/dt" if equation.kind == "differential" else equation.name
            raise equation.place.unit_error(
                f"the trace '{equation.name}' of the rule '{rule.name}': the right-hand side of {what} has unit "
                f"{inference.shown(got)}, expected {inference.shown(expected)}"
            )


def _check_at_spikes(pathway: Pathway, rule: Rule, statements: tuple[Statement, ...], inference: Inference) -> None:
    known = dict(inference.names)
    inference.names = known
    for statement in statements:
        got = inference.unit(statement.expression, statement.place)
        if statement.target not in known:
            known[statement.target] = got
        elif statement.operator in ("*=", "/="):
            _check_change(
                pathway,
                rule,
                Statement(statement.target, "=", "1", statement.place),
                inference,
                known[statement.target].times(got),
            )
        else:
            _check_change(pathway, rule, statement, inference, got)


def _check_delivery(pathway: Pathway, inference: Inference) -> None:
    if pathway.delivers is None:
        return
    text, place = parse_expression(pathway.delivers)
    got, expected = inference.unit(text, place), inference.names[f"{pathway.target.split('.')[1]}_post"]
    if not inference.fits(got, expected):
        raise place.unit_error(
            f"what is delivered has unit {inference.shown(got)}, expected {inference.shown(expected)}, that of "
            f"'{pathway.target}'"
        )


def _check_bounds(circuit: Wiring, pathway: Pathway, inference: Inference, weight: Form) -> None:
    unit = weight_unit(circuit, pathway)
    for value, bound in zip(pathway.bounds or (), bounds_of(circuit, pathway.name) or (), strict=True):
        if isinstance(bound, str):
            got = inference.names[bound]
            if not inference.fits(got, weight):
                raise UnitError(
                    f"bounds: '{bound}' has unit {inference.shown(got)}, expected {inference.shown(weight)}, that of "
                    "the weights"
                )
        elif isinstance(value, str):
            try:
                parse_quantity(value, unit)
            except UnitError as error:
                raise UnitError(f"bounds: {error}") from None
