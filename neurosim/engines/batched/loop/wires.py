"""The synapses of a pathway sender by sender, as a loop walks through them, and their variables in that order."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurosim.circuit.connectivity import Connectivity, Dense, OneToOne
from neurosim.circuit.delays import delay_of
from neurosim.circuit.synapses import Ends
from neurosim.circuit.wiring import Wiring

#: How a loop finds the synapses of a sender: a row of a matrix, the one of the same number, or a list.
Kind = Literal["rows", "one", "list"]


def kind_of(circuit: Wiring, pathway: str, dt: float) -> Kind:
    """How a loop finds the synapses of a sender."""
    if delay_of(circuit, pathway, dt).each is not None:
        return "list"
    connectivity = circuit.connectivity(pathway)
    return "rows" if isinstance(connectivity, Dense) else "one" if isinstance(connectivity, OneToOne) else "list"


@dataclass(frozen=True, eq=False)
class Wires:
    """The synapses of a pathway by sender, and those of each sender by delay.

    Attributes
    ----------
    kind
        How a loop finds those of a sender.
    order
        Which of the pathway's weights, counted in C order, each synapse has.
    pre, post
        The ends of each.
    first
        Where those of each sender begin, ``(n_pre + 1,)``, or where delays differ, those of each sender and delay,
        ``(n_pre, depth + 2)``.
    """

    kind: Kind
    n_pre: int
    n_post: int
    order: np.ndarray
    pre: np.ndarray
    post: np.ndarray
    first: np.ndarray

    @functools.cached_property
    def by_receiver(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the synapses of each receiver begin, ``(n_post + 1,)``, their numbers, and their senders."""
        order = np.argsort(self.post, kind="stable")
        begin = np.concatenate([[0], np.cumsum(np.bincount(self.post, minlength=self.n_post))])
        return begin.astype(np.uint64), order.astype(np.uint32), self.pre[order]

    @functools.cached_property
    def sorted(self) -> bool:
        """Whether weights lie in this order already."""
        return bool(np.array_equal(self.order, np.arange(len(self.order))))

    def by_sender(self, array: np.ndarray, axes: int) -> np.ndarray:
        """A variable in the shape of the weights, which has so many axes, in the order of the synapses here."""
        leading = array.shape[: array.ndim - axes]
        if self.kind == "rows":
            array = array.reshape(*leading, self.n_post, self.n_pre).swapaxes(-1, -2)
            return np.ascontiguousarray(array).reshape(*leading, -1)
        flat = array.reshape(*leading, -1)
        return np.ascontiguousarray(flat if self.sorted else flat[..., self.order])

    def as_given(self, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The other way round; each synapse has a weight of its own."""
        if self.kind == "rows":
            arranged = array.reshape(*array.shape[:-1], self.n_pre, self.n_post).swapaxes(-1, -2)
            return np.ascontiguousarray(arranged).reshape(*array.shape[:-1], *shape)
        if self.sorted:
            return array.reshape(*array.shape[:-1], *shape)
        arranged = np.empty_like(array)
        arranged[..., self.order] = array
        return arranged.reshape(*array.shape[:-1], *shape)

    def of_neurons(self, array: np.ndarray, side: Literal["pre", "post"]) -> np.ndarray | None:
        """What all synapses of a neuron share, ``(..., n)``; none if they do not share it."""
        ends, size = (self.pre, self.n_pre) if side == "pre" else (self.post, self.n_post)
        arranged = np.zeros((*array.shape[:-1], size), array.dtype)
        arranged[..., ends] = array
        return arranged if np.array_equal(arranged[..., ends], array) else None


@functools.lru_cache(maxsize=64)
def wires_of(circuit: Wiring, pathway: str, dt: float) -> Wires:
    """Those of a pathway."""
    delays = delay_of(circuit, pathway, dt)
    each = None if delays.each is None else delays.each.reshape(-1)
    if each is None:
        return _listed(circuit.connectivity(pathway), circuit.ends(pathway))
    ends = circuit.ends(pathway)
    made = circuit.connectivity(pathway).synapses(ends)
    assert made.weight is not None, "synapses with delays of their own have weights of their own"
    late = each[made.weight]
    order = np.lexsort((late, made.pre))
    cells = np.bincount(made.pre * (delays.depth + 1) + late, minlength=ends.n_pre * (delays.depth + 1))
    until = np.cumsum(cells).reshape(ends.n_pre, -1)
    begin = np.concatenate([[0], until[:-1, -1]])
    first = np.concatenate([begin[:, None], until], axis=1).astype(np.uint64)
    parts = (made.weight[order], made.pre[order].astype(np.uint32), made.post[order].astype(np.uint32))
    return Wires("list", ends.n_pre, ends.n_post, *parts, first)


@functools.lru_cache(maxsize=64)
def delays_and_cells(circuit: Wiring, pathway: str, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """The delay of each synapse in steps, and its place among sums by delay and receiver."""
    each, wires = delay_of(circuit, pathway, dt).each, wires_of(circuit, pathway, dt)
    assert each is not None, "only what has delays of its own is read so"
    late = each.reshape(-1)[wires.order]
    return late, (late * wires.n_post + wires.post).astype(np.uint32)


@functools.lru_cache(maxsize=64)
def _listed(connectivity: Connectivity, ends: Ends) -> Wires:
    made = connectivity.synapses(ends)
    assert made.weight is not None, "only pathways with weights are walked through"
    kind: Kind = "rows" if isinstance(connectivity, Dense) else "one" if isinstance(connectivity, OneToOne) else "list"
    # Receivers in order, as in a row of a matrix; several synapses of two neurons in theirs.
    order = np.lexsort((made.post, made.pre)) if kind == "rows" else np.argsort(made.pre, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(made.pre, minlength=ends.n_pre))]).astype(np.uint64)
    parts = (made.weight[order], made.pre[order].astype(np.uint32), made.post[order].astype(np.uint32))
    return Wires(kind, ends.n_pre, ends.n_post, *parts, first)
