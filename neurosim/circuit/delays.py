"""Delays of pathways: one for all synapses, or one for each."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.per_synapse import PairText, Values, check
from neurosim.circuit.per_synapse import values as per_synapse_values
from neurosim.circuit.wiring import Wiring
from neurosim.errors import CircuitError
from neurosim.random import stream


@dataclass(frozen=True, eq=False)
class Delay:
    """A delay in whole steps.

    Attributes
    ----------
    depth
        The longest.
    each
        That of each synapse, in the shape of the weights; none if all have the same.
    """

    depth: int
    each: np.ndarray | None = None


def differs(circuit: Wiring, pathway: str) -> bool:
    """Whether synapses of a pathway can have delays of their own."""
    delay = circuit.pathway[pathway].lag
    return isinstance(delay, PairText) or (isinstance(delay, Values) and delay.array.ndim > 0)


@functools.lru_cache(maxsize=64)
def delay_of(circuit: Wiring, pathway: str, dt: float) -> Delay:
    """The delay of a pathway at a time step, rounded to the nearest whole step, halves up.

    Random delays are a function of the pathway's name and its synapses, as the synapses themselves are.

    Raises
    ------
    CircuitError
        If a pathway without spikes would deliver within the step: what it reads would need itself.
    """
    declared = circuit.pathway[pathway]
    if declared.lag is None:
        return Delay(0)
    seconds = _seconds(circuit, pathway)
    steps = np.floor(seconds / dt + 0.5).astype(np.int64)
    least = int(steps.min(initial=2**62)) if steps.ndim else int(steps)
    if not declared.at_spikes and least < 1:
        raise CircuitError(
            f"pathway '{pathway}' has a delay of {float(np.min(seconds)) * 1e3:g} ms, less than half of the time step "
            f"of {dt * 1e3:g} ms; leave the delay out, or use a shorter time step"
        )
    return Delay(int(steps.max(initial=0)), steps) if steps.ndim else Delay(int(steps))


def check_delay(circuit: Wiring, pathway: str) -> None:
    """Refuse a delay that is no time, negative, or of another shape than the weights; nothing is drawn.

    Raises
    ------
    UnitError, EquationError, CircuitError
        With what was got and what is expected.
    """
    lag = circuit.pathway[pathway].lag
    if lag is None:
        return
    connectivity, ends = circuit.connectivity(pathway), circuit.ends(pathway)
    check(lag, "second", connectivity, ends)
    if differs(circuit, pathway) and (connectivity.shared or not connectivity.weighted):
        raise CircuitError(
            f"{connectivity} has one delay for all synapses, since these have no weights of their own; give one time"
        )
    if isinstance(lag, Values) or not lag.draws:
        _seconds(circuit, pathway)


def refuse_beyond(circuit: Wiring, steps: int, dt: float) -> None:
    """Refuse delays longer than a run of so many steps: nothing sent would arrive.

    Raises
    ------
    CircuitError
        With the pathway, its longest delay and the duration.
    """
    for pathway in circuit.pathways:
        longest = delay_of(circuit, pathway.name, dt).depth
        if longest > steps:
            raise CircuitError(
                f"pathway '{pathway.name}' has a delay of {longest * dt * 1e3:g} ms, and {steps * dt * 1e3:g} ms are "
                "simulated, so that nothing would arrive; simulate longer, or store= the end and continue"
            )


def _seconds(circuit: Wiring, pathway: str) -> np.ndarray:
    lag = circuit.pathway[pathway].lag
    assert lag is not None, "asked of pathways with a delay only"
    if isinstance(lag, Values):
        seconds = np.asarray(lag.array, np.float64)
    else:
        connectivity, ends = circuit.connectivity(pathway), circuit.ends(pathway)
        what = f"the delays of pathway '{pathway}'"
        seconds = per_synapse_values(lag, connectivity, ends, stream(0, "delay", pathway), what=what)
    if seconds.size and (least := float(seconds.min())) < 0:
        raise CircuitError(
            f"the delay of pathway '{pathway}' is {least * 1e3:g} ms; expected times of zero or more, such as '1.5 ms'"
        )
    return seconds
