"""How a weight moves a neuron's output along the neuron's own state, found from the neuron's equations.

With one state variable ``s`` that the drive changes, ``ds/dt = F(s, drive)``, and an output ``r(s)``, the derivative
``e`` of the state with respect to a weight obeys ``de/dt = F_s e + F_drive r_pre``; that of the output is ``r_s e``.
Where both derivatives of F are constants that all neurons share, ``e`` depends on the presynaptic neuron alone, and a
filtered rate of that neuron takes the place of a trace in each synapse. A neuron that spikes says by its ports
``pseudo_derivative`` (of its spikes with respect to the potential), ``memory`` (what the filter that the readout sees
keeps in a step) and, if its threshold adapts, ``adaptation`` (how much an increment of the adaptation raises the
threshold) and ``adaptation_memory`` (what it keeps in a step), how its spikes depend on the state. Its reset and its
refractoriness are no part of the derivative.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.equations.grammar import names_in
from neurosim.equations.inlined import inlined
from neurosim.equations.symbolic import differentiate, vanishes
from neurosim.errors import EquationError
from neurosim.networks import recurrent
from neurosim.neurons import NeuronModel
from neurosim.rules._eligibility import Form, Readout

#: Ports of neurons that spike, and the names by which rules read them.
_SPIKING = {
    "pseudo_derivative": "psi",
    "memory": "kappa",
    "adaptation": "beta",
    "adaptation_memory": "rho",
}


class NoTraceError(Exception):
    """A neuron whose output does not follow from its drive in a way that has a trace."""


@dataclass(frozen=True)
class LowPass:
    """A filter of first order with constants that all neurons of a population share.

    Attributes
    ----------
    leak, reach
        Derivatives of the state's equation with respect to the state and to the drive, as text over `constants`.
    constants
        Their values.
    """

    leak: str
    reach: str
    constants: Mapping[str, Any]

    def lines(self, name: str, source: str) -> tuple[tuple[str, ...], dict[str, Any]]:
        """The equation of a filtered variable, and values of its parameters, which are named after it."""
        own = {constant: f"{name}_{constant}" for constant in self.constants}
        leak, reach = inlined(self.leak, own), inlined(self.reach, own)
        flow = f"({leak})*{name} + ({reach})*{source}"
        if vanishes(f"({self.leak}) + ({self.reach})"):
            flow = f"({reach})*({source} - {name})"
        return (f"d{name}/dt = {flow} : 1",), {own[constant]: value for constant, value in self.constants.items()}

    @property
    def key(self) -> tuple[str, ...]:
        """Equal for equal filters."""
        return (self.leak, self.reach, *(f"{name}={value}" for name, value in sorted(self.constants.items())))


@dataclass(frozen=True)
class Local:
    """The dynamics of a neuron along its own state.

    Attributes
    ----------
    form
        Which rule fits.
    filtered
        How it filters what drives it, if all neurons do so alike.
    lines
        What a rule reads of it: slope, leak and reach in a step, or the pseudo-derivative and what goes with it.
    readout
        Whether the readout sees its output itself, or filtered.
    """

    form: Form
    filtered: LowPass | None
    lines: tuple[str, ...]
    readout: Readout


def local_dynamics(neuron: NeuronModel) -> Local:
    """The dynamics of a neuron along its own state.

    Raises
    ------
    NoTraceError
        Saying what the neuron has or lacks.
    """
    states = recurrent.integrators(neuron)
    if len(states) != 1:
        raise NoTraceError(f"its drive changes {len(states) or 'no'} state variables, and a trace follows one")
    state, drive = states[0], neuron.ports["drive"]
    if neuron.resolved_method != "euler" and neuron.threshold is not None:
        raise NoTraceError(f"its method is '{neuron.resolved_method}', and traces follow steps of 'euler'")
    flow = _written_out(neuron, state)
    leak, reach = _derivative(flow, state), _derivative(flow, drive)
    filtered = _low_pass(neuron, leak, reach)
    if neuron.threshold is not None:
        return _spiking(neuron, state, filtered)
    _refuse_others(neuron, state, {flow, _written_out(neuron, recurrent.sent(neuron))})
    gain = f"local_gain = {_derivative(_written_out(neuron, recurrent.sent(neuron), keep=state), state)} : 1"
    if recurrent.shown(neuron) != recurrent.sent(neuron):
        raise NoTraceError(f"the readout sees '{recurrent.shown(neuron)}' and other neurons '{recurrent.sent(neuron)}'")
    if filtered is not None:
        return Local("rate", filtered, (gain,), "instant")
    return Local(
        "rate_trace", None, (gain, f"local_leak = dt*({leak}) : 1", f"local_reach = dt*({reach}) : 1"), "instant"
    )


def _spiking(neuron: NeuronModel, state: str, filtered: LowPass | None) -> Local:
    if "pseudo_derivative" not in neuron.ports or "memory" not in neuron.ports:
        raise NoTraceError("it spikes and has no ports 'pseudo_derivative' and 'memory'")
    if filtered is None:
        raise NoTraceError(f"the leak of '{state}' is not the same constant in all neurons")
    adapts = "adaptation" in neuron.ports
    if adapts != ("adaptation_memory" in neuron.ports):
        raise NoTraceError("it has one of the ports 'adaptation' and 'adaptation_memory' without the other")
    named = {name: neuron.ports[port] for port, name in _SPIKING.items() if port in neuron.ports}
    lines = tuple(f"{name} = {variable} : 1" for name, variable in named.items() if name != variable)
    return Local("alif" if adapts else "lif", filtered, lines, "kept")


def output_filter(neuron: NeuronModel) -> LowPass | None:
    """How the output filters what drives it; none if it reads at an instant.

    Raises
    ------
    NoTraceError
        Of an output whose answer is not what drives it, or a low-pass of that.
    """
    drive, read = neuron.ports["drive"], recurrent.shown(neuron)
    if neuron.threshold is not None:
        raise NoTraceError("it spikes")
    states = recurrent.integrators(neuron)
    if not states:
        if not vanishes(f"({_derivative(_written_out(neuron, read), drive)}) - 1"):
            raise NoTraceError(f"its '{read}' is no sum of what drives it")
        return None
    flow = _written_out(neuron, states[0])
    filtered = _low_pass(neuron, _derivative(flow, states[0]), _derivative(flow, drive))
    slope = _derivative(_written_out(neuron, read, keep=states[0]), states[0])
    if len(states) > 1 or filtered is None or not vanishes(f"({slope}) - 1"):
        raise NoTraceError(f"its '{read}' is no low-pass of what drives it with the same time constant in all neurons")
    if not vanishes(f"({filtered.leak}) + ({filtered.reach})"):
        raise NoTraceError("it keeps another share of its state than it leaves out of what drives it")
    if "dt" in _names(filtered.reach):
        raise NoTraceError("its time constant depends on the time step")
    return filtered


def _written_out(neuron: NeuronModel, variable: str, *, keep: str = "") -> str:
    """The right-hand side of a variable, expressions written out; of a state variable to `keep`, its name."""
    equations = neuron.equation_set
    if variable == keep:
        return variable
    expression = equations.by_name[variable].expression or variable
    parts = {e.name: e.expression or "0" for e in equations.of("subexpression")}
    return inlined(expression, parts)


def _derivative(text: str, name: str) -> str:
    try:
        return differentiate(text, name)
    except EquationError as error:
        raise NoTraceError(str(error)) from None


def _low_pass(neuron: NeuronModel, leak: str, reach: str) -> LowPass | None:
    names = _names(leak) | _names(reach)
    known = {e.name for e in neuron.equation_set.of("parameter") if {"constant", "shared"} <= set(e.flags)}
    constants = {name: neuron.parameters[name] for name in names & known & neuron.parameters.keys()}
    other = names - constants.keys() - {"dt"}
    own = {e.name for e in neuron.equation_set.equations}
    return None if other & own else LowPass(leak, reach, constants)


def _refuse_others(neuron: NeuronModel, state: str, texts: set[str]) -> None:
    """A second state variable would have a trace of its own."""
    read = frozenset[str]().union(*(_names(text) for text in texts))
    others = sorted(read & set(neuron.state_variables) - {state})
    if others:
        raise NoTraceError(f"beside '{state}' its state '{others[0]}' takes part, which a trace would have to follow")


def _names(text: str) -> frozenset[str]:
    return frozenset(names_in(ast.parse(text, mode="eval").body))
