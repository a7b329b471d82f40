"""How the parts of a circuit are joined: which pathway has which ends, weights and shapes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from neurosim.circuit.connectivity import Connectivity
from neurosim.circuit.description import ControlLoop, Pathway, Phase, Population
from neurosim.circuit.synapses import Ends
from neurosim.errors import CircuitError
from neurosim.readouts._readout import Readout
from neurosim.untyped import Array, ArrayModule


@dataclass(frozen=True)
class Wiring:
    """The parts of a circuit and how they are joined; whether they fit together is not checked here.

    What reads a circuit (its equations, its graph, its printed text) takes this. `neurosim.circuit.circuit.Circuit` is
    the same, checked.
    """

    name: str
    populations: tuple[Population, ...]
    pathways: tuple[Pathway, ...] = ()
    phases: tuple[Phase, ...] = ()
    readout: Readout | None = None
    output: str | None = None
    carry: bool = False
    delivered_at: str | None = None
    loops: tuple[ControlLoop, ...] = ()
    over_time: bool = False

    @property
    def perturbed(self) -> tuple[Pathway, ...]:
        """The pathways with noise on their weights."""
        return tuple(pathway for pathway in self.pathways if pathway.sigma is not None)

    @functools.cached_property
    def population(self) -> Mapping[str, Population]:
        """Populations by name."""
        return {population.name: population for population in self.populations}

    @functools.cached_property
    def pathway(self) -> Mapping[str, Pathway]:
        """Pathways by name."""
        return {pathway.name: pathway for pathway in self.pathways}

    def shape(self, pathway: str) -> tuple[int, int]:
        """``(n_post, n_pre)`` of a pathway."""
        declared = self.pathway[pathway]
        return self.population[declared.post].size, self.population[declared.pre].size

    def owner(self, pathway: str) -> str:
        """The pathway whose weights a pathway uses: its own, or those it is tied to."""
        tie = self.pathway[pathway].tie
        return pathway if tie is None else tie.pathway

    def ends(self, pathway: str) -> Ends:
        """The populations that a pathway joins, as its connectivity sees them."""
        pre, post = (self.population[name] for name in (self.pathway[pathway].pre, self.pathway[pathway].post))
        return Ends(pre.size, post.size, pre.shape, post.shape, recurrent=pre is post)

    def connectivity(self, pathway: str) -> Connectivity:
        """How a pathway connects its populations: in its own way, or in that of the pathway it is tied to."""
        tie = self.pathway[pathway].tie
        connectivity = self.pathway[self.owner(pathway)].connectivity
        if tie is not None and tie.transposed and not isinstance(connectivity, str):
            connectivity = connectivity.reversed
        if connectivity is None or isinstance(connectivity, str):
            raise CircuitError(f"pathway '{pathway}' has no connectivity")
        return connectivity

    @functools.cached_property
    def owners(self) -> tuple[Pathway, ...]:
        """The pathways with weights of their own."""
        return tuple(p for p in self.pathways if p.tie is None and self.connectivity(p.name).weighted)

    def convergence(self, pathway: str) -> int:
        """The number of synapses that reach a target neuron of a pathway, over all pathways to that variable."""
        target = self.pathway[pathway].target
        return sum(self.fans(other.name)[0] for other in self.pathways if other.target == target)

    def fans(self, pathway: str) -> tuple[int, int]:
        """The most synapses of a pathway that a neuron receives, and that a neuron sends."""
        return self.connectivity(pathway).fans(self.ends(pathway))

    def weights_shape(self, pathway: str) -> tuple[int, ...]:
        """The shape of the array of its weights: ``(n_post, n_pre)``, if they are dense."""
        return self.connectivity(pathway).weights_shape(self.ends(pathway))

    def variable_shape(self, pathway: str, variable: str) -> tuple[int, ...]:
        """The shape of one of a pathway's synaptic variables."""
        declared = self.pathway[pathway]
        if declared.synapse.oracle is None or variable == "w":
            return self.weights_shape(pathway)
        return declared.synapse.shape_of(variable, *self.shape(pathway))

    def derived_weights(self, xp: ArrayModule, weights: Callable[[str], Array]) -> dict[str, Array]:
        """The weights of all derived pathways, by pathway.

        Parameters
        ----------
        xp
            The array module that computes them.
        weights
            Gives the weights of a pathway by its name.
        """
        return {
            pathway.name: pathway.derived.function(xp, *map(weights, pathway.derived.pathways))
            for pathway in self.pathways
            if pathway.derived is not None
        }

    @property
    def output_population(self) -> str | None:
        """The population that is read out."""
        return self.output.split(".")[0] if self.output else None

    @property
    def local(self) -> bool:
        """Whether all that learns or carries errors is local.

        No tied transposes or derived weights, no sums or means over a population, no rule that reads more than its
        synapse does.
        """
        summed = any(population.sums or population.neuron.means for population in self.populations)
        tied = any(pathway.tie is not None and pathway.tie.transposed for pathway in self.pathways)
        tied |= any(pathway.derived is not None for pathway in self.pathways)
        return not tied and not summed and all(pathway.synapse.local for pathway in self.pathways)
