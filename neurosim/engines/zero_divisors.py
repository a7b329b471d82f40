"""Parameters that are zero where equations divide by them: by default, by ``state=`` or by ``inputs=``."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.circuit.description import Pathway
from neurosim.circuit.plan import plan
from neurosim.circuit.text_values import check_texts
from neurosim.engines.slots import slots
from neurosim.errors import CircuitError, EquationError
from neurosim.neurons._checks import check_values, unread
from neurosim.neurons._model import NeuronModel
from neurosim.untyped import Array


def refuse_zero_divisors(circuit: Circuit, state: Mapping[str, Array], stimuli: Collection[str]) -> None:
    """Refuse a state with zeros that equations divide by. Stimuli, noise, phases and resets are not checked.

    Raises
    ------
    CircuitError
        With the population, the equation and the place in it, and a value that may have the wrong name.
    """
    for pathway in circuit.owners:
        _refuse_in_texts(circuit, pathway, state)
    for population, names in _settled(circuit).items():
        own = {name: f"{population}.{name}" for name in names}
        zero = {n for n, q in own.items() if q in state and q not in stimuli and not np.all(np.asarray(state[q]))}
        if not zero:
            continue
        model = compose(circuit)[population]
        try:
            _check(model, frozenset(zero))
        except EquationError as error:
            raise CircuitError(f"population '{population}'{_hint(model, zero)}, {error}") from None


def _refuse_in_texts(circuit: Circuit, pathway: Pathway, state: Mapping[str, Array]) -> None:
    """Refuse zeros that the texts of a pathway's rules divide by."""
    names = {name: f"{pathway.name}.{name}" for name in pathway.synapse.parameters}
    values = {name: float(state[q]) for name, q in names.items() if q in state and np.ndim(state[q]) == 0}
    if 0.0 in values.values() or not all(map(np.isfinite, values.values())):
        try:
            check_texts(pathway, values)
        except EquationError as error:
            raise CircuitError(f"pathway '{pathway.name}', {error}") from None


@functools.lru_cache(maxsize=64)
def _settled(circuit: Circuit) -> Mapping[str, tuple[str, ...]]:
    """Population -> its parameters that have one value through a whole run."""
    switched = {name for phase in circuit.phases for name in phase.switches}
    changing = {*plan(circuit).nodes, *slots(circuit)}
    settled = {}
    for population, model in compose(circuit).items():
        drawn = {*circuit.population[population].noise, *circuit.population[population].lots}
        names = [equation.name for equation in model.equation_set.of("parameter")]
        settled[population] = tuple(
            name for name in names if f"{population}.{name}" not in changing and name not in switched | drawn
        )
    return settled


@functools.lru_cache(maxsize=256)
def _check(model: NeuronModel, zero: frozenset[str]) -> None:
    check_values(model, dict.fromkeys(zero, 0.0))


def _hint(model: NeuronModel, zero: Collection[str]) -> str:
    """Which value may belong to one of the names, as ``tua`` to ``tau``."""
    misspelt = {name: near for name, near in unread(model).items() if near in zero}
    return "".join(f" (does the value of '{name}' belong to '{near}'?)" for name, near in misspelt.items())
