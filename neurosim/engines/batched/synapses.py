"""Texts of synapses, one by one: at spikes, deliveries, traces. The general way, over all synapses at every step.

Arrays of synapses are (trial, *shape of the weights); what neurons have is spread over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from neurosim.circuit.plan import Node, read_of
from neurosim.circuit.spike_texts import Names, SpikeText, TraceSteps, delivered_names, written_delivery
from neurosim.circuit.wiring import Wiring
from neurosim.engines.batched.array_functions import compiled
from neurosim.equations.array_code import expression_function

if TYPE_CHECKING:
    from neurosim.engines.batched.snapshot import Snapshot

Arrays = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Spread:
    """How what neurons have reaches the synapses of a pathway, and what synapses deliver reaches neurons.

    Attributes
    ----------
    n_pre, n_post
        Sizes of the two populations.
    pre, post
        The ends of each synapse; none where all neurons of both sides are joined and weights are a matrix.
    """

    n_pre: int
    n_post: int
    pre: np.ndarray | None
    post: np.ndarray | None

    @classmethod
    def of(cls, circuit: Wiring, pathway: str) -> Spread:
        """That of a pathway."""
        ends = circuit.ends(pathway)
        if len(circuit.weights_shape(pathway)) == 2:
            return cls(ends.n_pre, ends.n_post, None, None)
        made = circuit.connectivity(pathway).synapses(ends)
        return cls(ends.n_pre, ends.n_post, made.pre.astype(np.int32), made.post.astype(np.int32))

    def from_pre(self, value: Any) -> Any:
        """A variable of the neurons in front, at each synapse."""
        full = self._full(value, self.n_pre)
        return full if jnp.ndim(full) == 0 else full[..., None, :] if self.pre is None else full[..., self.pre]

    def from_post(self, value: Any) -> Any:
        """A variable of the neurons behind, at each synapse."""
        full = self._full(value, self.n_post)
        return full if jnp.ndim(full) == 0 else full[..., :, None] if self.post is None else full[..., self.post]

    def from_trial(self, value: Any) -> Any:
        """A scalar of each trial, ``(trial, 1)``, at each synapse."""
        return value if jnp.ndim(value) == 0 else value[..., None] if self.pre is None else value

    def to_post(self, values: Any) -> Any:
        """The sum at each neuron behind, of what its synapses deliver."""
        if self.post is None:
            return jnp.sum(values, axis=-1)
        empty = jnp.zeros((*values.shape[:-1], self.n_post), values.dtype)
        return empty.at[..., self.post].add(values)

    @staticmethod
    def _full(value: Any, size: int) -> Any:
        return value if jnp.ndim(value) == 0 else jnp.broadcast_to(value, (*jnp.shape(value)[:-1], size))


def seen(now: Snapshot, pathway: str, names: Names, own: Mapping[str, Any]) -> Arrays:
    """The values that a pathway's text reads, at each of its synapses.

    Parameters
    ----------
    names
        Of the text.
    own
        Values of the synapse's own variables that are not those of the snapshot.
    """
    spread, read = Spread.of(now.plan.circuit, pathway), {}
    for name, (kind, qualified) in names.items():
        value = own[qualified] if qualified in own else now[qualified]
        read[name] = _spread(spread, kind, value)
    return read


def _spread(spread: Spread, kind: str, value: Any) -> Any:
    at = {"pre": spread.from_pre, "post": spread.from_post, "trial": spread.from_trial}.get(kind)
    return value if at is None else at(value)


def arrived(circuit: Wiring, node: Node, values: Mapping[str, Any]) -> Any:
    """Values that a delayed pathway sent and that arrive now: one a neuron, or one a synapse where delays differ."""
    sent = values[node.needs["flight"]]
    if "delays" not in node.needs:
        return sent[..., -1, :]
    pathway = node.needs["flight"].partition("|")[0]
    return at_delays(Spread.of(circuit, pathway), sent, values[node.needs["delays"]] - 1)


def at_delays(spread: Spread, sent: Any, steps: Any) -> Any:
    """The values sent, newest first, ``(trial, step, n_pre)``, that reach each synapse after so many steps."""
    senders = jnp.arange(spread.n_pre)[None, :] if spread.pre is None else spread.pre
    return sent[:, steps, senders]


def delivered_by_text(now: Snapshot, node: Node, pathway: str) -> Any:
    """The sum that a pathway delivers by its text, at an instant, ``(trial, n_post)``."""
    circuit = now.plan.circuit
    names = delivered_names(circuit, pathway)
    spread = Spread.of(circuit, pathway)
    function = expression_function("delivered", written_delivery(circuit, pathway))
    each = now.plan.nodes
    values = {}
    for name, (kind, qualified) in names.items():
        needed = node.needs[read_of(pathway, name)]
        # With delays of each synapse, what arrives is at the synapses already.
        there = needed in each and "delays" in each[needed].needs
        value = now[needed]
        # What is under way had its probes when it was sent.
        if kind == "pre" and needed == qualified:
            value = now.probes.sent(qualified, value)
        values[name] = value if there else _spread(spread, kind, value)
    delivered = compiled(function)(**{name: values[name] for name in function.arguments})
    trials = jnp.ndim(delivered) - len(circuit.weights_shape(pathway))
    full = jnp.broadcast_to(delivered, (*jnp.shape(delivered)[: max(0, trials)], *circuit.weights_shape(pathway)))
    return spread.to_post(full)


@dataclass(frozen=True, eq=False)
class Struck:
    """The changes that a text at spikes makes to all synapses of a pathway in each trial.

    Attributes
    ----------
    own
        New values of the synapse's variables, ``(trial, *shape of the weights)``.
    delivered
        What is added to variables of the neurons behind, ``(trial, n_post)``.
    """

    own: Arrays
    delivered: Arrays


def strike(now: Snapshot, pathway: str, text: SpikeText, own: Mapping[str, Any], at: Any, trials: int) -> Struck:
    """Let a text act in the synapses at which there is a spike.

    Parameters
    ----------
    own
        Values of the synapse's own variables, as they are before the spike.
    at
        The spikes at each synapse, one or zero, ``(trial, *shape of the weights)`` or broadcastable to it.
    """
    circuit = now.plan.circuit
    spread, shape = Spread.of(circuit, pathway), circuit.weights_shape(pathway)
    values = seen(now, pathway, text.names, own)
    results = compiled(text.function)(**{name: values[name] for name in text.function.arguments})
    results = results if len(text.function.returns) > 1 else (results,)
    full = [jnp.broadcast_to(value, (trials, *shape)) for value in results]
    changed: Arrays = {}
    for name, value in zip(text.changed, full, strict=False):
        before = own.get(f"{pathway}.{name}", now.values.get(f"{pathway}.{name}"))
        changed[f"{pathway}.{name}"] = jnp.where(at > 0, value, before).astype(jnp.asarray(before).dtype)
    delivered: Arrays = {}
    for target, value in zip(text.targets, full[len(text.changed) :], strict=True):
        arriving = spread.to_post(at * value)
        delivered[target] = delivered[target] + arriving if target in delivered else arriving
    return Struck(changed, delivered)


def stepped_traces(now: Snapshot, pathway: str, steps: TraceSteps) -> Arrays:
    """The traces of a pathway, one time step on."""
    values = seen(now, pathway, steps.names, {}) | {"dt": now["dt"]}
    results = compiled(steps.function)(**{name: values[name] for name in steps.function.arguments})
    results = results if len(steps.returns) > 1 else (results,)
    traces = {}
    for name, value in zip(steps.returns, results, strict=True):
        before = now[f"{pathway}.{name}"]
        traces[f"{pathway}.{name}"] = jnp.broadcast_to(value, jnp.shape(before)).astype(before.dtype)
    return traces
