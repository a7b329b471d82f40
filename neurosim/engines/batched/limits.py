"""Limits of the batched engine."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase
from neurosim.circuit.moments import in_steps
from neurosim.engines._engine import Call, Limit, Names
from neurosim.engines.limits import NO_STEPS, SHARED_WEIGHTS, reading_gradient
from neurosim.engines.setting import Setting
from neurosim.errors import CircuitError

_REMEDY = "leave out the threshold"
_WHERE = "phase '{phase}' ends once '{variable}' is below {threshold}, so its length is not known"


def _ending(circuit: Circuit, setting: Setting, call: Call) -> Iterator[tuple[Phase, Names]]:
    """Phases that end once they have settled, with their names for messages; at the steady level none takes time."""
    for phase in call.phases_of(circuit) if not setting.steady else ():
        if phase.until is not None:
            yield phase, {"phase": phase.name, "variable": phase.until[0], "threshold": f"{phase.until[1]:g}"}


def _recorded(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    for _, names in _ending(circuit, setting, call) if call.record else ():
        yield {**names, "recorded": ", ".join(call.record)}


def _moving(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    for _, names in _ending(circuit, setting, call) if call.courses else ():
        yield {**names, "courses": ", ".join(call.courses)}


def _learning(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    for phase, names in _ending(circuit, setting, call):
        if in_steps(circuit, phase, call.learn):
            yield names


def _gradient_of_a_piece(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    yield from reading_gradient(circuit, setting, call) if call.pieces else ()


def _gradient_of_settling(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    for _, names in _ending(circuit, setting, call):
        yield from ({**names, **reading} for reading in reading_gradient(circuit, setting, call))


def _no_transmissions(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    for names in reading_gradient(circuit, setting, call) if setting.steady else ():
        rule = circuit.pathway[names["pathway"]].synapse.oracle
        if rule is not None and rule.hops is not None:
            yield {**names, "hops": rule.hops}


LIMITS = (
    *NO_STEPS,
    Limit(
        "pathway",
        "rules that read the gradient of the loss, in a presentation that is run piece by piece",
        "the rule '{rule}' of pathway '{pathway}' reads the gradient of the loss, which goes back to the beginning of "
        "the presentation, and this one is run piece by piece; {remedy}",
        "run it in one call",
        _gradient_of_a_piece,
        CircuitError,
    ),
    Limit(
        "pathway",
        "rules that count recurrent transmissions, at the level `steady`",
        "the rule '{rule}' of pathway '{pathway}' counts recurrent transmissions (hops = {hops}), and the level "
        "'steady' has no time for any; {remedy}",
        "use the level 'rate', or leave out hops",
        _no_transmissions,
        CircuitError,
    ),
    SHARED_WEIGHTS,
    Limit(
        "phase",
        "rules that read the gradient of the loss, after a phase that ends once it has settled",
        f"{_WHERE}, and the rule '{{rule}}' of pathway '{{pathway}}' cannot have the gradient through it; {{remedy}}",
        _REMEDY,
        _gradient_of_settling,
        CircuitError,
    ),
    Limit(
        "phase",
        "recording at every step, in a phase that ends once it has settled",
        f"{_WHERE}: {{recorded}} cannot be recorded at every step; {{remedy}}",
        _REMEDY,
        _recorded,
        CircuitError,
    ),
    Limit(
        "phase",
        "stimuli that change in time, in a phase that ends once it has settled",
        f"{_WHERE}: {{courses}} cannot change in time; {{remedy}}",
        _REMEDY,
        _moving,
        CircuitError,
    ),
    Limit(
        "phase",
        "rules that act at every step, in a phase that ends once it has settled",
        f"{_WHERE}, and rules that act at every step cannot learn in it; {{remedy}}",
        _REMEDY,
        _learning,
        CircuitError,
    ),
)
