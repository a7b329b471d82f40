"""Reserved names: one table for all declarations.

Whoever declares a variable, a parameter, a population or a pathway is told what the name means first.
"""

from __future__ import annotations

import functools
import keyword
from collections.abc import Mapping

from neurosim.equations.growth import CONSTANTS
from neurosim.units import UNITS

#: Functions that may be called, with the number of arguments each takes.
FUNCTIONS: dict[str, int] = {
    **dict.fromkeys(("exp", "log", "log10", "sqrt", "expm1", "log1p", "exprel"), 1),
    **dict.fromkeys(("sin", "cos", "tan", "arcsin", "arccos", "arctan"), 1),
    **dict.fromkeys(("sinh", "cosh", "tanh"), 1),
    **dict.fromkeys(("abs", "sign", "floor", "ceil", "int"), 1),
    "clip": 3,
}
#: Functions that draw a number for every neuron at every step; allowed in thresholds, resets, and lines that are
#: constant over a step.
RANDOM_FUNCTIONS: dict[str, int] = {"rand": 0, "randn": 0}
#: Those that draw a count; allowed in lines that are constant over a step.
COUNT_FUNCTIONS: dict[str, int] = {"poisson": 1, "binomial": 2}
#: All that draw.
DRAWING_FUNCTIONS: dict[str, int] = RANDOM_FUNCTIONS | COUNT_FUNCTIONS
#: Functions of Brian2 that the language leaves out.
FOREIGN_FUNCTIONS = frozenset({"timestep"})

#: The name that only neurons with a threshold have, and those of neurons with a refractory period.
LAST_SPIKE = "lastspike"
REFRACTORY = frozenset({LAST_SPIKE, "not_refractory"})
#: Names that equations may not define; some of them they may read.
SPECIAL: Mapping[str, str] = {
    "t": "the time",
    "dt": "the time step",
    "t_in_timesteps": "the time in steps",
    "i": "the number of a neuron within its population",
    "j": "the number of the neuron that a synapse leads to",
    "N": "the number of neurons",
    "lastspike": "the time of a neuron's last spike",
    "not_refractory": "whether a neuron is past its refractory period",
    "refractory": "the refractory period of a neuron",
    "spikes": "the spikes of a population",
    "xi": "white noise",
}
#: Names that a rule reads besides those of the two neurons and its own.
RULE_NAMES: Mapping[str, str] = {
    "w": "the weight of the synapse",
    "w_reciprocal": "the weight of the synapse in the opposite direction",
    "update_noise": "the noise that is drawn for each update",
    "loss": "the loss, which is broadcast to all",
    "total_loss": "the loss over time, which is broadcast to all",
    "loss_change": "the change of the loss, which is broadcast to all",
    "batch_loss": "the sum of the loss over a batch",
    "batch_loss_change": "the sum of the loss's change over a batch",
}
#: Flags of Brian2 without meaning here, with their replacement.
FOREIGN_FLAGS: Mapping[str, str] = {
    "clock-driven": "an equation of a neuron always advances with the clock; leave the flag out",
    "event-driven": "an equation of a neuron advances with the clock; leave the flag out",
    "summed": "sums over synapses are what pathways deliver; declare a parameter and let a pathway target it",
    "linked": "what other populations compute comes by a pathway; declare a parameter and let a pathway target it",
}
_GENERATED = frozenset(
    {
        *("where", "number", "logical_and", "logical_or", "logical_not", "LazyArange", "variables", "self", "owner"),
        *("codeobj_name", "variable_indices", "get_array_name", "scalar_code", "vector_code"),
    }
)
#: Keywords of C++, which Brian2's compiled targets use; Python's are found by Python.
_COMPILED_WORDS = """
alignas alignof asm auto bool case catch char char16_t char32_t const const_cast constexpr decltype default
delete do double dynamic_cast enum explicit export extern float friend goto inline int long mutable namespace
new noexcept nullptr operator private protected public register reinterpret_cast short signed sizeof static
static_assert static_cast struct switch template this thread_local throw typedef typeid typename union unsigned
using virtual void volatile wchar_t cdef cimport cpdef ctypedef
"""
_COMPILED = frozenset(_COMPILED_WORDS.split())


def meaning_of(name: str) -> str | None:
    """The reserved meaning of a name in equations; ``None`` if it is free.

    Examples
    --------
    >>> meaning_of("cm"), meaning_of("tau")
    ('the unit centimetre', None)
    """
    if name in SPECIAL:
        return SPECIAL[name]
    if name.startswith("xi_"):
        return SPECIAL["xi"]
    if name in CONSTANTS:
        return {"e": "Euler's number", "inf": "infinity"}.get(name, f"the constant {name}")
    if name in FUNCTIONS or name in DRAWING_FUNCTIONS:
        return f"the function {name}()"
    if name in FOREIGN_FUNCTIONS:
        return f"Brian2's function {name}()"
    if name in _units():
        return f"the unit {_units()[name]}"
    if keyword.iskeyword(name):
        return "a word of Python"
    if name in _COMPILED:
        return "a word of C++, in which compiled equations are written"
    if name in _GENERATED:
        return "a word of the code that equations become"
    return None


def is_unit(name: str) -> bool:
    """Whether equations read a name as a unit."""
    return name in _units()


@functools.cache
def _units() -> Mapping[str, str]:
    """Names of units as they stand in equations -> in full."""
    prefixes = {"da": "deca", "d": "deci", "c": "centi", "m": "milli", "u": "micro", "n": "nano", "p": "pico"}
    prefixes |= {"f": "femto", "a": "atto", "z": "zepto", "y": "yocto", "h": "hecto", "k": "kilo", "M": "mega"}
    prefixes |= {"G": "giga", "T": "tera", "P": "peta", "E": "exa", "Z": "zetta", "Y": "yotta"}
    names: dict[str, str] = {}
    for name, unit in UNITS.items():
        full, symbol = unit.name, unit.symbol
        prefix = next((p for p in prefixes if symbol.startswith(p) and full.startswith(p) and symbol != p), "")
        base = full[len(prefix) :]
        names[name] = f"{prefixes[prefix]}{base}" if prefix and base in UNITS else full
    return names
