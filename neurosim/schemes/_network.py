"""The layered network that all schemes train: what is common, apart from how credit is assigned.

(Over 300 lines: the words in which all schemes are written, most of them a few lines each; shapes of layers are in
`_layers`, what leads into each of them in `_links`.)
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from neurosim import registry
from neurosim.circuit.connectivity import Dense
from neurosim.circuit.description import Hold, Initial, Pathway, Phase, Population, Role, hold
from neurosim.circuit.images import Pooling
from neurosim.circuit.synapses import Image
from neurosim.errors import ConfigError
from neurosim.networks import layers as _layers
from neurosim.networks import links as _links
from neurosim.networks.layers import Layer, Pooled
from neurosim.networks.links import Link
from neurosim.neurons._model import NeuronModel
from neurosim.readouts._readout import Readout
from neurosim.rules._rule import Rule

Topology = Literal["layerwise", "direct"]


class Sized(Protocol):
    """What a scheme has to know of a task."""

    @property
    def n_inputs(self) -> int: ...
    @property
    def n_outputs(self) -> int: ...


def image_of(task: Sized) -> Image | None:
    """Height, width and channels of a task's inputs, if it says that they are images."""
    return getattr(task, "image", None)


class Part(BaseModel):
    """A component by its ``kind``, with the component's own settings beside it."""

    model_config = ConfigDict(frozen=True, extra="allow")
    kind: str

    @property
    def settings(self) -> dict[str, Any]:
        """All but the kind."""
        return dict(self.model_extra or {})


class Network(BaseModel):
    """Settings of the layered network.

    Attributes
    ----------
    hidden
        The hidden layers, from the input on: sizes, or tables for convolutions (``channels``, ``kernel``, ``stride``,
        ``padding``) and pools (``pool``, ``window``, ``stride``, ``padding``), where the task's inputs are images.
        Skip connections (shortcuts past layers, as in residual networks) are a setting ``skip_from`` of the layer
        they lead to, which names the layer or the layers they come from: ``{ channels = 32, kernel = 3, skip_from =
        "hidden1" }``, of a layer without positions ``{ size = 64, skip_from = ["input", "hidden1"] }``. Between
        layers of the same form a skip is the identity, else it has weights (kernels of 1 x 1).
    neuron, output_neuron
        Neuron model of hidden and output layers, with the model's own settings; a list has one for each hidden
        layer. Pools relay what they get, with noise of that neuron's sigma, unless a list names a neuron for them.
    readout
        How loss and error are read from the output.
    weights
        Standard deviation of the initial weights times the root of the number of inputs.
    weight_law
        Their law.
    weight_fan
        Whose number divides the variance of initial weights, feedback included: ``in`` (the neurons they read; for
        feedback, as always, those they reach), ``both`` (the sum of the two) or ``none`` (then `weights` is their
        standard deviation or half width itself).
    bias, bias_weights, bias_law
        Whether neurons have a learned bias, the standard deviation of its initial value (or the value itself, if
        it is ``constant``), and its law: ``as_weights`` draws it as if it were one more of the neuron's weights.
    bias_rate
        The learning rate of biases over that of weights.
    input_noise
        Standard deviation of noise on the input, in phases with noise.
    update_limit
        How long the vector of errors that a hidden layer learns from can be, in each trial; longer ones are shortened.
        What travels on to other layers is not. None for no limit.
    feedback_to_input
        Whether feedback also leads to the input, where it has no effect, but its weights learn and can be measured.
    positions, feedback_positions
        Whether a weight that synapses share learns by the ``sum`` of what they see, as by the gradient, or by their
        ``mean``: of forward weights, and of feedback weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    hidden: tuple[Layer, ...] = Field(default=(64, 32), min_length=1, max_length=200)
    neuron: Part | tuple[Part, ...] = Field(default=Part(kind="leaky_rate"))
    output_neuron: Part = Field(default=Part(kind="leaky_rate", activation="identity"))  # type: ignore[call-arg]
    readout: str = "cross_entropy"
    weights: PositiveFloat = 1.0
    weight_law: Literal["normal", "uniform", "truncated_normal", "orthogonal"] = "normal"
    weight_fan: Literal["in", "both", "none"] = "in"
    bias: bool = True
    bias_weights: NonNegativeFloat = 0.0
    bias_law: Literal["normal", "constant", "as_weights"] = "normal"
    bias_rate: NonNegativeFloat = 1.0
    input_noise: NonNegativeFloat = 0.0
    update_limit: PositiveFloat | None = None
    feedback_to_input: bool = False
    positions: Literal["mean", "sum"] = "sum"
    feedback_positions: Literal["mean", "sum"] = "mean"

    @field_validator("hidden")
    @classmethod
    def _skips_lead_up(cls, hidden: tuple[Layer, ...]) -> tuple[Layer, ...]:
        found = [
            InitErrorDetails(
                type=PydanticCustomError("value_error", "{fault}", {"fault": fault}),
                loc=(number, "skip_from"),
                input=hidden[number],
            )
            for number, fault in _links.faults(hidden)
        ]
        if found:
            raise ValidationError.from_exception_data("hidden", found)
        return hidden

    @model_validator(mode="after")
    def _one_neuron_a_layer(self) -> Network:
        if isinstance(self.neuron, tuple) and len(self.neuron) != len(self.hidden):
            raise ValueError(
                f"got {len(self.neuron)} neurons for {len(self.hidden)} hidden layers, expected one for each, or one "
                "for all"
            )
        return self


def neuron_of(part: Part) -> NeuronModel:
    """Build the neuron model that a part of the settings names."""
    # The module is part of the key: a file of one's own that is registered again is another module.
    return _neuron(registry.load("neurons", part.kind), json.dumps(part.settings, sort_keys=True))


@functools.lru_cache(maxsize=128)
def _neuron(module: Any, settings: str) -> NeuronModel:
    return module.build(module.Config(**json.loads(settings)))


def rule_of(name: str) -> Rule:
    """A learning rule by name."""
    return registry.load("rules", name).RULE


def readout_of(network: Network) -> Readout:
    """The network's readout."""
    return registry.load("readouts", network.readout).READOUT


def layer_names(network: Network) -> tuple[str, ...]:
    """``hidden1`` ... from the input on."""
    return _layers.names(network.hidden)


def populations(network: Network, task: Sized, *, noise: bool) -> tuple[Population, ...]:
    """Input, bias unit, hidden layers and output, whose apical compartment receives the readout's error."""
    output = neuron_at(network, "output")
    drawn = ("noise",) if noise else ()

    def error_of(layer: str) -> str:
        return ports_of(network, layer)["error"]

    def noisy(layer: str, pooled: bool) -> tuple[str, ...]:
        # A neuron that fires at random has no need of any, and where pools are, they are noisy.
        return () if pooled or "factor" in ports_of(network, layer) else drawn

    image = image_of(task)
    forms = _layers.forms(network.hidden, image)
    _links.fitting(network.hidden, forms, image)
    rows = zip(layer_names(network), forms, _layers.pooled(network.hidden), strict=True)
    return (
        Population(
            "input",
            task.n_inputs,
            neuron_at(network, "input"),
            noise=drawn if network.input_noise else (),
            shape=image if forms[0][1] else None,
        ),
        *((Population("one", 1, neuron_of(Part(kind="constant"))),) if network.bias else ()),
        *(
            limited(
                network,
                Population(
                    name,
                    size,
                    neuron_at(network, name),
                    noise=noisy(name, pooled),
                    lots=lots_of(network, name),
                    shape=shape,
                ),
                error_of(name),
            )
            for name, (size, shape), pooled in rows
        ),
        Population(
            "output",
            task.n_outputs,
            output,
            bind={output.ports["feedback"]: "error"},
            lots=lots_of(network, "output"),
        ),
    )


def forward_pathways(
    network: Network, learning_rate: float, rule: str = "delta", *, decay: float = 0.0
) -> tuple[Pathway, ...]:
    """Weights ``W1`` ... and biases ``b1`` ... , learning by the same rule; the delta rule may have a decay.

    A layer of pools has neither: it is reached by a pathway ``pool2`` without weights. Past layers lead ``W1_3``, or
    ``skip1_3`` where that is the identity.
    """
    if decay:
        found = forward_pathways(network, learning_rate, "decaying_delta")
        return tuple(
            replace(pathway, parameters={**pathway.parameters, "decay": decay}) if pathway.rule.learns else pathway
            for pathway in found
        )
    found = []
    for link in _links.links(network.hidden):
        source = f"{link.below}.{ports_of(network, link.below)['output']}"
        target = f"{link.above}.{ports_of(network, link.above)['drive']}"
        if not link.learns:
            found.append(_unlearned(link.forward, source, target, Role.FORWARD, connectivity=link.connectivity))
            continue
        settings: dict[str, Any] = {"rule": rule_of(rule), "parameters": {"learning_rate": learning_rate}}
        settings |= {"connectivity": link.connectivity, "positions": network.positions}
        law = Initial(network.weight_law, network.weights, None if network.weight_fan == "none" else network.weight_fan)
        found.append(Pathway(link.forward, source, target, initial=law, role=Role.FORWARD, **settings))
        if network.bias and not link.skips:
            settings["parameters"] = {"learning_rate": network.bias_rate * learning_rate}
            settings["connectivity"] = "dense" if isinstance(link.connectivity, Dense) else "per_channel"
            if "offset" in (ports := ports_of(network, link.above)):
                target = f"{link.above}.{ports['offset']}"
                settings["rule"] = _for_offset(settings["rule"])
            law = _bias_law(network)
            found.append(Pathway(f"b{link.end}", "one.r", target, initial=law, role=Role.BIAS, **settings))
    return tuple(found)


def _for_offset(rule: Rule) -> Rule:
    """The rule of a bias past a normalisation, where the error is another one."""
    return replace(rule, update=re.sub(r"\bdelta_held_post\b", "offset_delta_held_post", rule.update))


def refuse_normalisation(network: Network, why: str) -> None:
    """For schemes that ask of a neuron what one that normalises its drive does not have.

    Raises
    ------
    ConfigError
        If any layer normalises its drive.
    """
    for layer in (*layer_names(network), "output"):
        if "offset" in ports_of(network, layer):
            key = "output_neuron" if layer == "output" else "neuron"
            raise ConfigError.at(f"network.{key}.normalised", f"got true for {layer}, expected false: {why}")


def _unlearned(name: str, source: str, target: str, role: Role, **settings: Any) -> Pathway:
    """A pathway of pools, or one that passes on what it reads."""
    one = Initial("constant", 1.0, None)
    return Pathway(name, source, target, rule=rule_of("fixed"), initial=one, role=role, **settings)


def _bias_law(network: Network) -> Initial:
    if network.bias_law == "as_weights":
        return Initial(network.weight_law, network.weights, None if network.weight_fan == "none" else "all")
    return Initial(network.bias_law, network.bias_weights, None)


class FeedbackEnd(NamedTuple):
    """A feedback pathway with weights: its name, source and target, and the forward link it runs beside."""

    name: str
    source: str
    target: str
    link: Link


def feedback_ends(network: Network, topology: Topology) -> tuple[FeedbackEnd, ...]:
    """All feedback pathways with weights.

    Layerwise feedback comes from the layer above, and along every skip from the layer it leads to; direct feedback from
    the output alone. A layer that is pooled gets its feedback from its pools, whatever the topology; see
    `feedback_pathways`.
    """
    found = []
    for link in _fed_back(network):
        if not link.learns or (link.skips and topology == "direct"):
            continue
        sender = link.above if topology == "layerwise" else "output"
        source = f"{sender}.{ports_of(network, sender)['error']}"
        target = f"{link.below}.{ports_of(network, link.below)['feedback']}"
        found.append(FeedbackEnd(link.feedback, source, target, link))
    return tuple(found)


def feedback_pathways(
    network: Network, topology: Topology, settings: Mapping[str, Any] | Callable[[Link], Mapping[str, Any]]
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
    found = []
    for name, source, target, link in feedback_ends(network, topology):
        given = dict(settings(link) if callable(settings) else settings)
        if topology == "layerwise" and "tie" not in given:
            given["connectivity"] = link.connectivity.reversed
        settings_of_all = {"positions": network.feedback_positions, "role": Role.FEEDBACK}
        found.append(Pathway(name, source, target, **{**settings_of_all, **given}))
    for link in _fed_back(network):
        if link.learns or (link.skips and topology == "direct"):
            continue
        source = f"{link.above}.{ports_of(network, link.above)['error']}"
        target = f"{link.below}.{ports_of(network, link.below)['feedback']}"
        back = link.connectivity.reversed
        chooses = isinstance(back, Pooling) and back.chooses
        chosen = f"{link.below}.{ports_of(network, link.below)['output']}" if chooses else None
        found.append(_unlearned(link.feedback, source, target, Role.FEEDBACK, connectivity=back, chosen_by=chosen))
    return tuple(found)


def _fed_back(network: Network) -> tuple[Link, ...]:
    """The links along which feedback comes back."""
    return tuple(link for link in _links.links(network.hidden) if link.start or network.feedback_to_input)


def feedback_law(network: Network, scale: float) -> Initial:
    """The law of initial feedback weights."""
    return Initial("normal", scale, "both" if network.weight_fan == "both" else "out")


def answer_of(network: Network) -> str:
    """The variable that is read out."""
    ports = ports_of(network, "output")
    return f"output.{ports.get('readout', ports['output'])}"


def holds(network: Network) -> tuple[Hold, ...]:
    """What learning needs of a phase: rates, errors and delivered signals."""
    lines = [f"input.r_held = {ports_of(network, 'input')['output']}"]
    lines += ["one.r_held = r"] if network.bias else []
    for layer in (*layer_names(network), "output"):
        ports = ports_of(network, layer)
        lines += [f"{layer}.r_held = {ports['output']}", error_hold(network, layer, ports["error"])]
        if "offset_error" in ports:
            lines.append(error_hold(network, layer, ports["offset_error"], held="offset_delta_held"))
        lines += [f"{layer}.signal_held = {ports['signal']}"]
    return tuple(hold(line) for line in lines)


def error_hold(network: Network, layer: str, error: str, *, held: str = "delta_held") -> str:
    """What a layer learns from: its error, shortened where it is longer than `update_limit` allows."""
    if network.update_limit is None or layer == "output":
        return f"{layer}.{held} = {error}"
    return f"{layer}.{held} = {error}*clip({network.update_limit:g}/sqrt(error_power + 1e-30), 0, 1)"


def limited(network: Network, population: Population, error: str) -> Population:
    """A hidden layer that knows the length of its error, if it needs to."""
    if network.update_limit is None:
        return population
    return replace(population, sums={**population.sums, "error_power": f"{error}_pre**2"})


def change_holds(network: Network) -> tuple[Hold, ...]:
    """What the change of the loss is measured from, held in the output."""
    readout = readout_of(network)
    named = zip(readout.held_names, readout.held.values(), strict=True)
    return tuple(hold(f"output.{name} = {text}") for name, text in named)


def clean_phase(network: Network, duration: str, learn: Sequence[str] = ()) -> Phase:
    """Stimulus on, noise off."""
    return Phase("clean", duration, {"perturb": 0.0}, hold=holds(network), learn=tuple(learn))


def learning_phases(network: Network, duration: str, learn: Sequence[str], *, noise: bool) -> tuple[Phase, ...]:
    """One clean phase, at whose end the pathways learn; with noise a second one, and they learn at the end of that."""
    if not noise:
        return (clean_phase(network, duration, learn),)
    noisy = Phase("noisy", duration, {"perturb": 1.0}, draw_noise=True, hold=holds(network), learn=tuple(learn))
    return (replace(noisy, name="clean", switches={"perturb": 0.0}, draw_noise=False, learn=()), noisy)


def perturbed_phase(duration: str, holds: Sequence[Hold], learn: Sequence[str], *, restart: bool = False) -> Phase:
    """Stimulus and noise on, from rest if `restart`; at its end `holds` are held, and the pathways learn."""
    switches = {"perturb": 1.0}
    return Phase(
        "perturbed", duration, switches, draw_noise=True, restart=restart, hold=tuple(holds), learn=tuple(learn)
    )


def learning(pathways: Sequence[Pathway]) -> tuple[str, ...]:
    """The names of those that learn."""
    return tuple(pathway.name for pathway in pathways if pathway.rule.learns)


def factor_of(network: Network, layer: str) -> str:
    """What a neuron multiplies the change of the loss with to estimate the gradient at its site of noise.

    The noise it was given over its standard deviation, unless the neuron's port ``factor`` names its own.
    """
    return ports_of(network, layer).get("factor", "noise/sigma")


def lots_of(network: Network, layer: str) -> tuple[str, ...]:
    """What decides which neurons of a layer are left out of a presentation, if any can be."""
    ports = ports_of(network, layer)
    return (ports["lot"],) if "lot" in ports else ()


def ports_of(network: Network, layer: str) -> Mapping[str, str]:
    """The ports of a layer's neuron."""
    return neuron_at(network, layer).ports


def neuron_at(network: Network, layer: str) -> NeuronModel:
    """The neuron model of a layer."""
    if layer == "input":
        return neuron_of(
            Part.model_validate(
                {"kind": "stimulus", "sigma": network.input_noise, "feedback": network.feedback_to_input}
            )
        )
    if layer == "output":
        return neuron_of(network.output_neuron)
    if isinstance(network.neuron, tuple):
        return neuron_of(network.neuron[layer_names(network).index(layer)])
    if isinstance(network.hidden[layer_names(network).index(layer)], Pooled):
        noise = {name: value for name, value in network.neuron.settings.items() if name == "sigma"}
        return neuron_of(Part.model_validate({"kind": "relay", **noise}))
    return neuron_of(network.neuron)
