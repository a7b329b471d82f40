"""The parts of a circuit: frozen data, in which nothing runs.

Populations, the pathways that join them, and the phases of a presentation. Names of variables elsewhere in the
circuit are qualified: ``hidden1.r``. (Over 300 lines, most of them documentation: these few classes are one
vocabulary, and whoever writes a scheme reads them together.)
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, cast

from neurosim.border import FLAG, NAMES, check_fields, instance, one_of, optional, public, set_fields
from neurosim.border.arguments import MAPPING, NUMBER, TEXT, TEXTS, WHOLE, one_or_more, pair, several
from neurosim.circuit.connectivity import NAMED, Connectivity
from neurosim.circuit.per_synapse import Given, PairText, PerSynapse, Values, per_synapse
from neurosim.circuit.synapses import Image
from neurosim.circuit.weights import Derived, Initial, Tie
from neurosim.equations.parse import Equation, Statement, parse_equations, parse_statements
from neurosim.errors import CircuitError, EquationError, UnitError
from neurosim.folded import fields_folded
from neurosim.neurons._model import NeuronModel
from neurosim.neurons._per_neuron import settled
from neurosim.neurons._values import check_given, period_text
from neurosim.rules._declared import parameter_value
from neurosim.rules._oracle import OracleRule
from neurosim.rules._rule import Rule
from neurosim.rules._synapse import Synapse
from neurosim.units import format_quantity, parse_quantity
from neurosim.untyped import UserValue

#: The switch of noise on weights, and by convention of the neurons' noise.
PERTURB = "perturb"
#: What a population can have in place of its neuron's.
SPIKING = ("threshold", "reset", "refractory")
#: Steps between two looks at whether a phase can end.
UNTIL_STEPS = 5
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class Population:
    """Neurons that share one model.

    Attributes
    ----------
    name, size, neuron
        What it is called, how many neurons, and their model.
    bind
        Parameters of the neuron that are expressions here, e.g. ``{"feedback": "error"}`` in the output.
    equations
        Further lines that the circuit adds to the neuron's own, e.g. a second compartment or a source of noise.
        A line ``loss : 1 (shared)`` lets them read the trial's loss, which is broadcast to all.
    parameters
        Values with units for parameters in those lines, or in place of the neuron's; arrays and text as there.
    initial
        Values of variables at the start in place of the neuron's, likewise.
    method
        Integration method in place of the neuron's own, for lines that it cannot integrate: white noise needs
        ``euler`` or ``heun``.
    threshold, reset, refractory
        In place of the neuron's own, each as a whole; they may read and assign what `equations` adds.
    sums
        Sums over the population, each a new variable: a text in ``*_pre`` (the neurons summed over) and
        ``*_post`` (the neuron that sees the sum), e.g. ``{"power": "delta_pre**2"}``. No neuron computes that
        alone.
    noise
        Parameters that are redrawn from a standard normal law for each trial and held through a phase, in the
        phases that draw noise.
    lots
        Parameters that are drawn from a standard normal law once for each presentation, the same in all its phases:
        what decides which neurons are left out of a presentation. Zero where nothing is drawn, as in evaluation.
    drawn_as
        The population whose random values it has, where what is drawn for each neuron is to be the same in both: of a
        twin that runs beside it. Its own by default.
    shape
        Height, width and channels, if its neurons are the pixels of an image; its size is their product. Everywhere
        else neurons stay one axis, channels running fastest.

    Examples
    --------
    >>> leak = NeuronModel("dv/dt = (drive - v)/tau : 1\\ndrive : 1\\nr = tanh(v) : 1", parameters={"tau": "10 ms"})
    >>> Population("hidden", 48, leak).model.parameters["tau"]
    '10 ms'
    """

    name: str
    size: int
    neuron: NeuronModel
    bind: Mapping[str, str] = field(default_factory=dict[str, str])
    noise: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    equations: str = ""
    sums: Mapping[str, str] = field(default_factory=dict[str, str])
    parameters: Mapping[str, UserValue] = field(default_factory=dict[str, UserValue])
    method: str | None = None
    shape: Image | None = None
    initial: Mapping[str, UserValue] = field(default_factory=dict[str, UserValue])
    drawn_as: str = ""
    threshold: str | None = None
    reset: str | None = None
    refractory: str | None = None

    def _repr_html_(self) -> str:
        return fields_folded(self, f"population {self.name} ({self.size})")

    def __post_init__(self) -> None:
        neuron = instance(NeuronModel, expected="a NeuronModel")
        check_fields(self, name=TEXT, size=WHOLE, neuron=neuron, equations=TEXT, noise=NAMES, lots=NAMES)
        check_fields(self, drawn_as=TEXT)
        check_fields(self, parameters=MAPPING, initial=MAPPING)
        check_fields(self, method=optional(TEXT), shape=optional(several(WHOLE)))
        check_fields(self, threshold=optional(TEXT), reset=optional(TEXT))
        given: Any = self.refractory
        if given is not None and not isinstance(given, str):
            set_fields(self, refractory=period_text(given))
        check_fields(self, **dict.fromkeys(("bind", "sums"), TEXTS))
        set_fields(self, bind=MappingProxyType(dict(self.bind)))
        for values in ("parameters", "initial"):
            kept = settled(getattr(self, values), what=f"population '{self.name}'")
            set_fields(self, **{values: MappingProxyType(kept)})
        set_fields(self, sums=MappingProxyType(dict(self.sums)))

    @property
    def channels(self) -> int:
        """How many feature maps it has; one without positions is one map."""
        return self.shape[2] if self.shape is not None else 1

    @functools.cached_property
    def model(self) -> NeuronModel:
        """The neuron with the lines and sums that are added to it here."""
        added = [Equation("parameter", name, None, "1") for name in self.sums]
        if self.equations.strip():
            added += parse_equations(self.equations).equations
        own = {name: getattr(self, name) for name in ("method", *SPIKING)}
        changes: dict[str, Any] = {name: text for name, text in own.items() if text is not None}
        if self.parameters:
            changes["parameters"] = {**self.neuron.parameters, **self.parameters}
        if self.initial:
            changes["initial"] = {**self.neuron.initial, **self.initial}
        try:
            check_given(self.neuron.name, self.neuron.equation_set, {**self.parameters, **self.initial})
            return self.neuron.extended(*added, **changes) if added or changes else self.neuron
        except (EquationError, UnitError) as error:
            if error.text is not None:
                raise
            # The error concerns values that are given here.
            raise type(error)(f"population '{self.name}': {error.message}", faults=error.faults) from None


class Role(StrEnum):
    """The role of a pathway."""

    FORWARD = "forward"
    BIAS = "bias"
    FEEDBACK = "feedback"
    RECURRENT = "recurrent"
    LATERAL = "lateral"
    OTHER = "other"


@dataclass(frozen=True)
class Pathway:
    """Weights from one population to another, array ``(n_post, n_pre)`` unless its connectivity says otherwise.

    Attributes
    ----------
    name
        What it is called, as in ``W1.w``.
    source
        The variable it reads (``hidden1.r``), or ``population.spikes`` for a pathway that acts at spikes.
    target
        The input it adds to (``hidden2.drive``); at a spike, the state variable it increments.
    connectivity
        A `neurosim.circuit.connectivity`, or by its name ``dense``, ``one_to_one`` or ``per_channel``. A tied pathway
        has that of the one whose weights it uses, transposed if it is.
    initial
        The initial weights: the law that they are drawn from, or a value of each synapse. That is a number or an array
        in the shape of the weights (in SI units, or with a unit of Brian2), a quantity (``"0.5 nS"``), or an expression
        in the numbers of the two neurons, ``i`` and ``j``, in ``N_pre``, ``N_post``, units, ``rand()`` and ``randn()``,
        which are drawn from the seed and the pathway's name: ``"rand()*0.5*nS"``.
    chosen_by
        For a way back from maximum pooling: the variable of its target whose largest value in each window
        says who gets what the pool delivers (``hidden1.r``).
    tie
        The pathway whose weights it uses instead of its own.
    derived
        What it delivers by instead of its own weights: a function of weights, computed before each presentation. Its
        own are then only what that function may read.
    rule, parameters
        The learning rule, or several, with the values of their parameters: quantities (``"20 ms"``), or plain numbers
        in SI units.
    delay
        How long what it carries is under way: a time (``"1.5 ms"``) of all synapses, or one of each, an array in the
        shape of the weights or text (``"rand()*5*ms"``, ``"abs(i - j)*0.1*ms"``). Rounded to whole steps, halves up.
        Until the first value has arrived, one without spikes reads zero of its source.
    delivers
        What is added to the target at a spike, or at every instant without spikes: text over what the synapse sees. By
        default the weight ``w`` at a spike, and ``w`` times the source without: ``"w*(v_pre - v_post)"``.
    bounds
        The least and the greatest weight, each a quantity, the name of one of its parameters, or none (in files
        ``"-inf"`` and ``"inf"``). They hold after every change of the weight.
    reduction
        Whether increments of the trials of a batch are averaged or summed.
    positions
        Where synapses share a weight, whether its increment is the ``mean`` of what they see, or their ``sum``, which
        grows with the image. Terms in which no neuron takes part, such as a decay, count once. A rule's own variables
        are shared like the weight.
    sigma
        Standard deviation of held noise on the weights, none by default. The synaptic variable ``noise`` is redrawn
        from a standard normal law for each trial in the phases that draw noise; where the switch ``perturb`` is on,
        the weights are ``w + perturb*sigma*noise``. Rules read ``noise`` and ``sigma``.
    every
        The rule acts in every so many batches, the first included; in the others it is switched off.
    optimised
        Whether training's optimiser steps its weights; by default if they carry no feedback.
    role
        Its role (``forward``, ``feedback`` ...), if it differs from the role that its target implies; see
        `neurosim.circuit.roles`.
    update_noise
        Standard deviation of noise that each update leaves on every weight, times the learning rate: a normal number
        for each batch in which the rule acts, besides the rule, and past any optimiser. None by default.

    Examples
    --------
    >>> pathway = Pathway("W1", "input.r", "hidden1.drive", initial=Initial("uniform", 0.1))
    >>> pathway.pre, pathway.post, pathway.synapse.learns
    ('input', 'hidden1', False)
    """

    name: str
    source: str
    target: str
    rule: Rule | OracleRule | tuple[Rule, ...] = field(default_factory=lambda: Rule(name="fixed"))
    parameters: Mapping[str, UserValue] = field(default_factory=dict[str, UserValue])
    connectivity: Connectivity | str = "dense"
    initial: Initial | Given = field(default_factory=Initial)
    tie: Tie | None = None
    derived: Derived | None = None
    reduction: Literal["mean", "sum"] = "mean"
    positions: Literal["mean", "sum"] = "mean"
    sigma: float | None = None
    every: int = 1
    optimised: bool | None = None
    update_noise: float | None = None
    chosen_by: str | None = None
    role: Role | None = None
    delay: Given | None = None
    delivers: str | None = None
    bounds: tuple[str | float | None, str | float | None] | None = None

    def _repr_html_(self) -> str:
        return fields_folded(self, f"pathway {self.name}: {self.source} to {self.target}")

    def __post_init__(self) -> None:
        _check_pathway(self)
        set_fields(self, parameters=MappingProxyType(dict(self.parameters)))
        if isinstance(self.connectivity, str):
            # An unknown name stays as it is: the circuit tells of it with its other faults.
            set_fields(self, connectivity=NAMED.get(self.connectivity, self.connectivity))

    @property
    def pre(self) -> str:
        """The source population."""
        return self.source.split(".")[0]

    @property
    def post(self) -> str:
        """The target population."""
        return self.target.split(".")[0]

    @property
    def at_spikes(self) -> bool:
        """Whether it acts at spikes instead of continuously."""
        return self.source.endswith(".spikes")

    @property
    def lag(self) -> PerSynapse | None:
        """Its delay as it was read; none if it has none."""
        assert self.delay is None or isinstance(self.delay, Values | PairText), "read when it was made"
        return self.delay

    @property
    def start(self) -> Initial | PerSynapse:
        """The initial weights, as they were read."""
        assert isinstance(self.initial, Initial | Values | PairText), "read when the pathway was made"
        return self.initial

    @functools.cached_property
    def synapse(self) -> Synapse:
        """The synapse with all of its rules."""
        return Synapse(self.rule if isinstance(self.rule, tuple) else (self.rule,))

    @functools.cached_property
    def rule_parameters(self) -> dict[str, float]:
        """The parameters of its rules in SI units, defaults filled in; those without a value are missing."""
        return {name: value for name, (value, _) in self.parameter_quantities.items()}

    @functools.cached_property
    def parameter_quantities(self) -> dict[str, tuple[float, str | None]]:
        """The units of these parameters, as products of base units; a plain number has none."""
        given = {name: value for name, value in self.synapse.parameters.items() if value is not None}
        # Some rules of whole pathways have a memory without an end.
        finite = self.synapse.oracle is None
        return {
            name: parameter_value(self.synapse.name, name, value, finite=finite)
            for name, value in {**given, **self.parameters}.items()
        }


def _check_pathway(pathway: Pathway) -> None:
    rule = "a Rule, such as neurosim.Rule('w += ...') or neurosim.registry.load('rules', name).RULE"
    check_fields(
        pathway,
        **dict.fromkeys(("name", "source", "target"), TEXT),
        rule=one_or_more(instance(Rule, OracleRule, expected=rule)),
        parameters=MAPPING,
        tie=optional(instance(Tie, expected="a Tie")),
        **dict.fromkeys(("reduction", "positions"), one_of("mean", "sum")),
        **dict.fromkeys(("sigma", "update_noise"), optional(NUMBER)),
        every=WHOLE,
        optimised=optional(FLAG),
        role=optional(one_of(*Role)),
        delivers=optional(TEXT),
        bounds=optional(pair("the least and the greatest weight, such as (0, 'w_max')")),
    )
    if pathway.bounds is not None:
        endless = zip(pathway.bounds, ("-inf", "inf"), strict=True)
        set_fields(pathway, bounds=tuple(None if str(b).strip() == none else b for b, none in endless))
    if pathway.delay is not None:
        set_fields(pathway, delay=per_synapse(f"the delay of pathway '{pathway.name}'", pathway.delay))
    if pathway.role is not None:
        set_fields(pathway, role=Role(pathway.role))
    if not isinstance(pathway.initial, Initial):
        what = f"the initial weights of pathway '{pathway.name}'"
        set_fields(pathway, initial=per_synapse(what, pathway.initial))


@dataclass(frozen=True)
class Hold:
    """An assignment at the end of a phase: ``population.variable = expression``, or a broadcast variable."""

    population: str | None
    statement: Statement

    @property
    def target(self) -> str:
        """The qualified name that is assigned."""
        return f"{self.population}.{self.statement.target}" if self.population else self.statement.target

    def __str__(self) -> str:
        return f"{self.population + '.' if self.population else ''}{self.statement}"


@public(text=TEXT)
def hold(text: str) -> Hold:
    """Read ``hidden1.r_held = r`` or ``loss_held = loss``.

    Parameters
    ----------
    text
        An assignment whose expression is in the population's own variables and what is broadcast.

    Returns
    -------
    Hold
        To be given to a `Phase`.

    Raises
    ------
    EquationError
        If it is no assignment.

    Examples
    --------
    >>> hold("hidden1.r_held = tanh(v)").population
    'hidden1'
    """
    head, _, _ = text.partition("=")
    population, dot, _ = head.rpartition(".")
    statements = parse_statements(text[len(population) + len(dot) :])
    if len(statements) != 1:
        raise EquationError(f"got {len(statements)} assignments in '{text}', expected one, such as 'a.held = r'")
    statement = statements[0]
    if statement.operator != "=":
        raise statement.place.error(f"expected '=' in what a phase holds, got '{statement.operator}'")
    return Hold(population.strip() or None, statement)


@dataclass(frozen=True)
class Phase:
    """A stretch of time with switches set.

    Attributes
    ----------
    name
        What it is called.
    duration
        A quantity (``"50 ms"``).
    switches
        Shared parameters of the neurons and their values in this phase; elsewhere they have their default. With
        noise on weights, ``perturb`` switches that too.
    draw_noise
        Whether the noise of populations and pathways is drawn afresh at its start.
    hold
        Assignments at its end, in order, each seeing the earlier ones.
    learn
        Pathways whose rule acts at its end (or at its steps), after `hold`.
    restart
        Whether the neurons' state returns to that of the presentation's start, as after a long silence.
    until
        Ends the phase early: a variable, and the number below which it has to fall, in absolute value, in all its
        neurons and in every trial of the batch. Looked at every `UNTIL_STEPS` steps.

    Examples
    --------
    >>> Phase("clean", "40 ms", {"perturb": 0.0}).steps(dt=1e-3)
    40
    """

    name: str
    duration: str
    switches: Mapping[str, float] = field(default_factory=dict[str, float])
    draw_noise: bool = False
    hold: tuple[Hold, ...] = ()
    learn: tuple[str, ...] = ()
    restart: bool = False
    until: tuple[str, float] | None = None

    def _repr_html_(self) -> str:
        return fields_folded(self, f"phase {self.name}, {self.duration}")

    def __post_init__(self) -> None:
        held = several(instance(Hold, expected="what neurosim.hold('a.b = c') gives"))
        check_fields(self, name=TEXT, switches=MAPPING, draw_noise=FLAG, hold=held, learn=NAMES, restart=FLAG)
        switches = {
            name: NUMBER(
                f"the switch '{name}' of phase '{self.name}', in SI units",
                float(value) if isinstance(value, bool) else value,
            )
            for name, value in self.switches.items()
        }
        set_fields(self, switches=MappingProxyType(switches))
        duration = cast(object, self.duration)
        if not isinstance(duration, str) and hasattr(duration, "dimensions"):
            # Circuits are compared by their text.
            set_fields(self, duration=f"{parse_quantity(self.duration, 'second')!r} second")
        try:
            seconds = self.seconds
        except UnitError as error:
            raise UnitError(f"the duration of phase '{self.name}': {error}") from error
        if seconds <= 0:
            raise CircuitError(
                f"phase '{self.name}' lasts {self.duration}; expected a time above zero, such as '50 ms'"
            )

    @property
    def seconds(self) -> float:
        """The duration in seconds."""
        return parse_quantity(self.duration, "second")

    def steps(self, dt: float) -> int:
        """The duration in time steps.

        Raises
        ------
        CircuitError
            If it is not a whole number of steps of `dt` seconds.
        """
        steps = round(self.seconds / dt)
        if steps < 1 or abs(steps * dt - self.seconds) > 1e-6 * dt:
            raise CircuitError(
                f"phase '{self.name}' lasts {self.duration}, which is not a whole number of time steps of "
                f"{format_quantity(dt, 'second')}"
            )
        return steps


@dataclass(frozen=True)
class ControlLoop:
    """A leaky integral controller around forward weights, described so that its stability can be computed.

    The controller ``u`` integrates, with time constant `tau_u` and a leak, what the forward pathways make of the
    plant's activity less its target; feedback weights bring it to the plant, which follows with time constant `tau_x`.

    Attributes
    ----------
    layer
        The population that is the plant.
    target, activity
        The variables that are the controller's target and the plant's activity.
    linear
        Whether activity follows the controller, and the mismatch activity, without any nonlinearity.
    forward
        The forward pathways around which the loop runs, from the plant on; with more than one, each population in
        between is a low-pass of its own.
    feedback
        The pathway from the controller to the plant.
    leak
        Leak of the controller.
    tau_u, tau_x
        In seconds.
    controller_first
        Whether within a time step the plant sees the controller's new state.
    """

    layer: str
    target: str
    activity: str
    forward: tuple[str, ...]
    feedback: str
    leak: float
    tau_u: float
    tau_x: float
    controller_first: bool = False
    linear: bool = True
