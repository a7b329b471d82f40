"""How learned feedback finds its weights: what each estimator adds to a circuit with a perturbed phase."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from neurosim.circuit.description import Hold, Initial, Pathway, Population, Role, Tie, hold
from neurosim.equations.renamed import renamed
from neurosim.errors import ConfigError
from neurosim.networks import layered


@dataclass(frozen=True)
class Addition:
    """The parts that an estimator adds to a circuit.

    Attributes
    ----------
    pathway
        Rule, parameters and initial law of the feedback pathways.
    populations
        Changes the populations.
    pathways, holds
        Further pathways, and what the clean phase holds besides.
    """

    pathway: dict[str, Any]
    populations: Callable[[Population], Population] = lambda population: population
    pathways: tuple[Pathway, ...] = ()
    holds: tuple[Hold, ...] = ()


def lms(rate: float, start: Initial) -> Addition:
    """Online least mean squares, as published."""
    return Addition(
        {"rule": layered.rule_of("node_perturbation"), "parameters": {"learning_rate": rate}, "initial": start}
    )


def normalised_lms(rate: float, start: Initial, senders: Sequence[str]) -> Addition:
    """Steps divided by the power of the sender's error, a sum over the sending population."""
    return _with_power(
        {"rule": layered.rule_of("normalised_lms"), "parameters": {"learning_rate": rate}, "initial": start}, senders
    )


def growing_memory(patience: float, memory: float, senders: Sequence[str]) -> Addition:
    """Normalised steps that shrink as presentations add up, from zero."""
    return _with_power(
        {
            "rule": layered.rule_of("growing_memory"),
            "parameters": {"patience": patience, "forgetting": 1 / memory},
            "initial": Initial("constant", 0.0, None),
        },
        senders,
    )


def _with_power(pathway: dict[str, Any], senders: Sequence[str]) -> Addition:
    """A rule that reads the power of the sender's error."""

    def add_power(population: Population) -> Population:
        if population.name not in senders:
            return population
        return replace(population, sums={**population.sums, "power": f"{population.neuron.ports['error']}_pre**2"})

    return Addition(
        pathway, populations=add_power, holds=tuple(hold(f"{sender}.power_held = power") for sender in senders)
    )


def exact_least_squares(gamma: float, memory: float) -> Addition:
    """The best weights for all samples so far, from zero."""
    settings = {"gamma": gamma, "memory": memory}
    return Addition(
        {
            "rule": layered.rule_of("exact_least_squares"),
            "parameters": settings,
            "initial": Initial("constant", 0.0, None),
        }
    )


def online_mean(rate: float, start: Initial) -> Addition:
    """A leaky average of noise times response."""
    return Addition({"rule": layered.rule_of("response"), "parameters": {"learning_rate": rate}, "initial": start})


def exact_mean(memory: float) -> Addition:
    """The average of noise times response over all samples so far."""
    return Addition(
        {
            "rule": layered.rule_of("mean_response"),
            "parameters": {"memory": memory},
            "initial": Initial("constant", 0.0, None),
        }
    )


def imitation(rate: float, start: Initial, network: layered.Config) -> Addition:
    """Fitted to the true gradient, which a second apical compartment receives by weight transport.

    The compartments `exact` pass on `exact_delta` through the transposed forward weights, as backpropagation does.
    """
    layers = network.layers

    def add_compartment(population: Population) -> Population:
        if population.name not in layers:
            return population
        delta = _passed_on(network, population.name)
        # Like the first one, it has a time constant unless the neuron passes on at once what it gets.
        follows = "a" in population.neuron.state_variables
        exact = "dexact/dt = (exact_feedback - exact)/tau_a : 1" if follows else "exact = exact_feedback : 1"
        lines = f"{exact}\nexact_delta = {delta} : 1\nexact_feedback : 1"
        bind = {"exact_feedback": "error"} if population.name == "output" else {}
        return replace(population, equations=f"{population.equations}\n{lines}", bind={**population.bind, **bind})

    def beside(pathway: Pathway) -> Pathway:
        # The same way back as backpropagation's, for the second compartment.
        return replace(
            pathway,
            name=f"T{pathway.name[1:]}" if pathway.tie is not None else f"exact_{pathway.name}",
            source=f"{pathway.pre}.exact_delta",
            target=f"{pathway.post}.exact_feedback",
            role=Role.OTHER,
        )

    fixed = layered.rule_of("fixed")
    back = layered.feedback_pathways(
        network.model_copy(update={"feedback_to_input": False}),
        "layerwise",
        lambda link: {"rule": fixed, "tie": Tie(link.forward, transposed=True)},
    )
    transposed = tuple(beside(pathway) for pathway in back)
    signals = {layer: layered.ports_of(network, layer)["signal"] for layer in layers[:-1]}
    return Addition(
        {"rule": layered.rule_of("imitation"), "parameters": {"learning_rate": rate}, "initial": start},
        populations=add_compartment,
        pathways=transposed,
        holds=tuple(
            hold(f"{layer}.true_held = {'exact' if signal == 'a' else 'exact_delta'}")
            for layer, signal in signals.items()
        ),
    )


def _passed_on(network: layered.Config, layer: str) -> str:
    """The expression by which a layer's neuron passes on its apical compartment ``a``, with `exact` in its place.

    Raises
    ------
    ConfigError
        If it passes on something else.
    """
    neuron = layered.neuron_at(network, layer)
    passed = neuron.equation_set.by_name[neuron.ports["error"]]
    if passed.expression is None or "a" not in passed.names:
        raise ConfigError.at(
            "scheme.estimator",
            f"got 'true_gradient', which needs neurons that pass on an expression of their apical "
            f"compartment 'a'; '{passed.name}' of '{neuron.name}' ({layer}) is none",
        )
    return renamed(passed.expression, {"a": "exact"})
