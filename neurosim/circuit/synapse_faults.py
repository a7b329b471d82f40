"""Faults in the texts of a pathway: its rules, its delivery, its delay and its bounds."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim.circuit.composition import broadcast, compose
from neurosim.circuit.delays import check_delay
from neurosim.circuit.description import Pathway
from neurosim.circuit.plan import plan
from neurosim.circuit.plasticity import rule_names, separated, synapse_names
from neurosim.circuit.rule_units import check_rule_units
from neurosim.circuit.spike_texts import bounds_of, spike_text, trace_steps
from neurosim.circuit.text_values import check_texts
from neurosim.circuit.wiring import Wiring
from neurosim.equations.dimensions import UNIT_VALUES
from neurosim.equations.grammar import CONSTANTS, check_expression, names_in
from neurosim.equations.parse import Statement, parse_expression, unknown_names
from neurosim.errors import EquationError, NeurosimError
from neurosim.rules._rule import Rule


def synapse_faults(circuit: Wiring, pathway: Pathway, reciprocal: Pathway | None) -> Iterator[str]:
    """Every fault in the texts of a pathway, each as one sentence."""
    where = f"pathway '{pathway.name}'"
    parts = (f"{where}: {fault}" for fault in _part_faults(circuit, pathway))
    if missing := list(parts):
        yield from missing
        return
    try:
        check_delay(circuit, pathway.name)
        _check_names(circuit, pathway)
        check_rule_units(circuit, pathway, reciprocal)
        check_texts(pathway, pathway.rule_parameters)
        for rule in pathway.synapse.updates:
            for increment in rule.increments.values() if isinstance(rule, Rule) else ():
                separated(circuit, pathway.name, increment, rule.moment)
        trace_steps(circuit, pathway.name)
        _check_order(circuit, pathway)
    except NeurosimError as error:
        yield f"{where}: {error}"


def _part_faults(circuit: Wiring, pathway: Pathway) -> Iterator[str]:
    """Texts that this kind of pathway cannot have."""
    synapse = pathway.synapse
    source, target = (circuit.population[name].neuron for name in (pathway.pre, pathway.post))
    if synapse.at_pre and source.threshold is None:
        yield f"on_pre acts at spikes of '{pathway.pre}', whose neuron '{source.name}' has no threshold"
    if synapse.at_post and target.threshold is None:
        yield f"on_post acts at spikes of '{pathway.post}', whose neuron '{target.name}' has no threshold"
    texts = {
        "delivers": pathway.delivers is not None,
        "bounds": pathway.bounds is not None,
        "statements at spikes": synapse.acts_at_spikes,
        "equations of traces": bool(synapse.flows),
    }
    said = [name for name, given in texts.items() if given]
    connectivity = circuit.connectivity(pathway.name)
    if said and not connectivity.weighted:
        yield f"{connectivity} has no weights and cannot have {said[0]}"
    elif said and connectivity.shared:
        yield f"{connectivity} shares weights among positions, where {said[0]} cannot act; expected dense or sparse"
    elif said and pathway.tie is not None:
        yield f"it uses the weights of '{pathway.tie.pathway}'; give {said[0]} to that pathway"
    elif said and (pathway.derived is not None or pathway.sigma is not None):
        kind = "derived" if pathway.derived is not None else "noisy (sigma)"
        yield f"its weights are {kind}, and such pathways deliver weight times activity; leave out {said[0]}"
    elif said and synapse.oracle is not None and said != ["bounds"]:
        yield f"the rule '{synapse.name}' computes on the whole pathway and cannot be combined with {said[0]}"
    yield from _bound_faults(circuit, pathway)
    if pathway.chosen_by is not None and pathway.delay is not None:
        yield "it leads back from maximum pooling, which chooses neurons at the same instant; leave out the delay"


def _bound_faults(circuit: Wiring, pathway: Pathway) -> Iterator[str]:
    try:
        bounds = bounds_of(circuit, pathway.name)
    except NeurosimError as error:
        names = ", ".join(pathway.synapse.parameters) or "none"
        yield f"bounds: {error}; expected quantities, or names of parameters of the rule ({names})"
        return
    if bounds is None or pathway.bounds is None:
        return
    least, most = (pathway.rule_parameters.get(each) if isinstance(each, str) else each for each in bounds)
    if least is not None and most is not None and least > most:
        yield f"bounds: the least weight {pathway.bounds[0]} is above the greatest {pathway.bounds[1]}"


def _check_names(circuit: Wiring, pathway: Pathway) -> None:
    """Refuse names that nothing in reach of the synapse defines."""
    rule_names(circuit, pathway.name)
    known = synapse_names(circuit, pathway.name)
    for rule in pathway.synapse.local_rules:
        readable = {*known, *rule.expressions, *UNIT_VALUES, *CONSTANTS}
        for equation in rule.written:
            what = f"the trace '{equation.name}'"
            unknown_names(equation.names - readable, readable - _common(), equation.place, what=what)
        for side, statements in (("on_pre", rule.at_pre), ("on_post", rule.at_post)):
            local: set[str] = set()
            for statement in statements:
                what = f"{side} of the rule '{rule.name}'"
                _refuse_broadcast(circuit, rule, statement)
                unknown_names(
                    statement.names - readable - local, (readable | local) - _common(), statement.place, what=what
                )
                if statement.target.endswith("_post") and statement.target not in known:
                    unknown_names([statement.target], _targets(circuit, pathway), statement.place, what=what)
                elif statement.target.endswith("_post") and statement.target not in _targets(circuit, pathway):
                    raise statement.place.error(
                        f"'{statement.target}' is no state variable of '{pathway.post}' that a spike can change; "
                        f"expected one of {', '.join(sorted(_targets(circuit, pathway))) or 'none'}"
                    )
                local |= {statement.target} - {*rule.synaptic_variables}
    if pathway.delivers is not None:
        text, place = parse_expression(pathway.delivers)
        names = names_in(check_expression(text, place))
        readable = {*known, *pathway.synapse.expressions, *UNIT_VALUES, *CONSTANTS}
        unknown_names(names - readable, readable - _common(), place, what="what is delivered")


def _common() -> set[str]:
    """Names that messages do not list: units and constants."""
    return {*UNIT_VALUES, *CONSTANTS}


def _refuse_broadcast(circuit: Wiring, rule: Rule, statement: Statement) -> None:
    if statement.target in broadcast(circuit):
        raise statement.place.error(
            f"'{statement.target}' is a broadcast variable, which statements at spikes of the rule '{rule.name}' "
            "cannot assign; rename it"
        )


def _targets(circuit: Wiring, pathway: Pathway) -> set[str]:
    """Variables to which a spike can add, with the ending of the postsynaptic neuron."""
    equations = compose(circuit)[pathway.post].equation_set
    return {f"{equation.name}_post" for equation in equations.of("differential")}


def _check_order(circuit: Wiring, pathway: Pathway) -> None:
    """Refuse a text that reads what it delivers to: the order of synapses would matter."""
    text = spike_text(circuit, pathway.name, "pre")
    if text is None:
        return
    for name, (_, qualified) in text.names.items():
        touched = plan(circuit).leaves_of([qualified]) & set(text.targets)
        if touched and name != "w":
            (first, *_) = sorted(touched)
            raise EquationError(
                f"its statements at a spike read '{name}', which depends on '{first}', and add to '{first}': "
                "the order of synapses would matter; deliver into another variable (a conductance, say), and let the "
                "neuron's equations combine the two"
            )
