"""Shared by schemes that invert forward weights: feedback in a control loop, or the loop's fixed point at once.

(Over 300 lines: the parts of one loop, which all of these schemes are made of.)
Podlaski & Machens (2020), Biological credit assignment through dynamic inversion of feedforward networks, NeurIPS. One
sign convention throughout: mismatch is prediction minus target, so feedback that is stable is negative, near -W^T; the
error of a layer has the sign of the gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, model_validator

from neurosim.circuit.description import ControlLoop, Hold, Initial, Phase, Population, hold
from neurosim.equations.renamed import calls, renamed, with_function
from neurosim.errors import ConfigError
from neurosim.networks import layered
from neurosim.neurons._model import NeuronModel
from neurosim.neurons._quantities import TimeConstant
from neurosim.schemes._inversion_weights import NegativeTranspose, SequentialFeedback, StabilisedFeedback
from neurosim.units import parse_quantity

#: The switch that lets a single loop run; where there are several, each has a number behind it.
SWITCH = "inverting"


class Inversion(BaseModel):
    """Settings that all inversion schemes share.

    Attributes
    ----------
    learning_rate, decay
        Forward weights: learning rate for the mean over a batch, and fraction of each weight that every update removes,
        independent of the rate.
    feedback
        The loop's feedback weights: ``negative_transpose`` of the initial forward weights, ``random``, or
        ``stabilised``: random, then changed until the loop is stable. They stay as they are while forward weights
        learn.
    feedback_width
        Feedback that is drawn is uniform between plus and minus this.
    leak
        Leak of the controller, over its time constant. It damps the inverse, and stabilises loops.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    learning_rate: PositiveFloat = 0.05
    decay: NonNegativeFloat = 0.0
    feedback: Literal["negative_transpose", "random", "stabilised"] = "negative_transpose"
    feedback_width: PositiveFloat = 0.01
    leak: NonNegativeFloat = 0.1


class Settling(Inversion):
    """Settings that schemes share whose loops settle in time.

    Attributes
    ----------
    convention
        What the loop does at a nonlinear layer (`CONVENTIONS`).
    tau_u, tau_x
        Time constants of the controller and of the error that follows it.
    controller_first
        Whether within a time step the error follows the controller's new state, as published, instead of the old one.
        That is stable for larger time steps.
    duration, inversion_duration
        Duration of the forward phase, and of each phase in which a loop settles.
    tolerance
        Ends such a phase as soon as what moves the controller is smaller than this fraction of its target's length, in
        every neuron and trial of the batch. By default the whole duration is used.
    warm_start
        Whether loops start from where they were after the presentation before, instead of from zero.
    """

    convention: Literal["gated", "saturating", "centred"] = "gated"
    tau_u: TimeConstant = "10 ms"
    tau_x: TimeConstant = "10 ms"
    controller_first: bool = True
    duration: str = "50 ms"
    inversion_duration: str = "200 ms"
    tolerance: PositiveFloat | None = None
    warm_start: bool = False

    @model_validator(mode="after")
    def _a_course_from_rest(self) -> Settling:
        if self.warm_start and self.feedback == "random" and not self.leak:
            raise ValueError("got random feedback without leak and a warm start, expected a leak above 0")
        return self


@dataclass(frozen=True)
class Convention:
    """How a loop treats the nonlinearity of a layer.

    Attributes
    ----------
    shown
        What the reused forward weights read of the layer below, in terms of ``x`` (its error in the loop) and
        ``g(...)``, its activation.
    error
        What becomes of ``x`` once it has settled: what learns, and the next loop's target.
    at_potential
        Whether that error is meant at the potential, instead of at the rate, with the slope of the activation applied
        afterwards.
    """

    shown: str
    error: str
    at_potential: bool


#: ``gated``: a linear loop, and the slope afterwards, as the authors' later code does. ``saturating``: the loop runs
#: through the activation, taken about zero, as their first code does. ``centred``: about the operating point, so that
#: small errors are inverted as target propagation and Gauss-Newton do; here activity moves by minus the error.
CONVENTIONS = {
    "gated": Convention("x", "slope_held*x", at_potential=False),
    "saturating": Convention("g(x)", "x", at_potential=True),
    "centred": Convention("g(v_held) - g(v_held - x)", "x", at_potential=True),
}


def neuron_text(neuron: NeuronModel, text: str) -> str:
    """The text of a convention in a neuron's own terms: ``g(...)`` is its output as a function of its potential.

    Raises
    ------
    ConfigError
        If the neuron's output is not a function of one state variable.
    """
    if not calls(text, "g"):
        return text
    output = neuron.equation_set.by_name[neuron.ports["output"]]
    states = sorted(output.names & set(neuron.state_variables))
    # A spiking neuron sends filtered spikes: a state variable, and no function of the potential.
    if output.kind != "subexpression" or states != [_integrating(neuron)]:
        raise ConfigError.at(
            "network.neuron.kind",
            f"got '{neuron.name}', expected a neuron whose output is a function of its potential, "
            f"such as leaky_rate: its output '{output.name}' is none, and the convention applies it to errors in the "
            "loop; or use scheme.convention = 'gated'",
        )
    return with_function(text, "g", str(output.expression), states[0])


def at_once(population: Population) -> Population:
    """The output, whose apical compartment has no time constant of its own here."""
    ports = population.neuron.ports
    line = (
        f"{ports['signal']} = {ports['feedback']} : 1" if ports["signal"] in population.neuron.state_variables else ""
    )
    return replace(population, equations=line, method="euler")


def with_error(population: Population, convention: Convention, *, driven: Settling | None = None) -> Population:
    """A hidden layer with its error in a loop, ``error_x``, and the lines that the convention adds.

    It is what feedback delivers or, in layers that are `driven` by the error below them, follows that. What feedback
    delivers is low-passed at its sender, which is the same, because all that runs through a synapse is filtered alike;
    so the apical compartment has no time constant of its own here.
    """
    neuron = population.neuron
    shown, delta = neuron_text(neuron, convention.shown), neuron_text(neuron, convention.error)
    lines = ["slope_held : 1", "v_held : 1"]
    lines += [f"error_shown = {_of(shown, 'error_x')} : 1", f"error_delta = {_of(delta, 'error_x')} : 1"]
    parameters: dict[str, Any] = {}
    if driven is None:
        lines.append(f"error_x = {neuron.ports['feedback']} : 1")
    else:
        lines += [
            "error_drive : 1",
            f"{SWITCH} : 1 (shared)",
            f"derror_x/dt = {SWITCH}*(error_drive - error_x)/tau_x : 1",
            "error_next = error_x + dt*(error_drive - error_x)/tau_x : 1",
            f"error_shown_next = {_of(shown, 'error_next')} : 1",
        ]
        parameters["tau_x"] = driven.tau_x
    if neuron.ports["signal"] in neuron.state_variables:
        # The signal that is compared with the gradient at the rate; it is zero where the rate does not respond.
        scaled = "*slope_held/(slope_held**2 + 1e-12)" if convention.at_potential else ""
        lines.append(f"{neuron.ports['signal']} = error_x{scaled} : 1")
    return replace(population, equations="\n".join(lines), parameters=parameters, method="euler")


def _of(text: str, name: str) -> str:
    return renamed(text, {"x": name})


def with_controller(population: Population, config: Settling, switch: str) -> Population:
    """The layer above a loop, with the controller ``u``, and what it sends, low-passed: ``z``."""
    mismatch = "reused - loop_target - leak*u"
    sent = f"u + dt*({mismatch})/tau_u" if config.controller_first else "u"
    lines = [
        "reused : 1",
        "loop_target : 1",
        f"{switch} : 1 (shared)",
        f"du/dt = {switch}*({mismatch})/tau_u : 1",
        f"u_sent = {sent} : 1",
        f"dz/dt = {switch}*(u_sent - z)/tau_x : 1",
        "z_next = z + dt*(u_sent - z)/tau_x : 1",
    ]
    sums = {}
    if config.tolerance is not None:
        lines.append(f"unsettled = ({mismatch})/sqrt(target_power + 1e-30) : 1")
        sums = {"target_power": "loop_target_pre**2"}
    return replace(
        population,
        equations="\n".join([population.equations, *lines]),
        parameters={**population.parameters, "leak": config.leak, "tau_u": config.tau_u, "tau_x": config.tau_x},
        sums={**population.sums, **sums},
    )


def loop(config: Settling, below: str, above: str, forward: tuple[str, ...], feedback: str) -> ControlLoop:
    """The properties of a loop that decide on its stability."""
    tau_u, tau_x = (parse_quantity(text, "second") for text in (config.tau_u, config.tau_x))
    return ControlLoop(
        below,
        f"{above}.loop_target",
        f"{below}.error_x",
        forward,
        feedback,
        config.leak,
        tau_u,
        tau_x,
        controller_first=config.controller_first,
        linear=config.convention == "gated",
    )


def forward_phase(config: Settling, network: layered.Config, switches: Sequence[str]) -> Phase:
    """The forward phase, in which no loop runs."""
    off = dict.fromkeys(switches, 0.0)
    return Phase("forward", config.duration, off, hold=forward_holds(network, convention=config.convention))


def until(config: Settling, above: str) -> tuple[str, float] | None:
    """When a loop with its controller in a layer has settled, if that is asked."""
    return None if config.tolerance is None else (f"{above}.unsettled", config.tolerance)


def forward_holds(network: layered.Config, *, convention: str) -> tuple[Hold, ...]:
    """Holds of the forward phase: rates, the slopes and potentials that conventions need, and the output's error."""
    lines = [f"input.r_held = {layered.ports_of(network, 'input')['output']}"]
    lines += ["one.r_held = r"] if network.bias else []
    for layer in network.hidden_layers:
        neuron = layered.neuron_at(network, layer)
        lines += [f"{layer}.r_held = {neuron.ports['output']}", f"{layer}.slope_held = slope"]
        lines += [f"{layer}.v_held = {potential_of(neuron)}"] if convention == "centred" else []
    error = layered.ports_of(network, "output")["error"]
    lines += [f"output.delta_held = {error}", f"output.loop_target = {error}"]
    return tuple(hold(line) for line in lines)


def potential_of(neuron: NeuronModel) -> str:
    """The state variable that the drive moves."""
    potential = _integrating(neuron)
    if potential is not None:
        return potential
    raise ConfigError.at(
        "network.neuron.kind",
        f"got '{neuron.name}', in which nothing integrates its drive '{neuron.ports['drive']}'; "
        "expected a neuron with a potential, such as leaky_rate, or scheme.convention = 'gated'",
    )


def _integrating(neuron: NeuronModel) -> str | None:
    moved = (e.name for e in neuron.equation_set.of("differential") if neuron.ports["drive"] in e.names)
    return next(moved, None)


@dataclass(frozen=True)
class FeedbackPlace:
    """Where feedback runs: from the layer `above` to the one `below`, beside the forward weights between them."""

    feedback: str
    forward: str
    number: int
    below: str
    above: str
    target: str


def places(network: layered.Config) -> tuple[FeedbackPlace, ...]:
    """From the first hidden layer up."""
    layered.refuse_images(network, "loops invert the matrices of dense pathways")
    layered.refuse_normalisation(network, "loops invert the weights between two layers and nothing else")
    layered.refuse_skips(network, "each loop inverts the pathways between two layers, one after the other")
    in_order = []
    for name, _, target, link in layered.feedback_ends(network, "layerwise"):
        in_order.append(FeedbackPlace(name, link.forward, link.end, link.below, link.above, target))
    return tuple(in_order)


def feedback_law(config: Inversion, forward: Sequence[str]) -> Initial:
    """The law of the feedback weights of a loop around the forward pathways named, from the lowest up.

    As published, feedback is stabilised for a controller without leak where that can be, so that the leak comes on top.
    """
    if config.feedback == "negative_transpose":
        return Initial("constant", 0.0, None, tuple(forward), NegativeTranspose())
    if str(config.feedback) == "sequential":
        return Initial("constant", 0.0, None, tuple(forward), SequentialFeedback())
    drawn = Initial("uniform", config.feedback_width, None)
    if config.feedback == "random":
        return drawn
    return Initial(drawn.law, drawn.scale, None, tuple(forward), StabilisedFeedback(config.leak))
