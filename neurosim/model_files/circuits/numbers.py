"""Numbers of a simulated circuit: a metric of what it records, over a window of time, reduced to one number.

    [numbers]
    rate = { metric = "mean_rate", of = "E.spikes", from = "200 ms" }
    near_zero = { metric = "share_between", of = "input.w", high = "2 nS" }

A metric says by ``OF`` what it takes: ``spikes`` (as events) or a ``variable`` of neurons or synapses. Its other
arguments are keys of the table.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import registry
from neurosim.border import MOMENT, TIME
from neurosim.circuit.circuit import Circuit
from neurosim.errors import ArgumentError, DataError, NeurosimError, UnitError
from neurosim.model_files.checking import Faults, check_kind, shown
from neurosim.model_files.circuits.parts import Simulation
from neurosim.suggestions import did_you_mean
from neurosim.units import parse_quantity

if TYPE_CHECKING:
    import xarray

_OWN = ("metric", "of", "from", "to")
# A moment this much of a step before an edge is at it.
_MARGIN = 1e-3


@dataclass(frozen=True)
class CircuitNumber:
    """A number of a simulated circuit.

    Attributes
    ----------
    metric
        As ``neurosim list metrics`` shows those that measure a recording.
    of
        What is measured, as it is recorded: ``E.spikes``, ``E.v[:10]``, ``EE.w``. Of weights that are learned and not
        recorded, those at the end.
    begin, end
        The window of time in seconds (``from`` and ``to`` in the file); the whole recording by default.
    settings
        Further arguments of the metric.
    """

    metric: str
    of: str
    begin: float = 0.0
    end: float = math.inf
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """The unit of the metric; ``signal`` for that of what is measured."""
        return registry.load("metrics", self.metric).UNIT

    def measured(self, recording: xarray.Dataset) -> float:
        """The number: the mean of what the metric gives, over trials, neurons or synapses for which there is a value.

        NaN if there is none, and of a window that begins after the end.

        Raises
        ------
        DataError, ArgumentError
            What it is of was not recorded, or the metric cannot measure it.
        """
        module = registry.load("metrics", self.metric)
        given = self._spikes(recording) if module.OF == "spikes" else self._variable(recording)
        # A window after the end, as of a simulation that is made shorter, holds nothing.
        values = np.asarray(math.nan if given is None else module.measure(given, **self.settings), dtype=float)
        known = values[~np.isnan(values)]
        return float(known.mean()) if known.size else math.nan

    def _spikes(self, recording: xarray.Dataset) -> Any:
        # Late: they import Brian2.
        from neurosim.recording.events import spike_events
        from neurosim.recording.exchange import event_names

        names = [self.of] if self.of in recording else list(event_names(self.of).values())
        if missing := [name for name in names if name not in recording]:
            raise DataError(f"'{missing[0]}' was not recorded; there are {', '.join(map(str, recording.data_vars))}")
        # Dropped, not chosen: events need the coordinates of all trials and neurons.
        spikes = spike_events(recording.drop_vars([name for name in recording.data_vars if name not in names]))
        return spikes.between(self.begin, self.end) if self.begin < spikes.end else None

    def _variable(self, recording: xarray.Dataset) -> xarray.DataArray:
        if self.of not in recording:
            raise DataError(f"'{self.of}' was not recorded; there are {', '.join(map(str, recording.data_vars))}")
        values = recording[self.of]
        dim = str(values.dims[0])
        if not dim.startswith("time"):
            return values
        time, margin = values[dim].values, _MARGIN * float(recording.attrs["dt"])
        return values.isel({dim: (time >= self.begin - margin) & (time < self.end - margin)})


def unit_texts(numbers: Mapping[str, CircuitNumber], recording: xarray.Dataset) -> dict[str, str]:
    """The unit of each number; of some it is that of what they measure."""
    own = {name: recording[n.of].attrs.get("units", "1") if n.of in recording else "1" for name, n in numbers.items()}
    return {name: own[name] if number.unit == "signal" else number.unit for name, number in numbers.items()}


def check_numbers(tables: Any, faults: Faults) -> dict[str, CircuitNumber]:
    """The section ``[numbers]``, its metrics, times and arguments checked; not yet what is recorded."""
    if not isinstance(tables, Mapping):
        faults.add("numbers", f"got {shown(tables)}, expected a table [numbers]")
        return {}
    checked = {str(name): _number(table, f"numbers.{name}", faults) for name, table in tables.items()}
    for name in checked:
        if not name.isidentifier():
            faults.add(f"numbers.{name}", "expected a name of letters, digits and underscores")
    return {name: number for name, number in checked.items() if number is not None}


def _number(table: Any, path: str, faults: Faults) -> CircuitNumber | None:
    if not isinstance(table, Mapping):
        faults.add(path, f"got {shown(table)}, expected a table such as {{ metric = 'mean_rate', of = 'E.spikes' }}")
        return None
    module = check_kind("metrics", table.get("metric"), f"{path}.metric", faults)
    if module is None:
        return None
    if not hasattr(module, "OF"):
        known = [name for name in registry.names("metrics") if hasattr(registry.load("metrics", name), "OF")]
        faults.add(f"{path}.metric", f"got '{table['metric']}', expected one of a recording: {', '.join(known)}")
        return None
    of = table.get("of")
    if not isinstance(of, str) or not of:
        faults.add(f"{path}.of", f"got {shown(of)}, expected what is recorded, such as 'E.spikes'")
        return None
    if (module.OF == "spikes") != ("spikes" in of):
        faults.add(f"{path}.of", f"got {shown(of)}, and '{table['metric']}' measures {_KINDS[module.OF]}")
    parameters = dict(list(inspect.signature(module.measure).parameters.items())[1:])
    settings = {key: value for key, value in table.items() if key not in _OWN}
    for key, value in settings.items():
        if key not in parameters:
            faults.add(f"{path}.{key}", f"unknown key; {did_you_mean(key, (*_OWN, *parameters))}")
        elif (check := module.measure.__checks__.get(key)) is not None:
            _tried(check, key, value, path, faults)
    for key, parameter in parameters.items():
        if parameter.default is parameter.empty and key not in settings:
            faults.add(f"{path}.{key}", "missing, expected a value")
    begin = _tried(MOMENT, "from", table.get("from", 0.0), path, faults)
    end = _tried(TIME, "to", table["to"], path, faults) if "to" in table else math.inf
    if begin is None or end is None:
        return None
    if not 0 <= begin < end:
        faults.add(f"{path}.from", f"got {begin:g} s, expected from 0 s to before {end:g} s, the end of the window")
    return CircuitNumber(str(table["metric"]), of, begin, end, settings)


_KINDS = {"spikes": "spikes, such as 'E.spikes'", "variable": "a variable of neurons or synapses, not spikes"}


def _tried(check: Any, key: str, value: Any, path: str, faults: Faults) -> Any:
    try:
        return check(key, value)
    except (ArgumentError, UnitError) as error:
        faults.add(f"{path}.{key}", str(error).removeprefix(f"{key}: "))
        return None


def check_recorded(
    circuit: Circuit, settings: Simulation, numbers: Mapping[str, CircuitNumber], faults: Faults
) -> None:
    """Refuse numbers of what the simulation does not record."""
    # Late: it imports Brian2.
    from neurosim.recording.variables import asked

    if not numbers:
        return
    try:
        records = asked(circuit, settings.record, {}, dt=parse_quantity(settings.dt, "second"))
    except NeurosimError:
        return  # told with the simulation's faults
    learned = [f"{pathway.name}.{name}" for pathway in circuit.pathways for name in pathway.synapse.learned]
    known = dict.fromkeys([*(record.text for record in records), *learned, *(f"end({name})" for name in learned)])
    alone = circuit.populations[0].name if len(circuit.populations) == 1 else ""
    for name, number in numbers.items():
        if number.of not in known and (not alone or f"{alone}.{number.of}" not in known):
            faults.add(f"numbers.{name}.of", _unrecorded(number.of, known))


def _unrecorded(name: str, known: Collection[str]) -> str:
    return f"got {shown(name)}, which is not recorded: add it to simulation.record; {did_you_mean(name, known)}"
