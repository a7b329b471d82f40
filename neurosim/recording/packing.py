"""Spikes as events: the time, trial and neuron of each, instead of a truth value for every neuron and step."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurosim.recording.exchange import event_names


@dataclass
class Packed:
    """Spikes of one variable, packed piece by piece.

    Attributes
    ----------
    name
        The variable of spikes, ``E.spikes``.
    numbers
        The numbers of its neurons.
    """

    name: str
    numbers: np.ndarray
    parts: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def pack(self, spikes: np.ndarray, times: np.ndarray) -> dict[str, np.ndarray]:
        """The events among spikes ``(step, trial, neuron)``, by time, trial and neuron; `times` are those of steps."""
        # Flat indices take a third of the time of one index for each axis.
        places = np.flatnonzero(np.ascontiguousarray(spikes))
        step, rest = np.divmod(places, spikes.shape[1] * spikes.shape[2])
        trial, neuron = np.divmod(rest, spikes.shape[2])
        events = {
            "spike_time": times[step],
            "spike_trial": trial.astype(np.int32),
            "spike_neuron": self.numbers[neuron].astype(np.int32),
        }
        return {event_names(self.name)[kind]: array for kind, array in events.items()}

    def add(self, spikes: np.ndarray, times: np.ndarray) -> None:
        """Keep the events of a piece."""
        for name, array in self.pack(spikes, times).items():
            self.parts.setdefault(name, []).append(array)

    def arrays(self) -> dict[str, np.ndarray]:
        """All events that were kept."""
        return {name: np.concatenate(parts) for name, parts in self.parts.items()}
