"""The state that a user gives: names, shapes and units are checked against the circuit before anything uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import broadcast, compose
from neurosim.circuit.description import Pathway
from neurosim.circuit.plan import plan
from neurosim.circuit.weight_units import weight_unit
from neurosim.engines.optimiser import is_memory
from neurosim.engines.slots import starting_shapes
from neurosim.engines.state import State
from neurosim.errors import ArgumentError, CircuitError, UnitError
from neurosim.suggestions import did_you_mean
from neurosim.units import array_in_si, dimension_text, parse_quantity
from neurosim.untyped import UserValue


@dataclass(frozen=True)
class StateEntry:
    """The shapes and the unit that a variable of the state may have.

    Attributes
    ----------
    shapes
        What each shape stands for -> the shape.
    unit
        Its unit; ``None`` where a rule's text does not say.
    full
        The shape that a single number is broadcast to, if engines need it.
    """

    shapes: Mapping[str, tuple[int, ...]]
    unit: str | None = "1"
    full: tuple[int, ...] | None = None


def given_state(
    circuit: Circuit,
    given: Mapping[str, UserValue],
    *,
    trials: int,
    beside: Circuit | None = None,
    own_weights: bool = False,
) -> State:
    """Check a state and bring it into SI units.

    Parameters
    ----------
    circuit
        The circuit.
    given
        Names as in `neurosim.engines.state`, in a circuit of one population also the bare variable -> a number or an
        array in SI units, a quantity, or text such as ``"-60 mV"``. State variables of neurons can be ``(n,)`` or
        ``(trial, n)``.
    trials
        How many trials there are.
    beside
        A circuit whose names are taken, too: the whole of which this is a part.
    own_weights
        Whether weights can have an axis of trials in front.

    Returns
    -------
    dict
        Qualified names -> arrays. What an optimiser remembers is left out.

    Raises
    ------
    CircuitError
        A name that the circuit does not have, or a shape that does not fit, with those that do.
    UnitError
        Another unit, or numbers that are not finite.
    """
    if not isinstance(given, Mapping):
        raise ArgumentError("state", given, "names and arrays, such as {'W1.w': array}")
    places = ({} if beside is None else places_of(beside, trials)) | places_of(circuit, trials)
    checked: State = {}
    for name, value in given.items():
        if not isinstance(name, str):
            raise ArgumentError("state", name, "names of variables, such as 'W1.w'")
        if is_memory(name):
            continue
        qualified = _qualified(circuit, name)
        if qualified not in places:
            raise CircuitError(_unknown(circuit, name, qualified, places))
        if qualified in checked:
            raise CircuitError(f"state: '{name}' and '{qualified}' are the same variable")
        place = places[qualified]
        if own_weights and place.full is not None:
            each = {"one a trial and synapse": (trials, *place.full)}
            place = replace(place, shapes={**place.shapes, **each})
        checked[qualified] = _fitting(name, value, place)
    return checked


def places_of(circuit: Circuit, trials: int) -> dict[str, StateEntry]:
    """All entries of a circuit's state."""
    graph, moving = plan(circuit), starting_shapes(circuit)
    places: dict[str, StateEntry] = {}
    for population, model in compose(circuit).items():
        size = circuit.population[population].size
        for equation in (*model.equation_set.of("parameter"), *model.equation_set.of("differential")):
            name = f"{population}.{equation.name}"
            shapes = {"a number": (), "one a neuron": (size,)}
            if name in moving:
                shapes["one a trial and neuron"] = (trials, size)
            if name not in graph.nodes:
                places[name] = StateEntry(shapes, equation.unit)
    places |= {name: StateEntry({"a number": ()}) for name in broadcast(circuit) if name not in graph.nodes}
    for pathway in circuit.pathways:
        places |= _places_of_pathway(circuit, pathway, moving, trials)
    return places


def _places_of_pathway(
    circuit: Circuit, pathway: Pathway, moving: Mapping[str, tuple[int, ...]], trials: int
) -> dict[str, StateEntry]:
    places: dict[str, StateEntry] = {}
    if pathway in circuit.owners:
        shape = circuit.weights_shape(pathway.name)
        unit = weight_unit(circuit, pathway)
        places[f"{pathway.name}.w"] = StateEntry({"a number": (), "one a synapse": shape}, unit, full=shape)
        for variable in pathway.synapse.synaptic_variables[1:]:
            name = f"{pathway.name}.{variable}"
            if name in moving:
                shapes = {"a number": (), "one a synapse": shape, "one a trial and synapse": (trials, *shape)}
                places[name] = StateEntry(shapes, None)
            else:
                own = circuit.variable_shape(pathway.name, variable)
                places[name] = StateEntry({"a number": (), "one a synapse": own}, None, full=own)
    places |= {f"{pathway.name}.{name}": StateEntry({"a number": ()}, None) for name in pathway.rule_parameters}
    if pathway.sigma is not None:
        places[f"{pathway.name}.sigma"] = StateEntry({"a number": ()}, weight_unit(circuit, pathway))
    return places


def _qualified(circuit: Circuit, name: str) -> str:
    alone = circuit.populations[0].name if len(circuit.populations) == 1 else None
    return f"{alone}.{name}" if alone and "." not in name else name


def _unknown(circuit: Circuit, name: str, qualified: str, places: Mapping[str, StateEntry]) -> str:
    owner, _, variable = qualified.rpartition(".")
    tie = circuit.pathway[owner].tie if owner in circuit.pathway else None
    if tie is not None and variable == "w":
        return f"state: pathway '{owner}' uses the weights of '{tie.pathway}'; give '{tie.pathway}.w'"
    if owner in circuit.pathway and variable == "w":
        return f"state: pathway '{owner}' has no weights of its own"
    if qualified in plan(circuit).nodes:
        return f"state: the circuit computes '{name}', so that it has no value of its own to begin with"
    if not owner and (having := [known for known in places if known.endswith(f".{name}")]):
        return f"state: '{name}' should say of what, such as {' or '.join(map(repr, having[:3]))}"
    bare = f"{circuit.populations[0].name}." if "." not in name and len(circuit.populations) == 1 else ""
    shown = [place.removeprefix(bare) for place in places]
    return f"state: '{name}' is no variable of this circuit; {did_you_mean(name, shown)}"


def _fitting(name: str, value: UserValue, place: StateEntry) -> np.ndarray:
    array = _in_si(name, value, place.unit)
    if array.shape not in place.shapes.values():
        fitting = [f"{shape} ({what})" for what, shape in place.shapes.items() if shape]
        expected = ", or ".join(["a number", *fitting])
        raise CircuitError(f"state: '{name}' has shape {array.shape}; expected {expected}")
    if place.full is not None and array.ndim == 0:
        return np.broadcast_to(array, place.full)
    return array


def _in_si(name: str, value: UserValue, unit: str | None) -> np.ndarray:
    # Plain numbers are in SI units here, as everything in a state is.
    plain: Any = np.asarray(value) if isinstance(value, Real) and not isinstance(value, bool) else value
    if unit is None:
        plain = np.asarray(parse_quantity(value)) if isinstance(value, str) else plain
        unit = dimension_text(plain.dim) if hasattr(plain, "dim") else "1"
    try:
        return np.asarray(array_in_si(plain, unit))
    except UnitError as error:
        raise UnitError(f"state: '{name}': {error}") from None
    except (TypeError, ValueError) as error:
        raise CircuitError(f"state: '{name}' is no array of numbers but a {type(value).__name__} ({error})") from error
