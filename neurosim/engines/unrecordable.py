"""Why a name that equations or pathways know cannot be recorded, and what to record instead."""

from __future__ import annotations

from neurosim.circuit.composition import compose
from neurosim.circuit.wiring import Wiring
from neurosim.equations.reserved import REFRACTORY, SPECIAL

#: Names that equations read -> a line by which a neuron has the same as a variable.
_LINES = {
    "lastspike": ("last", "last = lastspike : second"),
    "not_refractory": ("ready", "ready = not_refractory : boolean"),
    "t": ("now", "now = t : second"),
    "dt": ("step", "step = dt : second"),
}


def why_not(circuit: Wiring, name: str) -> str | None:
    """A sentence about a qualified name that is special, or a setting; none about any other.

    Parameters
    ----------
    name
        ``E.lastspike``, ``EE.delay``.
    """
    owner, _, variable = name.rpartition(".")
    if owner in circuit.pathway:
        return _of_pathway(circuit, owner, variable)
    if owner in circuit.population:
        return _of_population(circuit, owner, variable)
    return "it is the coordinate 'time' of every recording" if name == "t" else None


def _of_population(circuit: Wiring, population: str, variable: str) -> str | None:
    model = compose(circuit)[population]
    if variable == "spikes":
        return f"population '{population}' has no threshold, so that it has no spikes"
    if variable in REFRACTORY and model.threshold is None:
        return f"population '{population}' has no threshold, so that it never spikes"
    if variable == "not_refractory" and model.refractory is None:
        return f"population '{population}' has no refractory period, so that it always is past it"
    if variable in _LINES:
        own, line = _LINES[variable]
        return (
            f"{SPECIAL[variable]} is no variable of a neuron: add the line '{line}' to the equations of '{population}' "
            f"and record '{population}.{own}'"
        )
    if variable == "i":
        return "what is recorded of a population has the numbers of its neurons as a coordinate"
    if variable == "refractory" and model.refractory is None:
        return f"population '{population}' has no refractory period"
    if variable == "refractory":
        return f"add the text as a line, such as 'period = {model.refractory} : second', and record that"
    if variable == "xi" or variable.startswith("xi_"):
        return "white noise has no value at an instant, only an integral over a step"
    return f"{SPECIAL[variable]} is no variable of a neuron" if variable in SPECIAL else None


def _of_pathway(circuit: Wiring, pathway: str, variable: str) -> str | None:
    if variable == "delay":
        return f"the delays of pathway '{pathway}' do not change; they are what the circuit says"
    if variable == "w" and not circuit.connectivity(pathway).weighted:
        return f"pathway '{pathway}' has no weights"
    return None
