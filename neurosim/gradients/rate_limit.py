"""How near the learning rate of a feedback pathway is to the limit beyond which its weights diverge.

A rule that moves weights towards what feedback should deliver reads what it does deliver, which is linear in the
weights: in the mean over a batch the error of a neuron's weights shrinks by ``1 - M``, with ``M`` the mean of what the
increment loses for each unit delivered, times what the sender sends. They diverge where an eigenvalue of ``M`` is above
2; for least mean squares that is a rate above 2 over the largest eigenvalue of the second moment of the sender's error
(Widrow & Stearns 1985, Adaptive Signal Processing, chapter 6).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Dense
from neurosim.circuit.description import Pathway
from neurosim.circuit.moments import PHASE_END
from neurosim.equations.array_code import ArrayFunction, expression_function
from neurosim.equations.symbolic import differentiate
from neurosim.errors import EquationError
from neurosim.rules._rule import Rule

#: The mean increment of a weight loses at most so much of what is delivered before it diverges.
LIMIT = 2.0


@dataclass(frozen=True)
class Losses:
    """What the increments of a pathway's weights lose, as functions of what the synapse sees.

    Attributes
    ----------
    delivered
        The derivative of the increment with respect to what the target holds of the delivered signal.
    weight
        The derivative with respect to the weight itself.
    names
        Name in the rule -> variable of a population, ``hidden2.delta``, whose value at the end of the phase it is.
    """

    delivered: ArrayFunction
    weight: ArrayFunction
    names: Mapping[str, str]


def losses_of(circuit: Circuit, pathway: Pathway) -> Losses | None:
    """What the increments of a feedback pathway lose; none if nothing is learned at the end of a phase.

    Rules at steps, weights that synapses share, and what is held of more than a variable are left alone.
    """
    rule = pathway.rule
    plain = isinstance(rule, Rule) and PHASE_END in pathway.synapse.moments and "w" in rule.increments
    signal = circuit.population[pathway.post].neuron.ports.get("signal")
    if not isinstance(rule, Rule) or not plain or circuit.connectivity(pathway.name) != Dense() or signal is None:
        return None
    held = {
        f"{each.population}.{each.statement.target}": f"{each.population}.{each.statement.expression}"
        for phase in circuit.phases
        for each in phase.hold
    }
    held_signal = next((name for name, value in held.items() if value == f"{pathway.post}.{signal}"), "").rpartition(
        "."
    )[2]
    try:
        texts = [differentiate(rule.increments["w"], name) for name in (f"{held_signal}_post", "w")]
    except EquationError:
        return None
    functions = [expression_function(name, text) for name, text in zip(("delivered", "weight"), texts, strict=True)]
    names = {}
    for name in {*functions[0].arguments, *functions[1].arguments}:
        stem, _, side = name.rpartition("_")
        if side in ("pre", "post"):
            names[name] = held.get(f"{pathway.pre if side == 'pre' else pathway.post}.{stem}", "")
            if not names[name].rpartition(".")[2].isidentifier():
                return None
    return Losses(functions[0], functions[1], names)


def share_of_limit(losses: Losses, pathway: Pathway, state: Mapping[str, Any], ends: Mapping[str, np.ndarray]) -> float:
    """The largest eigenvalue of what a batch's mean increment loses, over the `LIMIT`: above 1 weights diverge.

    Parameters
    ----------
    losses
        From `losses_of`.
    state
        The pathway's parameters and the variables of its synapses.
    ends
        What `Losses.names` and the pathway's source are at the end of the phase, ``(trial, n)`` each.
    """

    def value(name: str) -> Any:
        if name in losses.names:
            array = ends[losses.names[name]]
            return array[:, None, :] if name.endswith("_pre") else array[:, :, None]
        own = state.get(f"{pathway.name}.{name}")
        return np.asarray(pathway.rule_parameters[name] if own is None else own, dtype=np.float64)

    sent = np.asarray(ends[pathway.source], dtype=np.float64)
    slopes = [each.compile(np)(**{n: value(n) for n in each.arguments}) for each in (losses.delivered, losses.weight)]
    # Postsynaptic neurons lose alike unless a rule says otherwise: then this is their mean.
    lost = -np.broadcast_to(slopes[0], np.broadcast_shapes(np.shape(slopes[0]), (len(sent), 1, sent.shape[1]))).mean(
        axis=1
    )
    # The same eigenvalues as those of the matrix over senders, which may be many more than trials.
    products = sent @ lost.T / len(sent)
    if not np.isfinite(products).all():
        return math.nan
    return float(max(np.linalg.eigvals(products).real.max(initial=0.0), 0.0) - np.mean(slopes[1])) / LIMIT
