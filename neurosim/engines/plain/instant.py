"""All variables of a circuit at one instant, by its graph, each computed when first asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neurosim.circuit.plan import Node, Plan, read_of
from neurosim.circuit.spike_texts import delivered_names, written_delivery
from neurosim.equations.array_code import ArrayFunction, expression_function
from neurosim.untyped import Array


@functools.lru_cache(maxsize=1024)
def compiled(function: ArrayFunction) -> Callable[..., Any]:
    """An array function, running on NumPy."""
    return function.compile(np)


class Instant:
    """Variables at one instant; axes are (trial, neuron), and one that is missing or of length one is broadcast.

    Parameters
    ----------
    plan
        The circuit's graph.
    given
        The leaves.
    inputs
        Another instant, whose sums of inputs hold here, too.
    """

    def __init__(self, plan: Plan, given: Mapping[str, Array], inputs: Instant | None = None) -> None:
        self.plan, self.given, self.inputs = plan, given, inputs
        self.computed: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name in self.given:
            return self.given[name]
        if name not in self.computed:
            node = self.plan.nodes[name]
            if self.inputs is not None and (node.kind != "expression" or node.held):
                self.computed[name] = self.inputs[name]
            else:
                self.computed[name] = self._compute(node)
        return self.computed[name]

    def call(self, function: ArrayFunction, names: Mapping[str, str]) -> Any:
        """A function of arrays, by the variable that each of its arguments is."""
        return compiled(function)(**{argument: self[names[argument]] for argument in function.arguments})

    def _compute(self, node: Node) -> Any:
        if node.kind == "input":
            return sum(self._arriving(node, pathway) for pathway in node.pathways)
        if node.kind == "sum":
            return np.sum(self._neurons(node.needs["share"]), axis=-1, keepdims=True)
        if node.kind == "batch_sum":
            return np.sum(self[node.needs["loss"]], axis=0, keepdims=True)
        assert node.function is not None
        if node.kind == "expression":
            return self.call(node.function, node.needs)
        arguments = {argument: self._neurons(name) for argument, name in node.needs.items()}
        if node.kind == "mean":
            return self._channel_means(node, compiled(node.function)(**arguments))
        # A sum over presynaptic neurons, for each postsynaptic one.
        axes = {argument: -2 if argument.endswith("_pre") else -1 for argument in arguments}
        values = {argument: np.expand_dims(array, axes[argument]) for argument, array in arguments.items()}
        return np.sum(compiled(node.function)(**values), axis=-1)

    def _neurons(self, name: str) -> np.ndarray:
        """A variable with its axis of neurons at full length."""
        value, size = np.asarray(self[name]), self.plan.circuit.population[name.split(".")[0]].size
        return np.broadcast_to(value, (*value.shape[:-1], size))

    def _channel_means(self, node: Node, values: np.ndarray) -> np.ndarray:
        """The mean of each channel, at all of its positions."""
        channels = self.plan.circuit.population[node.name.split(".")[0]].channels
        maps = values.reshape(*values.shape[:-1], -1, channels)
        return np.broadcast_to(maps.mean(axis=-2, keepdims=True), maps.shape).reshape(values.shape)

    def _arriving(self, node: Node, pathway: str) -> np.ndarray:
        return self._delivered(pathway, node.needs[pathway]) if pathway in node.needs else self._by_text(node, pathway)

    def _by_text(self, node: Node, pathway: str) -> np.ndarray:
        """The input by a text, summed over synapses one by one."""
        circuit = self.plan.circuit
        ends, names = circuit.ends(pathway), delivered_names(circuit, pathway)
        made = circuit.connectivity(pathway).synapses(ends)
        assert made.weight is not None, "what has no weights has no text"
        function = expression_function("delivered", written_delivery(circuit, pathway))
        values = {}
        for name, (kind, _) in names.items():
            value = np.asarray(self[node.needs[read_of(pathway, name)]])
            if kind in ("pre", "post"):
                size, index = (ends.n_pre, made.pre) if kind == "pre" else (ends.n_post, made.post)
                values[name] = np.broadcast_to(value, (*value.shape[:-1], size))[..., index]
            else:
                own = kind in ("own", "trace") and value.ndim
                values[name] = value.reshape(-1)[made.weight] if own else value
        each = np.asarray(compiled(function)(**{name: values[name] for name in function.arguments}))
        each = np.broadcast_to(each, (*each.shape[:-1], len(made.post)))
        arriving = np.zeros((*each.shape[:-1], ends.n_post))
        np.add.at(np.moveaxis(arriving, -1, 0), made.post, np.moveaxis(each, -1, 0))
        return arriving

    def _delivered(self, pathway: str, source: str) -> np.ndarray:
        """The input of each target neuron: strength times activity, summed over its synapses."""
        return np.einsum("...ij,...j->...i", strengths(self, pathway), self._neurons(source))


def strengths(now: Instant, pathway: str) -> np.ndarray:
    """The strength of each synapse of a pathway, (n_post, n_pre), with an axis of trials first under noise."""
    circuit = now.plan.circuit
    declared, ends = circuit.pathway[pathway], circuit.ends(pathway)
    made = circuit.connectivity(pathway).synapses(ends)
    if made.weight is None:
        each = np.asarray(made.strength)
    else:
        owner = circuit.owner(pathway)
        weights = now[f"{owner}.w" if declared.derived is None else f"{pathway}.derived"]
        shape = weights.shape
        if f"{owner}.perturbation" in now.given:
            weights = weights + now[f"{owner}.perturbation"]
        if declared.tie is not None and declared.tie.transposed and len(shape) > 1:
            weights = np.swapaxes(weights, -len(shape), 1 - len(shape))
        each = weights.reshape(*weights.shape[: weights.ndim - len(shape)], -1)[..., made.weight]
    return made.matrix(np.asarray(each, np.float64), ends)
