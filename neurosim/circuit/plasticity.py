"""A pathway's rule, resolved: which variable of the circuit each of its names means, and its separated terms."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from neurosim.circuit.composition import broadcast, compose
from neurosim.circuit.wiring import Wiring
from neurosim.equations.array_code import ArrayFunction, expression_function
from neurosim.equations.cancelling import kept_whole
from neurosim.equations.dimensions import UNIT_VALUES
from neurosim.equations.grammar import CONSTANTS, Place
from neurosim.equations.parse import Statement, unknown_names
from neurosim.equations.symbolic import Term, separate
from neurosim.errors import EquationError
from neurosim.rules._moments import Moment
from neurosim.rules._oracle import OracleRule
from neurosim.rules._rule import Rule

#: Name, in rules, of a normal number that is drawn anew for each weight in each batch.
UPDATE_NOISE = "update_noise"


@dataclass(frozen=True)
class RuleTerm:
    """One product of a rule: functions of the postsynaptic, presynaptic and own variables.

    A factor that is one everywhere is none. `sees_neurons` says whether any neuron's variable is in it.
    """

    post: ArrayFunction | None
    pre: ArrayFunction | None
    own: ArrayFunction | None
    sees_neurons: bool


@functools.lru_cache(maxsize=256)
def rule_names(circuit: Wiring, pathway: str, moment: Moment | None = None) -> Mapping[str, tuple[str, str]]:
    """Each name in what a pathway's rules do at a moment: where it lives and its qualified name.

    Parameters
    ----------
    moment
        When; of the updates of all moments if left out.

    Returns
    -------
    dict
        name -> (``pre`` | ``post`` | ``own`` | ``trace`` (own, and the trial's) | ``constant`` | ``trial``,
        qualified name).

    Raises
    ------
    EquationError
        For a name that nothing in reach of the synapse defines.
    """
    synapse = circuit.pathway[pathway].synapse
    places: dict[str, tuple[str, str]] = {}
    for rule in synapse.updates if moment is None else (synapse.at(moment),):
        if rule is None:
            continue
        known = synapse_names(circuit, pathway, spikes=rule.moment.sees_spikes)
        readable = known.keys() | UNIT_VALUES.keys() | CONSTANTS.keys()
        names = rule.update_names if isinstance(rule, Rule) else rule.names
        for statement in rule.statements:
            _refuse_spikes(rule, statement)
            own = synapse.expressions.keys()
            if unknown := statement.names - readable - own:
                unknown_names(unknown, {*known, *own}, statement.place, what=f"the rule '{rule.name}'")
        unknown_names(names - readable, known, Place(text=rule.name), what=f"the rule '{rule.name}'")
        if not rule.moment.sees_activity:
            _refuse_activity(rule, known)
        places |= {name: known[name] for name in names & known.keys()}
    return places


def synapse_names(circuit: Wiring, pathway: str, *, spikes: bool = False) -> dict[str, tuple[str, str]]:
    """All names that a synapse of a pathway knows, as `rule_names` gives them.

    Parameters
    ----------
    spikes
        Whether spikes of the step are among them.
    """
    declared = circuit.pathway[pathway]
    synapse = declared.synapse
    known: dict[str, tuple[str, str]] = {name: ("own", f"{pathway}.{name}") for name in synapse.synaptic_variables}
    known |= {name: ("trace", f"{pathway}.{name}") for name in synapse.trace_variables}
    known |= {name: ("constant", f"{pathway}.{name}") for name in synapse.parameters}
    if declared.sigma is not None:
        known |= {"noise": ("own", f"{pathway}.noise"), "sigma": ("constant", f"{pathway}.sigma")}
    known |= {UPDATE_NOISE: ("own", f"{pathway}.{UPDATE_NOISE}")}
    if twice := sorted(known.keys() & broadcast(circuit).keys()):
        raise EquationError(
            f"'{twice[0]}' of the rule '{synapse.name}' is also the name of a broadcast variable; rename one"
        )
    known |= {name: ("trial", name) for name in broadcast(circuit)}
    known |= {"dt": ("constant", "dt")}
    if "reciprocal" in synapse.reads:
        known["w_reciprocal"] = ("own", f"{pathway}.w_reciprocal")
    for side, population in (("pre", declared.pre), ("post", declared.post)):
        for name, equation in compose(circuit)[population].equation_set.by_name.items():
            kind = "constant" if "constant" in equation.flags and "shared" in equation.flags else side
            known[f"{name}_{side}"] = (kind, f"{population}.{name}")
        if compose(circuit)[population].threshold is not None and spikes:
            known[f"spikes_{side}"] = (side, f"{population}.spikes")
    return known


@functools.lru_cache(maxsize=256)
def rule_terms(circuit: Wiring, pathway: str, moment: Moment) -> Mapping[str, tuple[RuleTerm, ...]]:
    """The separated terms of each variable's increment at a moment.

    Raises
    ------
    EquationError
        If a term does not separate into pre-, postsynaptic and own factors, naming the term.
    """
    rule = circuit.pathway[pathway].synapse.at(moment)
    if not isinstance(rule, Rule):
        return {}
    names = rule_names(circuit, pathway, moment)
    return {
        variable: tuple(resolved(term, names) for term in separated(circuit, pathway, expression, moment))
        for variable, expression in rule.increments.items()
    }


def resolved(term: Term, names: Mapping[str, tuple[str, str]]) -> RuleTerm:
    """A separated term as functions of arrays."""

    def function(name: str, text: str) -> ArrayFunction | None:
        return None if text == "1" else expression_function(name, text)

    factors = [function(side, getattr(term, side)) for side in ("post", "pre", "own")]
    arguments = {argument for factor in factors if factor is not None for argument in factor.arguments}
    return RuleTerm(*factors, sees_neurons=any(names[argument][0] in ("pre", "post") for argument in arguments))


def separated(circuit: Wiring, pathway: str, increment: str, moment: Moment) -> tuple[Term, ...]:
    """The terms of an increment of a pathway's rule, as text."""
    return terms_of(increment, rule_names(circuit, pathway, moment))


def terms_of(expression: str, names: Mapping[str, tuple[str, str]]) -> tuple[Term, ...]:
    """The terms of an expression over what a synapse sees, as text.

    Raises
    ------
    EquationError
        If a term does not separate, naming it.
    """
    kinds = {name: kind.replace("trace", "own") for name, (kind, _) in names.items()}
    return _separated(expression, tuple(sorted(kinds.items())))


@functools.lru_cache(maxsize=1024)
def _separated(increment: str, kinds: tuple[tuple[str, str], ...]) -> tuple[Term, ...]:
    # A name that is not among them is a unit.
    return separate(kept_whole(increment), lambda name: dict(kinds).get(name, "constant"))


def _refuse_spikes(rule: Rule | OracleRule, statement: Statement) -> None:
    """Refuse spikes, which last one time step, in rules that act at other moments."""
    for name in sorted({"spikes_pre", "spikes_post"} & statement.names):
        if not rule.moment.sees_spikes:
            raise statement.place.error(
                f"the rule '{rule.name}' reads '{name}', the spikes of one time step, and acts "
                f"{rule.moment.phrase}; expected timing='step', or a variable "
                "of the neuron that keeps a trace of its spikes",
                statement.place.find(name),
            )


def _refuse_activity(rule: Rule | OracleRule, known: Mapping[str, tuple[str, str]]) -> None:
    """Refuse names that have no value before the first phase."""
    for statement in rule.statements:
        for name in sorted(statement.names):
            if name in known and (known[name][0] not in ("own", "constant") or name == "noise"):
                raise statement.place.error(
                    f"the rule '{rule.name}' acts {rule.moment.phrase}, when '{name}' has no value yet; "
                    "expected parameters and the synapse's own variables, or timing='phase_end'"
                )
