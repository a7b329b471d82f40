"""The pathways of a layered network: forward weights and biases, and the ways on which feedback comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from neurosim import registry
from neurosim.circuit.connectivity import Dense
from neurosim.circuit.description import Initial, Pathway, Role
from neurosim.circuit.images import Pooling
from neurosim.errors import ConfigError
from neurosim.networks._network import rule_of
from neurosim.networks.layers.config import Config, ports_of
from neurosim.networks.layers.links import Link
from neurosim.rules._rule import Rule

#: Where feedback comes from: the layer above, or the output.
Topology = Literal["layerwise", "direct"]


def forward_pathways(
    network: Config, learning_rate: float, rule: str = "delta", *, decay: float = 0.0
) -> tuple[Pathway, ...]:
    """Weights ``W1`` ... and biases ``b1`` ... , learning by the same rule; the delta rule may have a decay.

    A layer of pools has neither: it is reached by a pathway ``pool2`` without weights. Past layers lead ``W1_3``, or
    ``skip1_3`` where that is the identity.
    """
    if decay:
        without = forward_pathways(network, learning_rate, "decaying_delta")
        return tuple(
            replace(pathway, parameters={**pathway.parameters, "decay": decay}) if pathway.synapse.learns else pathway
            for pathway in without
        )
    pathways: list[Pathway] = []
    for link in network.links:
        source = f"{link.below}.{ports_of(network, link.below)['output']}"
        target = f"{link.above}.{ports_of(network, link.above)['drive']}"
        if not link.learns:
            pathways.append(_unlearned(link.forward, source, target, Role.FORWARD, connectivity=link.connectivity))
            continue
        settings: dict[str, Any] = {"rule": rule_of(rule), "parameters": {"learning_rate": learning_rate}}
        settings |= {"connectivity": link.connectivity, "positions": network.positions}
        law = Initial(network.weight_law, network.weights, None if network.weight_fan == "none" else network.weight_fan)
        pathways.append(Pathway(link.forward, source, target, initial=law, role=Role.FORWARD, **settings))
        if network.bias and not link.skips:
            settings["parameters"] = {"learning_rate": network.bias_rate * learning_rate}
            settings["connectivity"] = "dense" if isinstance(link.connectivity, Dense) else "per_channel"
            if "offset" in (ports := ports_of(network, link.above)):
                target = f"{link.above}.{ports['offset']}"
                settings["rule"] = _rule_at_offset(rule)
            law = _bias_law(network)
            pathways.append(Pathway(f"b{link.end}", "one.r", target, initial=law, role=Role.BIAS, **settings))
    return tuple(pathways)


def _rule_at_offset(name: str) -> Rule:
    """The rule of biases past a normalisation, where the error is another one.

    That is ``offset_<name>``, unless the rule reads no error.

    Raises
    ------
    ConfigError
        If there is no such rule.
    """
    rule, at_offset = rule_of(name), f"offset_{name}"
    if "delta_held_post" not in rule.names:
        return rule
    if at_offset not in registry.names("rules"):
        raise ConfigError.at(
            "network.neuron.normalised",
            f"got true, expected false: biases that learn by the rule '{name}' would need a "
            f"rule '{at_offset}', which reads offset_delta_held_post in place of delta_held_post",
        )
    return rule_of(at_offset)


def _unlearned(name: str, source: str, target: str, role: Role, **settings: Any) -> Pathway:
    """A pathway of pools, or one that passes on what it reads."""
    one = Initial("constant", 1.0, None)
    return Pathway(name, source, target, rule=rule_of("fixed"), initial=one, role=role, **settings)


def _bias_law(network: Config) -> Initial:
    if network.bias_law == "as_weights":
        return Initial(network.weight_law, network.weights, None if network.weight_fan == "none" else "all")
    return Initial(network.bias_law, network.bias_weights, None)


class FeedbackEnd(NamedTuple):
    """A feedback pathway with weights: its name, source and target, and the forward link it runs beside."""

    name: str
    source: str
    target: str
    link: Link


def feedback_ends(network: Config, topology: Topology) -> tuple[FeedbackEnd, ...]:
    """All feedback pathways with weights.

    Layerwise feedback comes from the layer above, and along every skip from the layer it leads to; direct feedback from
    the output alone. A layer that is pooled gets its feedback from its pools, whatever the topology; see
    `feedback_pathways`.
    """
    ends: list[FeedbackEnd] = []
    for link in _fed_back(network):
        if not link.learns or (link.skips and topology == "direct"):
            continue
        sender = link.above if topology == "layerwise" else "output"
        source = f"{sender}.{ports_of(network, sender)['error']}"
        target = f"{link.below}.{ports_of(network, link.below)['feedback']}"
        ends.append(FeedbackEnd(link.feedback, source, target, link))
    return tuple(ends)


def feedback_pathways(
    network: Config, topology: Topology, settings: Mapping[str, Any] | Callable[[Link], Mapping[str, Any]]
) -> tuple[Pathway, ...]:
    """The pathways of `feedback_ends`, and those without weights.

    The latter are ``unpool2`` ... from pools to what they pool and, with layerwise feedback, ``unskip1_3`` ... back
    along skips that are the identity. Layerwise feedback leads along the synapses of the forward weights beside it;
    direct feedback is dense.

    Parameters
    ----------
    settings
        Of those with weights: rule, parameters, initial law ...; or what gives them for the forward link beside them.
    """
    pathways: list[Pathway] = []
    for name, source, target, link in feedback_ends(network, topology):
        given = dict(settings(link) if callable(settings) else settings)
        if topology == "layerwise" and "tie" not in given:
            given["connectivity"] = link.connectivity.reversed
        settings_of_all: dict[str, Any] = {"positions": network.feedback_positions, "role": Role.FEEDBACK}
        pathways.append(Pathway(name, source, target, **{**settings_of_all, **given}))
    for link in _fed_back(network):
        if link.learns or (link.skips and topology == "direct"):
            continue
        source = f"{link.above}.{ports_of(network, link.above)['error']}"
        target = f"{link.below}.{ports_of(network, link.below)['feedback']}"
        back = link.connectivity.reversed
        chooses = isinstance(back, Pooling) and back.chooses
        chosen = f"{link.below}.{ports_of(network, link.below)['output']}" if chooses else None
        pathways.append(_unlearned(link.feedback, source, target, Role.FEEDBACK, connectivity=back, chosen_by=chosen))
    return tuple(pathways)


def _fed_back(network: Config) -> tuple[Link, ...]:
    """The links along which feedback comes back."""
    return tuple(link for link in network.links if link.start or network.feedback_to_input)


def feedback_law(network: Config, scale: float) -> Initial:
    """The law of initial feedback weights."""
    return Initial("normal", scale, "both" if network.weight_fan == "both" else "out")


def learning(pathways: Sequence[Pathway]) -> tuple[str, ...]:
    """The names of those that learn."""
    return tuple(pathway.name for pathway in pathways if pathway.synapse.learns)
