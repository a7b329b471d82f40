"""The variables of a circuit that can be recorded, their names and units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.circuit.plan import plan
from neurosim.errors import CircuitError
from neurosim.recording.store import Recorded
from neurosim.suggestions import nearest


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
    """The unit of a variable over time, as its equation declares it."""
    population, variable = name.split(".")
    return "1" if is_spikes(name) else compose(circuit)[population].equation_set.by_name[variable].unit


def asked_names(circuit: Circuit, record: Sequence[str] | None) -> tuple[str, ...]:
    """The qualified names of the variables to record, each once.

    Parameters
    ----------
    record
        Names, bare ones in a circuit of one population; ``None`` for state variables and spikes, or what there is.

    Raises
    ------
    CircuitError
        A name that cannot be recorded, and those that can.
    """
    known = traces(circuit)
    if record is None:
        default: list[str] = []
        for population, neuron in compose(circuit).items():
            spikes = [f"{population}.spikes"] if neuron.threshold is not None else []
            default += [f"{population}.{variable}" for variable in neuron.state_variables] + spikes
        return tuple(default or [name for name in known if name in plan(circuit).nodes])
    alone = circuit.populations[0].name if len(circuit.populations) == 1 else None
    names = []
    for name in record:
        qualified = f"{alone}.{name}" if alone and "." not in name else name
        if qualified not in known:
            shown = [k.split(".")[1] if alone else k for k in known]
            near = nearest(name, shown)
            hint = f"did you mean '{near}'? " if near else ""
            if qualified in weights(circuit):
                hint = "weights stay as they are while it is simulated; "
            raise CircuitError(f"cannot record '{name}'; {hint}known: {', '.join(shown)}")
        names.append(qualified)
    return tuple(dict.fromkeys(names))


def recorded(
    circuit: Circuit, names: Sequence[str], *, steps: int, trials: int, dtype: str, bare: bool
) -> dict[str, Recorded]:
    """The variables to record, by their names in the dataset: without the population if `bare`."""
    variables = {}
    alone = len(circuit.populations) == 1
    for name in names:
        population, variable = name.split(".")
        dims = ("time", "trial", "neuron" if alone else f"neuron_{population}")
        shape = (steps, trials, circuit.population[population].size)
        variables[variable if bare else name] = Recorded(
            dims, shape, np.dtype(bool if is_spikes(name) else dtype), unit_of(circuit, name)
        )
    return variables
