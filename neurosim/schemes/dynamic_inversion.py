"""Dynamic inversion: layer after layer, a feedback loop settles to what inverts the forward weights.

Podlaski & Machens (2020), Biological credit assignment through dynamic inversion of feedforward networks, NeurIPS.
After the forward phase, the topmost loop runs: a leaky controller in the upper layer integrates what the forward
weights, used once more, make of the lower layer's error, less the error of its own layer, and reaches the lower layer
through fixed feedback weights. What the lower layer's error has settled to is the target of the next loop.
"""

from __future__ import annotations

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Hold, Pathway, Phase, Population, Tie, hold
from neurosim.networks import Relation, Sized, layered
from neurosim.schemes import _inversion
from neurosim.schemes._inversion import CONVENTIONS, FeedbackPlace
from neurosim.units import parse_quantity

GRADIENT = Relation.GAUSS_NEWTON
NETWORKS = (layered.Config,)
#: Why not on other networks, by their kind.
NOT_ON = {
    "recurrent": (
        "control loops settle to what inverts the weights between layers, and recurrent neurons have no layer to "
        "invert; use network.kind = 'layered'"
    ),
}


class Config(_inversion.Settling):
    """Settings of dynamic inversion, those of all that settle.

    Attributes
    ----------
    repair
        Whether feedback whose loop changed forward weights have made unstable is repaired before a presentation (not
        local).
    """

    repair: bool = False


def build(config: Config, network: layered.Config, task: Sized) -> Circuit:
    """A forward phase, then one for each loop from the top down; at the end of the last, forward weights learn."""
    places = _inversion.places(network)
    forward = layered.forward_pathways(network, config.learning_rate, decay=config.decay)
    populations = {p.name: p for p in layered.populations(network, task, noise=False)}
    convention = CONVENTIONS[config.convention]
    populations["output"] = _inversion.at_once(populations["output"])
    for place in places:
        populations[place.below] = _inversion.with_error(populations[place.below], convention)
    for place in places:
        populations[place.above] = _inversion.with_controller(populations[place.above], config, switch(place))
    pathways = [*forward]
    for place in places:
        pathways += _loop(config, place, populations[place.below])
    return layered.assembled(
        "dynamic_inversion",
        network,
        tuple(populations.values()),
        tuple(pathways),
        _phases(config, network, places, layered.learning(pathways)),
        carry=config.warm_start,
        delivered_at=f"inversion{places[0].number}",
        loops=tuple(
            _inversion.loop(config, place.below, place.above, (place.forward,), place.feedback) for place in places
        ),
    )


def switch(place: FeedbackPlace) -> str:
    """The switch that lets a loop run."""
    return f"{_inversion.SWITCH}{place.number}"


def _loop(config: Config, place: FeedbackPlace, below: Population) -> list[Pathway]:
    """Feedback from the controller, and the forward weights used once more."""
    convention = CONVENTIONS[config.convention]
    # A signal that passes a layer unchanged is read where it arrives.
    shown = below.neuron.ports["feedback"] if convention.shown == "x" else "error_shown"
    return [
        Pathway(
            place.feedback,
            f"{place.above}.z",
            place.target,
            rule=layered.rule_of("stabilised" if config.repair else "fixed"),
            parameters=_loop_parameters(config) if config.repair else {},
            initial=_inversion.feedback_law(config, (place.forward,)),
        ),
        Pathway(
            f"R{place.number}",
            f"{place.below}.{shown}",
            f"{place.above}.reused",
            rule=layered.rule_of("fixed"),
            tie=Tie(place.forward),
        ),
    ]


def _loop_parameters(config: Config) -> dict[str, float]:
    """The constants of the loop that the repair of feedback needs."""
    taus = {name: parse_quantity(getattr(config, name), "second") for name in ("tau_u", "tau_x")}
    # In units of the controller's time constant, so that the rate of the descent means the same.
    return {"leak": config.leak, "tau_u": 1.0, "tau_x": taus["tau_x"] / taus["tau_u"]}


def _phases(
    config: Config, network: layered.Config, places: tuple[FeedbackPlace, ...], learning: tuple[str, ...]
) -> tuple[Phase, ...]:
    off = {switch(place): 0.0 for place in places}
    phases = [_inversion.forward_phase(config, network, tuple(off))]
    for place in reversed(places):
        last = place is places[0]
        phases.append(
            Phase(
                f"inversion{place.number}",
                config.inversion_duration,
                {**off, switch(place): 1.0},
                hold=_settled(network, place, last),
                learn=learning if last else (),
                until=_inversion.until(config, place.above),
            )
        )
    return tuple(phases)


def _settled(network: layered.Config, place: FeedbackPlace, last: bool) -> tuple[Hold, ...]:
    """Holds of a settled loop: the error from which its layer learns, and the next loop's target."""
    lines = [layered.error_hold(network, place.below, "error_delta")]
    lines += [] if last else [f"{place.below}.loop_target = error_delta"]
    return tuple(hold(line) for line in lines)
