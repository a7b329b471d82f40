"""Increments of a pathway's variables: each separated term of its rule is one product over the batch."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from neurosim.circuit.plasticity import RuleTerm, rule_names, rule_terms
from neurosim.circuit.validation import reciprocal_of
from neurosim.circuit.wiring import Wiring
from neurosim.engines.batched.array_functions import compiled
from neurosim.engines.batched.kernels import linear_maps
from neurosim.engines.batched.snapshot import Snapshot
from neurosim.equations.array_code import ArrayFunction
from neurosim.rules._moments import Moment
from neurosim.rules._oracle import OracleRule, gradient_name


def increments(now: Snapshot, pathway: str, trials: int, moment: Moment) -> dict[str, Any]:
    """The increment of each of a pathway's variables, averaged or summed over trials.

    Parameters
    ----------
    now
        All variables at the instant at which the rule acts.
    pathway
        Whose rule.
    trials
        Size of the batch.
    moment
        Which of its rules act.

    Returns
    -------
    dict
        Qualified name -> array of the variable's shape; for traces, which belong to each trial, with a leading
        axis of trials.
    """
    circuit = now.plan.circuit
    synapse = circuit.pathway[pathway].synapse
    if synapse.oracle is not None:
        return _oracle(now, pathway, synapse.oracle, trials)
    averaged = {}
    for variable, terms in rule_terms(circuit, pathway, moment).items():
        trace = variable in synapse.trace_variables
        total: Any = 0.0
        for term in terms:
            total = total + (_in_each_trial if trace else _term)(now, pathway, term, trials)
        shape = circuit.weights_shape(pathway)
        averaged[f"{pathway}.{variable}"] = jnp.broadcast_to(total, (trials, *shape) if trace else shape)
    return averaged


def _oracle(now: Snapshot, pathway: str, rule: OracleRule, trials: int) -> dict[str, Any]:
    names = rule_names(now.plan.circuit, pathway, rule.moment)
    sizes: dict[str, int] = dict(zip(("post", "pre"), now.plan.circuit.shape(pathway), strict=True))
    inputs = {
        argument: jnp.broadcast_to(now[name], (trials, sizes.get(kind, 1))) for argument, (kind, name) in names.items()
    }
    if "reciprocal" in rule.reads:
        inputs["w_reciprocal"] = _reciprocal(now, pathway)
    if rule.reads_gradient:
        inputs["w_gradient"] = now[gradient_name(pathway)]
    values = {variable: now[f"{pathway}.{variable}"] for variable in rule.changed}
    parameters = {name: now[f"{pathway}.{name}"] for name in rule.parameters}
    after = rule.step(jnp, values, inputs, parameters)
    return {f"{pathway}.{variable}": after[variable] - values[variable] for variable in rule.changed}


def _term(now: Snapshot, pathway: str, term: RuleTerm, trials: int) -> Any:
    """A term summed or averaged over trials, and over the synapses that share a weight."""
    circuit = now.plan.circuit
    count = trials if circuit.pathway[pathway].reduction == "mean" else 1
    own = _factor(now, pathway, term.own)
    if own is not None and jnp.ndim(own) > len(circuit.weights_shape(pathway)):
        # A trace, or noise on the weights: each trial's own meets its own trial's factors only.
        return jnp.sum(_in_each_trial(now, pathway, term, trials), axis=0) / count
    post, pre = (_factor(now, pathway, function) for function in (term.post, term.pre))
    connectivity, ends = circuit.connectivity(pathway), circuit.ends(pathway)
    product = linear_maps.product(connectivity, ends, post, pre, trials) / count
    product = _over_positions(circuit, pathway, term, product)
    return product if own is None else product * own


def _in_each_trial(now: Snapshot, pathway: str, term: RuleTerm, trials: int) -> Any:
    """A term of each trial: the shape of the weights behind an axis of trials."""
    circuit = now.plan.circuit
    post, pre, own = (_factor(now, pathway, function) for function in (term.post, term.pre, term.own))
    connectivity, ends = circuit.connectivity(pathway), circuit.ends(pathway)
    product = linear_maps.product_each(connectivity, ends, post, pre, trials)
    product = _over_positions(circuit, pathway, term, product)
    return jnp.broadcast_to(product if own is None else product * own, (trials, *circuit.weights_shape(pathway)))


def _over_positions(circuit: Wiring, pathway: str, term: RuleTerm, summed: Any) -> Any:
    """The increment of a shared weight, from the sum over the synapses that share it."""
    if not circuit.connectivity(pathway).shared:
        return summed
    count = circuit.connectivity(pathway).positions(circuit.ends(pathway))
    if circuit.pathway[pathway].positions == "sum" and term.sees_neurons:
        return summed
    # Weights that only the padding would see have no synapse, and nothing changes them.
    return summed / np.maximum(count, 1).astype(summed.dtype)


def _factor(now: Snapshot, pathway: str, function: ArrayFunction | None) -> Any:
    if function is None:
        return None
    names = rule_names(now.plan.circuit, pathway)
    arguments = {}
    for argument in function.arguments:
        _, name = names[argument]
        if argument == "w_reciprocal":
            arguments[argument] = _reciprocal(now, pathway)
        else:
            arguments[argument] = now[name]
    return compiled(function)(**arguments)


def _reciprocal(now: Snapshot, pathway: str) -> Any:
    """The weights of the pathway that leads back, transposed."""
    circuit = now.plan.circuit
    return linear_maps.transposed_weights(now[f"{reciprocal_of(circuit, circuit.pathway[pathway])}.w"])
