"""The units of weights, inferred from those of source and target."""

from __future__ import annotations

from collections.abc import Mapping

from neurosim.circuit.composition import broadcast, compose
from neurosim.circuit.description import Pathway
from neurosim.circuit.wiring import Wiring
from neurosim.equations.dimensions import UNIT_VALUES, dimension_of, unit_of_name
from neurosim.equations.grammar import CONSTANTS, check_expression, names_in
from neurosim.equations.inference import NO_UNIT, TRUTH, Form, Inference, form_of, free
from neurosim.equations.parse import parse_expression
from neurosim.units import dimension_text


def weight_unit(circuit: Wiring, pathway: Pathway) -> str:
    """The unit of a pathway's weights: that of the target over that of the source, as a product of base units.

    Where a text says what is delivered, the unit that makes this fit its target.
    """
    target, variable = compose(circuit)[pathway.post], pathway.target.split(".")[1]
    dimension = dimension_of(target.equation_set.by_name[variable].unit)
    if pathway.delivers is not None or any(s.target == f"{variable}_post" for s in pathway.synapse.at_pre):
        return _inferred(circuit, pathway)
    if not pathway.at_spikes:
        source = compose(circuit)[pathway.pre].equation_set.by_name[pathway.source.split(".")[1]]
        dimension = dimension / dimension_of(source.unit)
    return dimension_text(dimension)


def _inferred(circuit: Wiring, pathway: Pathway) -> str:
    inference = Inference({**names_of(circuit, pathway), "w": free("w")})
    # Local names first, in the order written, so that what is delivered is known by them.
    known = dict(inference.names)
    inference.names = known
    if pathway.delivers is not None:
        text, place = parse_expression(pathway.delivers)
        inference.fits(inference.unit(text, place), known[f"{pathway.target.split('.')[1]}_post"])
    for statement in pathway.synapse.at_pre:
        got = inference.unit(statement.expression, statement.place)
        if statement.target in known and statement.target != "w":
            inference.fits(got, known[statement.target])
        elif statement.operator == "=":
            known[statement.target] = got
    form = inference.resolved(free("w"))
    return inference.unit_text(Form(form.known))


def names_of(circuit: Wiring, pathway: Pathway, reciprocal: Pathway | None = None) -> Mapping[str, Form]:
    """The unit of each name that a pathway's synapse sees, except its weight."""
    synapse = pathway.synapse
    known = {name: form_of(unit_of_name(name)) for name in _written_units(pathway)}
    known |= {name: NO_UNIT for name in (*CONSTANTS, "update_noise", "noise", "spikes_pre", "spikes_post")}
    known |= {"dt": form_of(dimension_of("second"))}
    if reciprocal is not None:
        known["w_reciprocal"] = form_of(dimension_of(weight_unit(circuit, reciprocal)))
    for side, population in (("pre", pathway.pre), ("post", pathway.post)):
        for name, equation in compose(circuit)[population].equation_set.by_name.items():
            boolean = equation.unit == "boolean"
            known[f"{name}_{side}"] = TRUTH if boolean else form_of(dimension_of(equation.unit))
    known |= {name: form_of(dimension_of(unit)) for name, unit in broadcast(circuit).items()}
    written = (equation for rule in synapse.local_rules for equation in rule.written)
    known |= {e.name: TRUTH if e.unit == "boolean" else form_of(dimension_of(e.unit)) for e in written}
    for name, (_, unit) in pathway.parameter_quantities.items():
        known[name] = free(name) if unit is None else form_of(dimension_of(unit))
    return known


def _written_units(pathway: Pathway) -> frozenset[str]:
    """The names of units in a pathway's texts."""
    names = set(pathway.synapse.names)
    names |= {name for rule in pathway.synapse.local_rules for e in rule.written for name in e.names}
    if pathway.delivers is not None:
        names |= names_in(check_expression(*parse_expression(pathway.delivers)))
    return frozenset(names & UNIT_VALUES.keys())
