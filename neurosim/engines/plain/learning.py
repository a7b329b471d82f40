"""Increments of weights, each as the sum of its rule over synapses and trials."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.circuit.plasticity import RuleTerm, rule_names, rule_terms
from neurosim.circuit.validation import reciprocal_of
from neurosim.engines.plain.instant import Instant, compiled
from neurosim.equations.array_code import ArrayFunction
from neurosim.rules._moments import Moment
from neurosim.rules._oracle import OracleRule


def increments(now: Instant, pathway: str, trials: int, moment: Moment) -> dict[str, np.ndarray]:
    """The increment of each variable of a pathway's synapses, averaged or summed over trials.

    Parameters
    ----------
    now
        All variables at the instant at which the rule acts.
    pathway
        Name of the pathway whose rule acts.
    trials
        How many there are.
    moment
        Which of its rules act.

    Returns
    -------
    dict
        Qualified name -> array of the shape of the weights.
    """
    circuit = now.plan.circuit
    oracle = circuit.pathway[pathway].synapse.oracle
    if oracle is not None:
        return _of_oracle(now, pathway, oracle, trials)
    count = trials if circuit.pathway[pathway].reduction == "mean" else 1
    averaged = {}
    for variable, terms in rule_terms(circuit, pathway, moment).items():
        total = np.zeros(circuit.weights_shape(pathway))
        for term in terms:
            total = total + _term(now, pathway, term, trials)
        averaged[f"{pathway}.{variable}"] = total / count
    return averaged


def _term(now: Instant, pathway: str, term: RuleTerm, trials: int) -> np.ndarray:
    """One product of a rule, summed over trials: own factor times the sum of post times pre over synapses."""
    circuit = now.plan.circuit
    shape, ends = circuit.weights_shape(pathway), circuit.ends(pathway)
    made = circuit.connectivity(pathway).synapses(ends)
    assert made.weight is not None, "only weights learn"
    post = np.broadcast_to(_factor(now, pathway, term.post), (trials, ends.n_post))[:, made.post]
    pre = np.broadcast_to(_factor(now, pathway, term.pre), (trials, ends.n_pre))[:, made.pre]
    # Of each weight and trial: several synapses may have the same weight.
    by_weight = np.zeros((int(np.prod(shape)), trials))
    np.add.at(by_weight, made.weight, (post * pre).T)
    summed = by_weight.T
    # Synapses that share a weight are averaged, unless the pathway asks for their sum.
    sharing = np.bincount(made.weight, minlength=summed.shape[1])
    if circuit.pathway[pathway].positions != "sum" or not term.sees_neurons:
        summed = summed / np.maximum(sharing, 1)
    own = np.broadcast_to(_factor(now, pathway, term.own), (trials, *shape))
    return np.sum(own * summed.reshape(trials, *shape), axis=0)


def _factor(now: Instant, pathway: str, function: ArrayFunction | None) -> Any:
    """A factor of a term; one where it has none."""
    if function is None:
        return 1.0
    names = rule_names(now.plan.circuit, pathway)
    values = {a: reciprocal(now, pathway) if a == "w_reciprocal" else now[names[a][1]] for a in function.arguments}
    return compiled(function)(**values)


def reciprocal(now: Instant, pathway: str) -> np.ndarray:
    """The weights of the pathway that leads back, transposed, so that they have the shape of its own."""
    circuit = now.plan.circuit
    weights = now[f"{reciprocal_of(circuit, circuit.pathway[pathway])}.w"]
    return np.swapaxes(weights, 0, 1) if weights.ndim > 1 else weights


def _of_oracle(now: Instant, pathway: str, rule: OracleRule, trials: int) -> dict[str, np.ndarray]:
    """The increments of a rule that computes on the arrays of the whole pathway."""
    circuit = now.plan.circuit
    sizes: dict[str, int] = dict(zip(("post", "pre"), circuit.shape(pathway), strict=True))
    inputs = {
        argument: np.broadcast_to(now[name], (trials, sizes.get(kind, 1)))
        for argument, (kind, name) in rule_names(circuit, pathway).items()
    }
    if "reciprocal" in rule.reads:
        inputs["w_reciprocal"] = reciprocal(now, pathway)
    values = {variable: now[f"{pathway}.{variable}"] for variable in rule.changed}
    after = rule.step(np, values, inputs, {name: now[f"{pathway}.{name}"] for name in rule.parameters})
    return {f"{pathway}.{variable}": after[variable] - values[variable] for variable in rule.changed}
