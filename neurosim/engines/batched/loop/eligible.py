"""Which stretches the loop takes, and why not others."""

from __future__ import annotations

import functools
import importlib.util
import math
from collections.abc import Iterator

import jax

from neurosim.circuit.connectivity import Dense
from neurosim.circuit.images import Convolution, Pooling
from neurosim.circuit.spike_texts import delivered_names, spike_text, trace_steps
from neurosim.circuit.wiring import Wiring
from neurosim.engines.batched.loop.collapsed import SIDES
from neurosim.engines.batched.loop.layout import Needs
from neurosim.engines.batched.stretch import Stretch

#: Neurons that spike, and synapses, from which on a loop of its own is worth the seconds that it takes to compile.
LEAST_NEURONS, LEAST_SYNAPSES = 256, 1 << 14


def available() -> bool:
    """Whether Numba is there, and programs run on the processor."""
    return _numba() and jax.default_backend() == "cpu"


@functools.cache
def _numba() -> bool:
    return importlib.util.find_spec("numba") is not None


def reasons(needs: Needs) -> list[str]:
    """Why a stretch runs in XLA's loop; empty if this one takes it."""
    stretch = needs.stretch
    sentences = []
    if not stretch.spiking:
        sentences.append("no population spikes")
    if stretch.surrogate_width is not None:
        sentences.append("spikes have a surrogate gradient")
    if stretch.until is not None:
        sentences.append("it ends once a variable has settled")
    if stretch.learn:
        sentences.append(f"the rule of '{stretch.learn[0]}' acts at every step")
    return [*sentences, *_of_nodes(needs), *_of_pathways(needs), *_of_recordings(needs)]


def worthwhile(stretch: Stretch) -> bool:
    """Whether a stretch is large enough; that depends on the circuit alone, so that its parts agree in all bits.

    What spikes deliver by a matrix alone XLA sums by events, too.
    """
    circuit = stretch.plan.circuit
    neurons = sum(circuit.population[population].size for population in stretch.spiking)
    walked = [
        pathway.name
        for pathway in circuit.pathways
        if pathway.name in stretch.synapses
        or (pathway.at_spikes and not isinstance(circuit.connectivity(pathway.name), Dense))
    ]
    return neurons >= LEAST_NEURONS and sum(_synapses(circuit, name) for name in walked) >= LEAST_SYNAPSES


def _synapses(circuit: Wiring, pathway: str) -> int:
    if not circuit.connectivity(pathway).weighted:
        return 0
    return math.prod(circuit.weights_shape(pathway))


def _of_nodes(needs: Needs) -> Iterator[str]:
    kinds = {"pairwise": "a sum over a population", "mean": "a mean over a population"}
    for node in needs.nodes:
        if node.kind not in ("expression", "input", "arrival"):
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
    for name in needs.walked:
        connectivity, pathway = circuit.connectivity(name), circuit.pathway[name]
        if isinstance(connectivity, Convolution | Pooling) or pathway.chosen_by is not None:
            yield f"'{name}' joins images"
        elif connectivity.shared or not connectivity.weighted:
            yield f"synapses of '{name}' share weights"
        elif pathway.tie is not None and circuit.owner(name) in needs.stretch.changing:
            yield f"'{name}' uses the weights of '{circuit.owner(name)}', which change"
        else:
            yield from _of_texts(needs, name)


def _of_texts(needs: Needs, name: str) -> Iterator[str]:
    """Why the texts of a pathway's synapses cannot run event by event."""
    circuit, pathway = needs.plan.circuit, needs.plan.circuit.pathway[name]
    own = {f"{name}.{variable}" for variable in pathway.synapse.synaptic_variables}
    texts = [text for side in SIDES if (text := spike_text(circuit, name, side)) is not None]
    read = [each for text in texts for each in text.names.values()]
    read += list(delivered_names(circuit, name).values()) if pathway.delivers is not None else []
    steps = trace_steps(circuit, name)
    read += list(steps.names.values()) if steps is not None else []
    for kind, qualified in read:
        if kind == "own" and qualified not in own:
            yield f"a text of '{name}' reads '{qualified}', which is drawn"
        elif kind == "trial" and needs.changes(qualified):
            yield f"a text of '{name}' reads '{qualified}', which changes in it"
    # Within a step, one spike after the other is delivered: what one delivers, the next must not read.
    delivered = {target for text in texts for target in text.targets}
    if pathway.pre == pathway.post and any(q in delivered for kind, q in read if kind == "pre"):
        yield f"a text of '{name}' reads in front what it delivers behind"


def _of_recordings(needs: Needs) -> Iterator[str]:
    for record in needs.recorded:
        owner = record.name.rpartition(".")[0]
        if owner not in needs.plan.models and record.name not in needs.slots:
            yield f"'{record.name}' belongs to no population"
