"""Limits that several engines have."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.moments import acting, in_steps
from neurosim.engines._engine import Call, Limit, Names
from neurosim.engines.setting import Setting
from neurosim.errors import CircuitError, ConfigError


def _stepping(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if setting.steady:
        for pathway in in_steps(circuit, call.phases_of(circuit), call.learn):
            yield {"rule": pathway.synapse.name, "pathway": pathway.name}


def _flowing(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    for pathway in circuit.pathways if setting.steady else ():
        if pathway.synapse.flows:
            yield {"trace": pathway.synapse.flows[0].name, "rule": pathway.synapse.name, "pathway": pathway.name}


def _assigning(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    shared = call.batch > 1 and not call.own_weights
    for pathway in acting(circuit, call.phases_of(circuit), learn=call.learn) if shared else ():
        for side, statements in (("on_pre", pathway.synapse.at_pre), ("on_post", pathway.synapse.at_post)):
            for statement in statements:
                if statement.target in pathway.synapse.learned and statement.operator not in ("+=", "-="):
                    text = f"{statement.target} {statement.operator} {statement.expression}"
                    yield {"pathway": pathway.name, "text": text, "side": side, "trials": call.batch}


def reading_gradient(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    """The pathways that learn by the gradient of the loss."""
    for pathway in acting(circuit, call.phases_of(circuit), learn=call.learn):
        if pathway.synapse.oracle is not None and pathway.synapse.oracle.reads_gradient:
            yield {"rule": pathway.synapse.name, "pathway": pathway.name}


def plain_steps(kind: str) -> Limit:
    """The limit of an engine without optimisers, which applies the rules' increments as they are."""

    def finds(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
        if call.optimiser.kind != "sgd":
            yield {"key": "kind", "got": f"'{call.optimiser.kind}'", "kind": kind}
        elif call.optimiser.clip is not None:
            yield {"key": "clip", "got": f"{call.optimiser.clip:g}", "kind": kind}

    return Limit(
        "optimiser",
        "momentum, Adam, steps of one length, and clipped ones",
        "training.optimiser.{key}: got {got} with engine.kind '{kind}', {remedy}: there the rules' increments are the "
        "steps",
        "expected 'sgd' without clip",
        finds,
        ConfigError,
    )


#: Limits of engines that run the level ``steady``.
NO_STEPS = (
    Limit(
        "pathway",
        "rules that act at every step, at the level `steady`",
        "the rule '{rule}' of pathway '{pathway}' acts at every step, and the level 'steady' has no steps; {remedy}",
        "use the level 'rate'",
        _stepping,
        CircuitError,
    ),
    Limit(
        "pathway",
        "differential equations of synapses, at the level `steady`",
        "the trace '{trace}' of the rule '{rule}' of pathway '{pathway}' has a differential equation, and the level "
        "'steady' has no time; {remedy}",
        "use the level 'rate'",
        _flowing,
        CircuitError,
    ),
)

#: Limit of engines that do not differentiate.
NO_GRADIENT = Limit(
    "pathway",
    "rules that read the gradient of the loss",
    "the rule '{rule}' of pathway '{pathway}' reads the gradient of the loss, and this engine computes none; {remedy}",
    "use the engine 'batched'",
    reading_gradient,
)

#: Limits of engines whose batches share weights.
SHARED_WEIGHTS = Limit(
    "call",
    "assignments to weights at spikes other than `+=` and `-=`, in batches of several trials that share them",
    "{side} of pathway '{pathway}' says '{text}', and the {trials} trials of a batch share these weights, so that each "
    "would have a value of its own; {remedy}",
    "give each trial weights of its own (own_weights=True, or batch = 1), or write '+=' or '-=' with bounds of the "
    "pathway",
    _assigning,
    CircuitError,
)
