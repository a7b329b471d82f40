"""All variables of a circuit at one instant, each computed when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from neurosim.circuit.plan import Node, Plan, choice_of
from neurosim.engines.batched.array_functions import compiled
from neurosim.engines.batched.probes import NO_PROBES, Probes
from neurosim.engines.batched.step_draws import DRAWS
from neurosim.engines.batched.synapses import arrived, delivered_by_text
from neurosim.engines.batched.weights import PLAIN, Weights, deliver
from neurosim.equations.array_code import ArrayFunction, expression_function
from neurosim.equations.switched import switched

Arrays = dict[str, Any]
#: Names of the time in equations.
TIMES = frozenset({"t", "lastspike"})


@dataclass(frozen=True)
class Relay:
    """A pathway that passes on what a single other one delivers: the other's source, the product of both weights."""

    source: str
    weights: Any


@dataclass(frozen=True)
class Prepared:
    """Parts of inputs that do not change during a loop over time, computed once before it.

    Attributes
    ----------
    sums
        Input -> what the pathways in `summed` deliver to it.
    summed
        Pathways that are part of a sum.
    relays
        Pathway -> how it passes on what another delivers.
    """

    sums: Mapping[str, Any] = field(default_factory=dict)
    summed: frozenset[str] = frozenset()
    relays: Mapping[str, Relay] = field(default_factory=dict)


#: Outside a loop over time, nothing is prepared.
NOTHING = Prepared()


class Snapshot:
    """Variables at one instant.

    Axes are (trial, neuron); what does not depend on the trial or the neuron lacks or broadcasts that axis.

    Parameters
    ----------
    plan
        The circuit's graph.
    values
        What is known: all leaves, and nodes that were computed before.
    weights
        Those beside the state.
    prepared
        What a loop over time computed before it.
    inputs
        Another snapshot from which inputs are taken instead of being summed again: after a state update,
        thresholds and rules still see the inputs of the step's beginning.
    perturbations
        Arrays added to named variables once they are computed, to differentiate with respect to.
    probes
        Those of the step, by which pathways are cut.
    switches
        Variables that are known to be these numbers: what they turn off is not computed.
    """

    def __init__(
        self,
        plan: Plan,
        values: Mapping[str, Any],
        *,
        weights: Weights = PLAIN,
        prepared: Prepared = NOTHING,
        inputs: Snapshot | None = None,
        perturbations: Mapping[str, Any] | None = None,
        probes: Probes = NO_PROBES,
        switches: Mapping[str, float] | None = None,
    ) -> None:
        self.plan = plan
        self.switches = switches or {}
        self.values = dict(values)
        self.weights, self.prepared = weights, prepared
        self.inputs = inputs
        self.perturbations, self.probes = perturbations or {}, probes

    def __getitem__(self, name: str) -> Any:
        if name not in self.values:
            self.values[name] = self._compute(name)
        return self.values[name]

    def call(self, function: ArrayFunction, arguments: Mapping[str, Any]) -> Any:
        """A function of arrays.

        One that reads the time is computed in double precision, whatever that of the others: after 200 s, single
        precision tells times apart by 15 us.
        """
        if not TIMES & set(function.arguments) or (dtype := jnp.result_type(self.values["dt"])) == jnp.float64:
            return compiled(function)(**arguments)
        with jax.enable_x64(True):
            results = compiled(function)(**{name: _wide(value) for name, value in arguments.items()})
            return jax.tree.map(lambda array: _narrow(jnp.asarray(array), dtype), results)

    def local(self, population: str | None, function: ArrayFunction, **given: Any) -> Any:
        """A function of one population's variables."""
        arguments = {
            argument: given[argument] if argument in given else self[self.plan.resolve(population, argument)]
            for argument in function.arguments
        }
        return self.call(function, arguments)

    def _compute(self, name: str) -> Any:
        node = self.plan.nodes.get(name)
        if node is None:
            raise KeyError(f"the variable '{name}' has no value")
        if self.inputs is not None and (node.kind != "expression" or node.held):
            return self.inputs[name]
        value = self._node(node)
        if name in self.perturbations:
            value = value + self.perturbations[name]
        return value

    def _node(self, node: Node) -> Any:
        if node.kind == "input":
            return self._input(node)
        if node.kind == "arrival":
            return arrived(self.plan.circuit, node, self.values)
        if node.kind == "sum":
            return jnp.sum(self._per_neuron(node.needs["share"]), axis=-1, keepdims=True)
        if node.kind == "batch_sum":
            return jnp.sum(self[node.needs["loss"]], axis=0, keepdims=True)
        assert node.function is not None
        if node.kind == "pairwise":
            full = {a: self._per_neuron(n) for a, n in node.needs.items()}
            sides = {a: v[..., None, :] if a.endswith("_pre") else v[..., :, None] for a, v in full.items()}
            if not any(a.endswith("_post") for a in full):
                return jnp.sum(compiled(node.function)(**full), axis=-1, keepdims=True)
            return jnp.sum(compiled(node.function)(**sides), axis=-1)
        if node.kind == "mean":
            values = compiled(node.function)(**{a: self._per_neuron(n) for a, n in node.needs.items()})
            return self._over_channels(node.name.split(".")[0], values)
        function = self._switched(node)
        drawn = self._drawn(node.name, function)
        value = self.call(function, {a: drawn[a] if a in drawn else self[node.needs[a]] for a in function.arguments})
        # A bare number would take the default precision.
        bare = function is not node.function and not function.arguments
        return jnp.asarray(value, self.values["dt"].dtype) if bare else value

    def _drawn(self, name: str, function: ArrayFunction) -> Arrays:
        """The random numbers of this step that an expression reads."""
        if not function.draws:
            return {}
        return self.values[DRAWS].of(self.plan.circuit, name, function, self.values["t"], self.values["dt"].dtype)

    def _switched(self, node: Node) -> ArrayFunction:
        """The node's function, or what switches leave of it."""
        assert node.function is not None
        known = {argument: self.switches[need] for argument, need in node.needs.items() if need in self.switches}
        population, _, variable = node.name.rpartition(".")
        equation = self.plan.models[population].equation_set.by_name.get(variable) if population else None
        if not known or equation is None or node.function.draws or equation.kind != "subexpression":
            return node.function
        return expression_function(variable, switched(equation.expression or "0", known))

    def _per_neuron(self, name: str) -> Any:
        """A variable with its neuron axis at full length, to be summed over."""
        value = self[name]
        size = self.plan.circuit.population[name.split(".")[0]].size
        return jnp.broadcast_to(value, (*jnp.shape(value)[:-1], size))

    def _over_channels(self, population: str, values: Any) -> Any:
        """The mean of each channel, at all of its positions."""
        channels = self.plan.circuit.population[population].channels
        maps = values.reshape(*values.shape[:-1], -1, channels)
        return jnp.broadcast_to(jnp.mean(maps, axis=-2, keepdims=True), maps.shape).reshape(values.shape)

    def choice(self, node: Node, pathway: str) -> Any:
        """The activity by which a pathway chooses its targets; none where it has no choice."""
        name = node.needs.get(choice_of(pathway))
        return None if name is None else self._per_neuron(name)

    def _read_by(self, node: Node, pathway: str) -> Any:
        """The activity that a pathway reads; what is under way had its probes when it was sent."""
        activity, declared = self[node.needs[pathway]], self.plan.circuit.pathway[pathway]
        return activity if declared.delay is not None else self.probes.read_by(pathway, declared.source, activity)

    def _input(self, node: Node) -> Any:
        total = self.prepared.sums.get(node.name)
        for pathway in node.pathways:
            if total is not None and pathway in self.prepared.summed:
                continue
            relay = self.prepared.relays.get(pathway)
            if pathway not in node.needs:
                delivered = delivered_by_text(self, node, pathway)
            elif relay is None:
                delivered = deliver(
                    self.plan.circuit,
                    pathway,
                    self.values,
                    self.weights,
                    self._read_by(node, pathway),
                    choice=self.choice(node, pathway),
                )
            else:
                delivered = self[relay.source] @ relay.weights.T
            total = delivered if total is None else total + delivered
        return total


def time_of(number: Any, dt: float) -> Any:
    """The time at which a step begins, in seconds and in double precision."""
    with jax.enable_x64(True):
        product = jnp.asarray(number).astype(jnp.float64) * dt
        # Fused with a difference of times, the product would not be rounded, and be another time than Brian2's. That
        # its bits are compared, without effect, keeps the compiler from it.
        bits = jnp.maximum(jax.lax.bitcast_convert_type(product, jnp.int64), jnp.iinfo(jnp.int64).min + 1)
        return jax.lax.bitcast_convert_type(bits, jnp.float64)


def _wide(value: Any) -> Any:
    array = jnp.asarray(value)
    return array.astype(jnp.float64) if jnp.issubdtype(array.dtype, jnp.floating) else array


def _narrow(array: Any, dtype: Any) -> Any:
    return array.astype(dtype) if jnp.issubdtype(array.dtype, jnp.number) else array
