"""Whether a pathway's rule changes its weights, and its own variables, by quantities of their units."""

from __future__ import annotations

from collections.abc import Mapping

from neurosim.circuit.composition import broadcast, compose
from neurosim.circuit.description import Pathway
from neurosim.circuit.weight_units import weight_unit
from neurosim.circuit.wiring import Wiring
from neurosim.equations.dimensions import UNIT_VALUES, dimension_of, unit_of_name
from neurosim.equations.grammar import CONSTANTS
from neurosim.equations.inference import NO_UNIT, TRUTH, Form, Inference, form_of, free
from neurosim.rules._rule import Rule


def check_rule_units(circuit: Wiring, pathway: Pathway, reciprocal: Pathway | None) -> None:
    """Refuse a rule whose update cannot have the unit of what it changes.

    Parameters that are plain numbers have whatever unit the update needs, the same one wherever they stand.

    Raises
    ------
    UnitError
        With the place in the update, what was got and what is expected.
    """
    rule = pathway.rule
    if not isinstance(rule, Rule):
        return
    inference = Inference(_names(circuit, pathway, reciprocal))
    for statement in rule.statements:
        got = inference.unit(statement.expression, statement.place)
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


def _names(circuit: Wiring, pathway: Pathway, reciprocal: Pathway | None) -> Mapping[str, Form]:
    weight = form_of(dimension_of(weight_unit(circuit, pathway)))
    known = {name: form_of(unit_of_name(name)) for name in pathway.rule.names & UNIT_VALUES.keys()}
    known |= {name: NO_UNIT for name in (*CONSTANTS, "update_noise", "noise", "spikes_pre", "spikes_post")}
    known |= {"dt": form_of(dimension_of("second")), "w": weight, "sigma": weight}
    if reciprocal is not None:
        known["w_reciprocal"] = form_of(dimension_of(weight_unit(circuit, reciprocal)))
    for side, population in (("pre", pathway.pre), ("post", pathway.post)):
        for name, equation in compose(circuit)[population].equation_set.by_name.items():
            boolean = equation.unit == "boolean"
            known[f"{name}_{side}"] = TRUTH if boolean else form_of(dimension_of(equation.unit))
    known |= {name: form_of(dimension_of(unit)) for name, unit in broadcast(circuit).items()}
    declared = pathway.rule.declared.equations if pathway.rule.declared else ()
    known |= {equation.name: form_of(dimension_of(equation.unit)) for equation in declared}
    for name, (_, unit) in pathway.parameter_quantities.items():
        known[name] = free(name) if unit is None else form_of(dimension_of(unit))
    return known
