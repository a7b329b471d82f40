"""Lists of synapses that join many of all pairs, computed as matrices with holes.

To gather by the ends of each synapse costs some ten times what a product of matrices costs for each of its elements.
So a presentation runs on a circuit whose lists of that kind are matrices: weights and traces are spread out before it,
and what it gives is picked out again. Zeros deliver nothing, and no increment reaches them. Where derivatives are taken
all lists are matrices that can be: a list would keep something of each synapse of every step.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity.listed import Listed
from neurosim.circuit.delays import differs
from neurosim.circuit.description import Initial
from neurosim.circuit.plasticity import UPDATE_NOISE
from neurosim.engines.batched.batch import Batch, Outcome, Request
from neurosim.engines.batched.kernels.masked import Masked

#: Weights come with the state.
_GIVEN = Initial("constant", 0.0, None)
#: A list of at least this share of all pairs is a matrix, if that has at most so many elements.
LEAST_SHARE, MOST_ELEMENTS = 1 / 8, 1 << 22
#: The largest matrix where derivatives are taken, whatever the share.
MOST_DIFFERENTIATED = 1 << 24


@dataclass(frozen=True)
class SpreadOut:
    """A circuit whose lists are matrices, and where each synapse is in them."""

    circuit: Circuit
    places: Mapping[str, tuple[np.ndarray, np.ndarray]]

    def spread(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Variables of synapses as matrices, behind further axes."""
        spread = dict(values)
        for name, array in values.items():
            place = self._place(name)
            if place is not None and jnp.ndim(array):
                post, pre, shape = place
                leading = jnp.shape(array)[:-1]
                spread[name] = jnp.zeros((*leading, *shape), jnp.asarray(array).dtype).at[..., post, pre].set(array)
        return spread

    def picked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Variables of synapses as lists again."""
        picked = dict(values)
        for name, array in values.items():
            place = self._place(name)
            if place is not None and jnp.ndim(array) > 1:
                picked[name] = array[..., place[0], place[1]]
        return picked

    def _place(self, name: str) -> tuple[np.ndarray, np.ndarray, tuple[int, int]] | None:
        pathway, _, variable = name.rpartition(".")
        if pathway not in self.places or variable not in self.circuit.pathway[pathway].synapse.synaptic_variables:
            return None
        return (*self.places[pathway], self.circuit.shape(pathway))


def as_matrices(present: Callable[[Request, Batch], Outcome], request: Request, batch: Batch) -> Outcome:
    """Present with matrices in the place of lists that nearly are some."""
    spread_out = spread_out_of(request)
    if spread_out is None:
        return present(request, batch)
    outcome = present(
        replace(request, circuit=spread_out.circuit), replace(batch, values=spread_out.spread(batch.values))
    )
    parts = ("changes", "stepped", "final")
    return replace(outcome, **{name: spread_out.picked(getattr(outcome, name)) for name in parts})


@functools.lru_cache(maxsize=64)
def spread_out_of(request: Request) -> SpreadOut | None:
    """The circuit of a request with matrices in the place of lists; none where no list is to be one.

    A pathway of which something is reported or recorded stays a list.
    """
    circuit, places = request.circuit, dict[str, tuple[np.ndarray, np.ndarray]]()
    # Synapses that see those that lead back have to be lists of one kind, or none.
    if request.own_weights or any("reciprocal" in pathway.synapse.reads for pathway in circuit.pathways):
        return None
    asked = {text.rpartition(".")[0] for text in (*request.report, *(record.name for record in request.record))}
    # Functions of weights take them as they are given.
    asked |= {name for pathway in circuit.pathways if pathway.derived for name in pathway.derived.pathways}
    for owner in (pathway.name for pathway in circuit.owners):
        users = (each.name for each in circuit.pathways if circuit.owner(each.name) == owner)
        if owner not in asked and all(_suits(request, name) for name in users) and _is_much(request, owner):
            made = circuit.connectivity(owner).synapses(circuit.ends(owner))
            places[owner] = (made.post.astype(np.int32), made.pre.astype(np.int32))
    if not places:
        return None
    pathways = tuple(
        replace(pathway, connectivity=Masked(_listing(circuit, pathway.name)), initial=_GIVEN)
        if pathway.name in places
        else pathway
        for pathway in circuit.pathways
    )
    return SpreadOut(replace(circuit, pathways=pathways), places)


def _listing(circuit: Circuit, pathway: str) -> Listed:
    connectivity = circuit.connectivity(pathway)
    assert isinstance(connectivity, Listed), "others are no lists"
    return connectivity


def _suits(request: Request, name: str) -> bool:
    """Whether a pathway does no more in its synapses than to deliver and learn by graded variables."""
    circuit, pathway = request.circuit, request.circuit.pathway[name]
    at_synapses = (pathway.delivers, pathway.sigma, pathway.derived, pathway.update_noise, pathway.chosen_by)
    if any(each is not None for each in at_synapses) or differs(circuit, name):
        return False
    # Spikes reach lists event by event; what is under way belongs to neurons either way.
    if not request.differentiated and (pathway.at_spikes or pathway.delay is not None):
        return False
    # Bounds are applied within steps to all of an array: those that zero does not meet would fill the holes.
    stepped = pathway.bounds is not None and "w" in pathway.synapse.stepped
    return not stepped and not pathway.synapse.acts_at_spikes and UPDATE_NOISE not in pathway.synapse.names


def _is_much(request: Request, owner: str) -> bool:
    circuit, connectivity = request.circuit, request.circuit.connectivity(owner)
    (n_post, n_pre), most = circuit.shape(owner), MOST_DIFFERENTIATED if request.differentiated else MOST_ELEMENTS
    if not isinstance(connectivity, Listed) or connectivity.repeats or n_post * n_pre > most:
        return False
    return request.differentiated or circuit.weights_shape(owner)[0] >= LEAST_SHARE * n_post * n_pre
