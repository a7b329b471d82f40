"""Records within a run, read from text: a variable, some of its neurons or synapses, or a sum over them.

``E.v``, ``E.v[:10]``, ``E.v[3]``, ``EE.w[::100]``, ``mean(E.spikes)``, ``sum(E.v[:10])``. Synapses are numbered as the
array of the weights lies in memory: along ``(post, pre)``, the last axis fastest, or along the list of synapses.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import broadcast, compose
from neurosim.circuit.plan import plan
from neurosim.circuit.wiring import Wiring
from neurosim.engines.slots import slots
from neurosim.engines.unrecordable import why_not
from neurosim.errors import CircuitError
from neurosim.suggestions import did_you_mean

_TEXT = re.compile(r"\s*(?:(?P<over>\w+)\s*\()?\s*(?P<name>[\w.]+)\s*(?:\[(?P<chosen>[^\]]*)\])?\s*(?P<close>\))?\s*\Z")
_NUMBER = r"\s*(-?\d{1,18})?\s*"
_SLICE = re.compile(rf"{_NUMBER}(?:(:){_NUMBER}(?::{_NUMBER})?)?\Z")
#: End of a name that means a population's spikes.
SPIKES = ".spikes"
_EXPECTED = "expected a variable such as 'E.v', some of it ('E.v[:10]', 'EE.w[::100]'), or 'mean(E.v)' or 'sum(E.v)'"


@dataclass(frozen=True)
class Record:
    """A recorded variable: which of its places, or which sum over them.

    Attributes
    ----------
    name
        The variable, qualified: ``E.v``, ``E.spikes``, ``EE.w``.
    chosen
        Which of its neurons or synapses, as text in brackets; all if empty.
    over
        ``mean`` or ``sum`` over these; each by itself if empty.
    every
        How many time steps lie between two samples. Steps are counted from the presentation's start, whose first has a
        sample.
    """

    name: str
    chosen: str = ""
    over: Literal["", "mean", "sum"] = ""
    every: int = 1

    @property
    def text(self) -> str:
        """The text that asks for it, the key among what a run returns."""
        inner = f"{self.name}[{self.chosen}]" if self.chosen else self.name
        return f"{self.over}({inner})" if self.over else inner

    @property
    def spikes(self) -> bool:
        """Whether it records spikes."""
        return self.name.endswith(".spikes")

    @property
    def slice(self) -> slice:
        """The recorded places in the variable's flattened array."""
        match = _SLICE.match(self.chosen)
        assert match is not None, "checked where it was read"
        first, colon, last, step = match.groups()
        if not self.chosen:
            return slice(None)
        if colon is None:
            return slice(int(first), int(first) + 1 or None)
        return slice(*(None if number is None else int(number) for number in (first, last, step)))

    def places(self, size: int) -> np.ndarray:
        """The indices of the recorded neurons or synapses, out of `size`."""
        return np.arange(size)[self.slice]

    def width(self, size: int) -> int:
        """The number of values in a sample of one trial."""
        return 1 if self.over else len(self.places(size))

    def samples(self, begin: int, steps: int) -> int:
        """The number of samples in `steps` steps from step `begin` on."""
        return self.before(begin + steps) - self.before(begin)

    def before(self, step: int) -> int:
        """The number of samples before a step."""
        return -(-step // self.every)


def read_record(text: str) -> Record:
    """Read what is to be recorded; the name is not looked at.

    Raises
    ------
    CircuitError
        It is no such text.

    Examples
    --------
    >>> read_record("mean(E.v[:10])")
    Record(name='E.v', chosen=':10', over='mean', every=1)
    """
    match = _TEXT.match(text)
    if match is None or bool(match["over"]) != bool(match["close"]):
        raise CircuitError(f"record: '{text}' cannot be read; {_EXPECTED}")
    over, chosen = match["over"] or "", match["chosen"]
    if over not in ("", "mean", "sum"):
        raise CircuitError(f"record: '{text}' asks for '{over}'; expected 'mean' or 'sum'")
    if chosen is not None:
        numbers = _SLICE.match(chosen)
        if numbers is None or not chosen.strip() or (numbers[2] and numbers[4] and int(numbers[4]) <= 0):
            raise CircuitError(
                f"record: '{text}' has [{chosen}]; expected a number or a range, such as [3], [:10] or [::100]"
            )
    return Record(match["name"], re.sub(r"\s", "", chosen or ""), over)  # type: ignore[arg-type]


def records_in(circuit: Circuit, record: Sequence[str], every: Mapping[str, int] | None = None) -> tuple[Record, ...]:
    """Read and check all that is to be recorded.

    Parameters
    ----------
    every
        Text of `record`, or variable -> how many steps lie between two samples; one if left out.

    Raises
    ------
    CircuitError
        Naming the text: a variable that the circuit does not have, neurons or synapses that it does not have, or spikes
        that would be lost between samples.
    """
    every, records = every or {}, []
    for text in record:
        one = read_record(text)
        check_record(circuit, one)
        steps = every.get(text, every.get(one.text, every.get(one.name, 1)))
        records.append(replace(one, every=_checked_every(one, steps)))
    known = {key for text, one in zip(record, records, strict=True) for key in (text, one.text, one.name)}
    for name in every:
        if name not in known:
            raise CircuitError(f"every: '{name}' is not recorded; {did_you_mean(name, sorted(known))}")
    return tuple(dict.fromkeys(records))


def _checked_every(record: Record, steps: int) -> int:
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise CircuitError(f"every: '{record.text}' got {steps!r}, expected a whole number of time steps, one or more")
    if steps > 1 and record.spikes:
        raise CircuitError(
            f"every: the spikes '{record.text}' would be lost between samples; record them at every step, or say "
            "spikes='events'"
        )
    return int(steps)


def check_record(circuit: Circuit, record: Record) -> None:
    """Refuse what the circuit does not have.

    Raises
    ------
    CircuitError
        With the names that can be recorded, or the numbers of neurons or synapses.
    """
    known = recordable(circuit)
    if record.name not in known:
        owner, _, variable = record.name.rpartition(".")
        tie = circuit.pathway[owner].tie if owner in circuit.pathway else None
        if tie is not None and variable == "w":
            raise CircuitError(
                f"record: pathway '{owner}' uses the weights of '{tie.pathway}'; record '{tie.pathway}.w'"
            )
        if (reason := why_not(circuit, record.name)) is not None:
            raise CircuitError(f"record: '{record.name}': {reason}")
        hint = did_you_mean(record.name, sorted(known))
        raise CircuitError(f"record: this circuit has no variable '{record.name}'; {hint}")
    size = size_of(circuit, record.name)
    outside = record.chosen.lstrip("-").isdigit() and not -size <= int(record.chosen) < size
    if outside or not len(record.places(size)):
        what = "synapses" if is_synaptic(circuit, record.name) else "neurons"
        raise CircuitError(
            f"record: '{record.text}' has nothing in [{record.chosen}]; '{record.name}' has {size} {what}, numbered "
            f"from 0 to {size - 1}"
        )


def is_synaptic(circuit: Wiring, name: str) -> bool:
    """Whether a variable is one of synapses."""
    return name in synaptic_shapes(circuit)


def size_of(circuit: Wiring, name: str) -> int:
    """How many neurons or synapses have a variable."""
    if name in synaptic_shapes(circuit):
        return math.prod(synaptic_shapes(circuit)[name])
    population = circuit.population.get(name.rpartition(".")[0])
    return population.size if population is not None else 1


@functools.lru_cache(maxsize=64)
def recordable(circuit: Circuit) -> frozenset[str]:
    """All names that can be recorded."""
    spikes = (f"{name}{SPIKES}" for name, model in compose(circuit).items() if model.threshold is not None)
    return reportable(circuit) | frozenset(spikes) | synaptic_shapes(circuit).keys()


@functools.lru_cache(maxsize=64)
def reportable(circuit: Circuit) -> frozenset[str]:
    """All variables of neurons, and what is broadcast."""
    names = {*broadcast(circuit), *plan(circuit).nodes}
    for population, model in compose(circuit).items():
        names |= {f"{population}.{name}" for name in model.equation_set.by_name}
    return frozenset(names)


@functools.lru_cache(maxsize=64)
def synaptic_shapes(circuit: Wiring) -> Mapping[str, tuple[int, ...]]:
    """All variables of synapses that have weights of their own, with the shape of their arrays."""
    shapes: dict[str, tuple[int, ...]] = {}
    for pathway in circuit.owners:
        if circuit.connectivity(pathway.name).weighted:
            shapes[f"{pathway.name}.w"] = circuit.weights_shape(pathway.name)
            for variable in pathway.synapse.synaptic_variables[1:]:
                shapes[f"{pathway.name}.{variable}"] = circuit.variable_shape(pathway.name, variable)
    return shapes


def traces_among(circuit: Wiring, names: Collection[str]) -> frozenset[str]:
    """The names that are traces of synapses, which differ between trials."""
    known = slots(circuit)
    return frozenset(name for name in names if name in known and known[name].kind == "trace")
