"""Which stretches the loop takes, and why not others."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterator

import jax

from neurosim.circuit.connectivity import Dense
from neurosim.circuit.images import Convolution, Pooling
from neurosim.circuit.spike_texts import is_plain
from neurosim.engines.batched.loop.layout import Needs
from neurosim.engines.batched.stretch import Stretch

#: Neurons that spike, and synapses, from which on a loop of its own is worth the seconds that it takes to compile.
LEAST_NEURONS, LEAST_SYNAPSES = 256, 1 << 14


def available() -> bool:
    """Whether Numba is there, and programs run on the processor."""
    return importlib.util.find_spec("numba") is not None and jax.default_backend() == "cpu"


def reasons(stretch: Stretch, courses: Collection[str], *, noise_on_weights: bool = False) -> list[str]:
    """Why a stretch runs in XLA's loop; empty if this one takes it.

    Parameters
    ----------
    courses
        Stimuli that change in time.
    noise_on_weights
        Whether weights have held noise in it.
    """
    found = []
    if not stretch.spiking:
        found.append("no population spikes")
    if stretch.surrogate_width is not None:
        found.append("spikes have a surrogate gradient")
    if stretch.until is not None:
        found.append("it ends once a variable has settled")
    if stretch.learn:
        found.append(f"the rule of '{stretch.learn[0]}' acts at every step")
    if stretch.synapses:
        found.append(f"synapses of '{stretch.synapses[0]}' keep something of their own")
    if noise_on_weights:
        found.append("weights have noise of their own in each trial")
    needs = Needs(stretch, frozenset(courses))
    return [*found, *_of_nodes(needs), *_of_pathways(needs), *_of_recordings(needs)]


def worthwhile(stretch: Stretch) -> bool:
    """Whether a stretch is large enough; that depends on the circuit alone, so that its parts agree in all bits."""
    circuit = stretch.plan.circuit
    neurons = sum(circuit.population[population].size for population in stretch.spiking)
    listed = [p for p in circuit.pathways if p.at_spikes and not isinstance(circuit.connectivity(p.name), Dense)]
    synapses = sum(len(circuit.connectivity(p.name).synapses(circuit.ends(p.name)).pre) for p in listed)
    return neurons >= LEAST_NEURONS and synapses >= LEAST_SYNAPSES


def _of_nodes(needs: Needs) -> Iterator[str]:
    kinds = {"pairwise": "a sum over a population", "mean": "a mean over a population"}
    for node in needs.nodes:
        if node.kind == "input" and not node.needs.keys() >= set(node.pathways):
            yield f"what arrives at '{node.name}' is a text"
        elif node.kind not in ("expression", "input"):
            yield f"'{node.name}' is {kinds.get(node.kind, 'a sum over neurons or trials')}, which changes in it"
        elif node.function is not None and node.function.draws:
            yield f"'{node.name}' draws random numbers"
    for population in needs.stretch.spiking:
        if any("input" in _kinds_under(needs, name) for name in needs.reads(population, "refractory")):
            yield f"the refractory period of '{population}' depends on what it receives"


def _kinds_under(needs: Needs, name: str) -> set[str]:
    """The kinds of the changing nodes that a variable depends on, itself included."""
    node = needs.plan.nodes.get(name)
    if node is None or not needs.changes(name):
        return set()
    return {node.kind}.union(*(_kinds_under(needs, other) for other in node.needs.values()))


def _of_pathways(needs: Needs) -> Iterator[str]:
    circuit = needs.plan.circuit
    for name in needs.struck:
        if not is_plain(circuit, name):
            yield f"what '{name}' delivers is a text"
    for name in (*needs.graded, *needs.struck):
        connectivity = circuit.connectivity(name)
        if isinstance(connectivity, Convolution | Pooling) or circuit.pathway[name].chosen_by is not None:
            yield f"'{name}' joins images"
        elif connectivity.shared or not connectivity.weighted:
            yield f"synapses of '{name}' share weights"


def _of_recordings(needs: Needs) -> Iterator[str]:
    for name in needs.recorded:
        if name.split(".")[0] not in needs.plan.models:
            yield f"'{name}' belongs to no population"
