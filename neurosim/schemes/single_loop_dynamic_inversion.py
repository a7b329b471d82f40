"""Single-loop dynamic inversion: one controller at the output, whose feedback reaches the first hidden layer alone.

Podlaski & Machens (2020), NeurIPS. The layers above are driven through the forward weights, used once more, so that all
errors settle together. The loop is stable only if its gain is small or its controller slow, the less so the more hidden
layers it runs through (`neurosim.stability.single_loop`).
"""

from __future__ import annotations

from typing import Literal

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Tie, hold
from neurosim.networks import Relation, Sized, layered
from neurosim.neurons._quantities import TimeConstant
from neurosim.schemes import _inversion
from neurosim.schemes._inversion import CONVENTIONS, FeedbackPlace

GRADIENT = Relation.GAUSS_NEWTON
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "the control loop settles around layers, and recurrent neurons have no layer to invert; use network.kind = "
        "'layered'"
    ),
}


class Config(_inversion.Settling):
    """Settings of single-loop dynamic inversion, those of all that settle; its controller is slow, or it oscillates.

    Attributes
    ----------
    feedback
        Besides those of all inversions, ``sequential``: with it the single loop inverts as loops with minus the initial
        transposes would, one after the other, which minus the product of the transposes does only where all layers
        but the first are of one size.
    """

    feedback: Literal["negative_transpose", "random", "stabilised", "sequential"] = "negative_transpose"  # type: ignore[assignment]
    tau_u: TimeConstant = "100 ms"
    inversion_duration: str = "1000 ms"
    convention: Literal["gated", "saturating", "centred"] = "saturating"


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """A forward phase, then one in which the loop settles; at its end forward weights learn."""
    places = _inversion.places(network)
    first = places[0]
    forward = layered.forward_pathways(network, config.learning_rate, decay=config.decay)
    populations = {p.name: p for p in layered.populations(network, task, noise=False)}
    convention = CONVENTIONS[config.convention]
    for place in places:
        driven = None if place is first else config
        populations[place.below] = _inversion.with_error(populations[place.below], convention, driven=driven)
    upper = _inversion.at_once(populations["output"])
    populations["output"] = _inversion.with_controller(upper, config, _inversion.SWITCH)
    # Within a step each stage sees what the one before has become; the controller sees what there was.
    ahead = config.controller_first and len(places) > 1
    feedback = Pathway(
        first.feedback,
        f"output.{'z_next' if ahead else 'z'}",
        first.target,
        rule=layered.rule_of("fixed"),
        initial=_inversion.feedback_law(config, tuple(place.forward for place in places)),
    )
    return layered.assembled(
        "single_loop_dynamic_inversion",
        network,
        tuple(populations.values()),
        (*forward, feedback, *(_reused(config, place, first=place is first) for place in places)),
        _phases(config, network, layered.learning(forward)),
        carry=config.warm_start,
        delivered_at="inversion",
        loops=(_inversion.loop(config, "hidden1", "output", tuple(p.forward for p in places), first.feedback),),
    )


def _reused(config: _inversion.Settling, place: FeedbackPlace, *, first: bool) -> Pathway:
    """Forward weights used once more: towards the controller, or to drive the error of the next layer."""
    last = place.above == "output"
    ahead = config.controller_first and not last and not first
    source = f"{place.below}.{'error_shown_next' if ahead else 'error_shown'}"
    target = "output.reused" if last else f"{place.above}.error_drive"
    return Pathway(f"R{place.number}", source, target, rule=layered.rule_of("fixed"), tie=Tie(place.forward))


def _phases(config: _inversion.Settling, network: layered.Config, learning: tuple[str, ...]) -> tuple[Phase, ...]:
    layers = network.hidden_layers
    lines = [layered.error_hold(network, layer, "error_delta") for layer in layers]
    return (
        _inversion.forward_phase(config, network, (_inversion.SWITCH,)),
        Phase(
            "inversion",
            config.inversion_duration,
            {_inversion.SWITCH: 1.0},
            hold=tuple(hold(line) for line in lines),
            learn=learning,
            until=_inversion.until(config, "output"),
        ),
    )
