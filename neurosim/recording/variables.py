"""The variables of a circuit that can be recorded, their names and units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.circuit.plan import plan
from neurosim.circuit.weight_units import weight_unit
from neurosim.engines.records import Record, read_record, records_in, synaptic_shapes
from neurosim.engines.unrecordable import why_not
from neurosim.errors import CircuitError, UnitError
from neurosim.suggestions import nearest
from neurosim.units import format_quantity, parse_quantity


def traces(circuit: Circuit) -> tuple[str, ...]:
    """Names with a value for each neuron at every time step: variables and spikes."""
    names: list[str] = []
    for population, neuron in compose(circuit).items():
        spikes = [f"{population}.spikes"] if neuron.threshold is not None else []
        names += [f"{population}.{name}" for name in neuron.equation_set.by_name] + spikes
    return tuple(names)


def weights(circuit: Circuit) -> tuple[str, ...]:
    """Names with a value for each synapse between presentations: weights, and other variables of rules."""
    names: list[str] = []
    for pathway in circuit.pathways:
        if not circuit.connectivity(pathway.name).weighted:
            continue
        own = pathway.synapse.synaptic_variables[1:] if pathway in circuit.owners else ()
        kept = [name for name in own if name not in pathway.synapse.trace_variables]
        names += [f"{pathway.name}.{name}" for name in ("w", *kept)]
    return tuple(names)


def is_spikes(name: str) -> bool:
    """Whether a qualified name is a spike variable, which is boolean."""
    return name.endswith(".spikes")


def unit_of(circuit: Circuit, name: str) -> str:
    """The unit of a variable of neurons or synapses, as it is declared; of a weight that of what it delivers."""
    owner, variable = name.split(".")
    if owner in circuit.pathway:
        pathway = circuit.pathway[owner]
        if variable == "w":
            return weight_unit(circuit, pathway)
        declared = pathway.synapse.declared
        return declared.by_name[variable].unit if declared is not None else "1"
    return "1" if is_spikes(name) else compose(circuit)[owner].equation_set.by_name[variable].unit


def asked(
    circuit: Circuit, record: Sequence[str] | None, every: Mapping[str, Any] | None, *, dt: float
) -> tuple[Record, ...]:
    """The records asked for, read from text, each once.

    Parameters
    ----------
    record
        Texts as of `neurosim.engines.records`, with bare names in a circuit of one population; ``None`` for state
        variables and spikes, or what there is.
    every
        Text of `record`, or variable -> the time between two samples, a quantity or seconds.
    dt
        Time step in seconds.

    Raises
    ------
    CircuitError
        A name that cannot be recorded, and those that can; neurons or synapses that are not there; a time that is no
        whole number of steps.
    """
    steps = {_qualified(circuit, name).text: _steps(name, time, dt) for name, time in (every or {}).items()}
    texts = _by_default(circuit) if record is None else [_known(circuit, text) for text in record]
    return records_in(circuit, texts, steps)


def _by_default(circuit: Circuit) -> list[str]:
    names: list[str] = []
    for population, neuron in compose(circuit).items():
        spikes = [f"{population}.spikes"] if neuron.threshold is not None else []
        names += [f"{population}.{variable}" for variable in neuron.state_variables] + spikes
    return names or [name for name in traces(circuit) if name in plan(circuit).nodes]


def _alone(circuit: Circuit) -> str | None:
    """The only population."""
    return circuit.populations[0].name if len(circuit.populations) == 1 else None


def _qualified(circuit: Circuit, text: str) -> Record:
    read, alone = read_record(text), _alone(circuit)
    return replace(read, name=f"{alone}.{read.name}") if alone and "." not in read.name else read


def _known(circuit: Circuit, text: str) -> str:
    """The text with qualified names, of a variable that can be recorded."""
    read, alone = _qualified(circuit, text), _alone(circuit)
    synaptic = synaptic_shapes(circuit)
    if read.name not in traces(circuit) and read.name not in synaptic:
        shown = [name.removeprefix(f"{alone}.") for name in (*traces(circuit), *synaptic)]
        name = read.name.removeprefix(f"{alone}.")
        if (reason := why_not(circuit, read.name)) is not None:
            raise CircuitError(f"cannot record '{name}': {reason}")
        near = nearest(name, shown)
        hint = f"did you mean '{near}'? " if near else ""
        tied = circuit.pathway.get(read.name.rpartition(".")[0])
        if tied is not None and tied.tie is not None:
            hint = f"it uses the weights of '{tied.tie.pathway}'; "
        raise CircuitError(f"cannot record '{name}'; {hint}known: {', '.join(shown)}")
    return read.text


def _steps(name: str, time: Any, dt: float) -> int:
    """A time between samples in steps."""
    try:
        seconds = parse_quantity(time, "second")
    except UnitError as error:
        raise UnitError(f"every: '{name}': {error}") from None
    steps = round(seconds / dt) if math.isfinite(seconds) else 0
    if steps < 1 or abs(steps * dt - seconds) > 1e-6 * dt:
        raise CircuitError(
            f"every: '{name}' got {time}, which is no whole number of time steps of {format_quantity(dt, 'second')}"
        )
    return steps
