"""What fixed numbers of synapses a neuron have in common."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.circuit.connectivity.listed import Pairs
from neurosim.circuit.connectivity.size import list_faults
from neurosim.random import stream


def degree_faults(k: int, neurons: int, others: int, *, excluded: bool, what: str) -> Iterator[str]:
    """What does not fit, where each of `neurons` has `k` synapses with as many of `others`."""
    if k > (most := others - excluded):
        but = " but itself" if excluded else ""
        yield f"each neuron {what} {k:,} synapses; expected at most {most:,}, one with each of {others:,} neurons{but}"
    else:
        yield from list_faults(k * neurons, remedy="use fewer synapses a neuron, or fewer neurons")


def drawn(k: int, neurons: int, others: int, *, excluded: bool, label: str, draw: int) -> Pairs:
    """For each of `neurons`, `k` different ones of `others`, in rising order.

    Returns
    -------
    tuple of numpy.ndarray
        The neuron and the other, shape (neurons*k,) each.
    """
    generator = stream(draw, label, k, neurons, others, *(("no autapses",) if excluded else ()))
    found = np.empty((neurons, k), np.int64)
    for neuron in range(neurons):
        chosen = generator.choice(others - excluded, k, replace=False, shuffle=False)
        found[neuron] = chosen + (chosen >= neuron) if excluded else chosen
    return np.repeat(np.arange(neurons), k), np.sort(found, axis=1).ravel()
