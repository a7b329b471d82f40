"""Spikes and values under way in delayed pathways: cleared, filled and read as a slot of the circuit."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping

import brian2
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.delays import delay_of
from neurosim.circuit.description import Pathway
from neurosim.circuit.spike_texts import under_way
from neurosim.engines.brian.names import FIRST, late_name
from neurosim.engines.brian.objects import Objects
from neurosim.engines.slots import Slot, flight, slots


class Called(brian2.BrianObject):  # type: ignore[misc]
    """An operation on arrays at a moment of each step, between pieces of code."""

    add_to_magic_network = False

    def __init__(
        self, objects: Objects, name: str, call: Callable[[], object], *, order: int, when: str = "end"
    ) -> None:
        super().__init__(clock=objects.clock, when=when, order=order, name=name)
        self.call = call

    def run(self) -> None:
        """Called by the Network at every step."""
        self.call()


class Flights:
    """The spikes under way in Brian2's queues, and the values under way that Brian2 has no queues for.

    Attributes
    ----------
    rows
        Slot -> the last values sent, newest first, ``(step, n_pre)``.
    """

    def __init__(self, circuit: Circuit, objects: Objects, dt: float) -> None:
        self.circuit, self.objects, self.dt = circuit, objects, dt
        self.slots = {name: slot for name, slot in slots(circuit, dt).items() if slot.kind == "flight"}
        self.rows = {name: np.zeros(slot.shape) for name, slot in self.slots.items()}
        #: Whether queues have to be filled when the next step begins; before a run they are not there yet.
        self.waiting = False

    def begin(self, values: Mapping[str, np.ndarray]) -> None:
        """Replace all that is under way by these values, as of the beginning of the next step."""
        for name, rows in self.rows.items():
            rows[...] = values.get(name, 0.0)
        self.waiting = True

    def called(self) -> Iterator[Called]:
        """The objects that a Network has to hold."""
        if self.rows:
            yield Called(self.objects, "neurosim_flights_begin", self._fill, order=FIRST, when="start")
        for pathway, variable, slot in self._delayed():
            name = f"{pathway.name}__{variable}_flight"
            if variable == "spikes":
                call = functools.partial(self._send_spikes, pathway, slot)
                yield Called(self.objects, name, call, order=0, when="after_thresholds")
            else:
                arrive = functools.partial(self._arrive, pathway, variable, slot)
                yield Called(self.objects, f"{name}_arrives", arrive, order=FIRST - 10, when="groups")
                # After inputs are summed, before states move.
                send = functools.partial(self._send, pathway, variable, slot)
                yield Called(self.objects, name, send, order=-2, when="groups")

    def _delayed(self) -> Iterator[tuple[Pathway, str, Slot]]:
        for pathway in self.circuit.pathways:
            for variable in under_way(self.circuit, pathway.name):
                if (slot := self.slots.get(flight(pathway.name, variable))) is not None:
                    yield pathway, variable, slot

    def _fill(self) -> None:
        if not self.waiting:
            return
        self.waiting = False
        for pathway, variable, slot in self._delayed():
            if variable != "spikes":
                continue
            queue, rows = self.objects.path(pathway.name).queue, self.rows[slot.name]
            for _ in range(len(rows) + 1):
                queue.advance()
            for row in rows[::-1]:
                if row.any():
                    queue.push(np.flatnonzero(row).astype(np.int32))
                queue.advance()

    def _send_spikes(self, pathway: Pathway, slot: Slot) -> None:
        rows = self.rows[slot.name]
        rows[1:] = rows[:-1].copy()
        rows[0] = 0.0
        rows[0, np.asarray(self.objects.groups[pathway.pre].spikes, dtype=int)] = 1.0

    def _arrive(self, pathway: Pathway, variable: str, slot: Slot) -> None:
        rows, name = self.rows[slot.name], late_name(variable, pathway.name)
        each = delay_of(self.circuit, pathway.name, self.dt).each
        if each is None:
            self.objects.set(f"{pathway.pre}.{name}", rows[-1])
        else:
            synapses = self.objects.synapses[self.circuit.owner(pathway.name)]
            steps = each.ravel()[self.objects.index(pathway.name)]
            synapses.variables[name].set_value(rows[steps - 1, np.asarray(synapses.i)])

    def _send(self, pathway: Pathway, variable: str, slot: Slot) -> None:
        rows = self.rows[slot.name]
        rows[1:] = rows[:-1].copy()
        rows[0] = np.asarray(getattr(self.objects.groups[pathway.pre], f"{variable}_")[:])
