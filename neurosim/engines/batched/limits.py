"""Limits of the batched engine."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase
from neurosim.circuit.moments import in_steps
from neurosim.engines._engine import Call, Limit, Names
from neurosim.engines.limits import NO_STEPS, SHARED_WEIGHTS
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


LIMITS = (
    *NO_STEPS,
    SHARED_WEIGHTS,
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
