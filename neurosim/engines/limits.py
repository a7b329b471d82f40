"""Limits that several engines have."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.moments import STEP, acting
from neurosim.engines._engine import Call, Limit, Names
from neurosim.engines.setting import Setting
from neurosim.errors import CircuitError, ConfigError


def _stepping(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if setting.steady:
        for pathway in acting(circuit, call.phases_of(circuit), STEP, call.learn):
            yield {"rule": pathway.synapse.name, "pathway": pathway.name}


def plain_steps(kind: str) -> Limit:
    """The limit of an engine, by its name, that takes the rules' increments as they are."""

    def found(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
        if call.optimiser.kind != "sgd":
            yield {"got": call.optimiser.kind, "kind": kind}

    return Limit(
        "optimiser",
        "momentum, Adam, and steps of one length",
        "training.optimiser.kind: got '{got}' with engine.kind '{kind}', {remedy}: there the rules' increments are the "
        "steps",
        "expected 'sgd'",
        found,
        ConfigError,
    )


#: Of engines that run the level ``steady``.
NO_STEPS = Limit(
    "pathway",
    "rules that act at every step, at the level `steady`",
    "the rule '{rule}' of pathway '{pathway}' acts at every step, and the level 'steady' has no steps; {remedy}",
    "use the level 'rate'",
    _stepping,
    CircuitError,
)
