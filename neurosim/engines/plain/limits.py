"""Limits of the engine in plain NumPy."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import is_linear
from neurosim.circuit.moments import acting
from neurosim.engines._engine import Call, Limit, Names
from neurosim.engines.limits import NO_GRADIENT, NO_STEPS, plain_steps
from neurosim.engines.noise import needs_update_noise
from neurosim.engines.setting import Setting


def _not_this(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if not setting.steady or setting.dtype != "float64":
        yield {"level": setting.level, "dtype": setting.dtype}


def _not_linear(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    for pathway in circuit.pathways:
        if not is_linear(circuit.connectivity(pathway.name)):
            yield {"pathway": pathway.name}


def _in_time(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if circuit.carry or call.courses or call.pieces:
        yield {}


def _own_weights(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    if call.own_weights:
        yield {}


def _update_noise(circuit: Circuit, setting: Setting, call: Call) -> Iterator[Names]:
    learning = acting(circuit, circuit.phases, learn=call.learn)
    yield from ({"pathway": pathway.name} for pathway in learning if needs_update_noise(pathway))


_OTHER = "use the engine 'batched'"
LIMITS = (
    Limit(
        "setting",
        "any level but `steady`, and single precision",
        "the engine 'numpy' has the level 'steady' and double precision only; got '{level}' and {dtype}: {remedy}",
        "use level 'steady' with dtype 'float64', or the engine 'batched'",
        _not_this,
    ),
    plain_steps("numpy"),
    *NO_STEPS,
    NO_GRADIENT,
    Limit(
        "call",
        "state that carries over, stimuli that change in time, and presentations in pieces",
        "the engine 'numpy' has no time, in which state could carry over or stimuli change; {remedy}",
        _OTHER,
        _in_time,
    ),
    Limit(
        "call",
        "trials with weights of their own",
        "the engine 'numpy' has one set of weights for all trials; {remedy}",
        "run one trial at a time, or use the engine 'batched'",
        _own_weights,
    ),
    Limit(
        "pathway",
        "maximum pooling",
        "pathway '{pathway}' is no sum over synapses, and the engine 'numpy' computes nothing else; {remedy}",
        "use the engine 'batched', or pools of the average",
        _not_linear,
    ),
    Limit(
        "pathway",
        "noise of the updates of weights",
        "the updates of pathway '{pathway}' have noise, which the engine 'numpy' does not draw; {remedy}",
        _OTHER,
        _update_noise,
    ),
)
