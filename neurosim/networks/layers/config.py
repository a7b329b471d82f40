"""Settings of the layered network, and what they say of each layer's neuron."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from neurosim.networks._network import Network, Part, neuron_of
from neurosim.networks.layers import links, shapes
from neurosim.networks.layers.links import Link
from neurosim.networks.layers.shapes import Layer, Pooled
from neurosim.neurons._model import NeuronModel


class Config(Network):
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
    noise_correlation
        Correlation between the noise of any two neurons of a hidden layer, as of inputs that they share. A neuron
        cannot tell the part that it shares from its own.
    update_limit
        How long the vector of errors that a hidden layer learns from can be, in each trial; longer ones are shortened.
        What travels on to other layers is not. None for no limit.
    feedback_to_input
        Whether feedback also leads to the input, where it has no effect, but its weights learn and can be measured.
    positions, feedback_positions
        Whether a weight that synapses share learns by the ``sum`` of what they see, as by the gradient, or by their
        ``mean``: of forward weights, and of feedback weights.
    """

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
    # Left out where it is not used, so that a model's hash stays what it was before there was any.
    noise_correlation: float = Field(default=0.0, ge=0, lt=1, exclude_if=operator.not_)
    update_limit: PositiveFloat | None = None
    feedback_to_input: bool = False
    positions: Literal["mean", "sum"] = "sum"
    feedback_positions: Literal["mean", "sum"] = "mean"

    @field_validator("hidden")
    @classmethod
    def _skips_lead_up(cls, hidden: tuple[Layer, ...]) -> tuple[Layer, ...]:
        faults = [
            InitErrorDetails(
                type=PydanticCustomError("value_error", "{fault}", {"fault": fault}),
                loc=(number, "skip_from"),
                input=hidden[number],
            )
            for number, fault in links.faults(hidden)
        ]
        if faults:
            raise ValidationError.from_exception_data("hidden", faults)
        return hidden

    @model_validator(mode="after")
    def _one_neuron_a_layer(self) -> Config:
        if isinstance(self.neuron, tuple) and len(self.neuron) != len(self.hidden):
            raise ValueError(
                f"got {len(self.neuron)} neurons for {len(self.hidden)} hidden layers, expected one for each, or one "
                "for all"
            )
        return self

    @property
    def layers(self) -> tuple[str, ...]:
        """``hidden1`` ... from the input on, and ``output``."""
        return (*shapes.names(self.hidden), "output")

    @property
    def hidden_layers(self) -> tuple[str, ...]:
        """``hidden1`` ... from the input on."""
        return self.layers[:-1]

    @property
    def links(self) -> tuple[Link, ...]:
        """All ways up, in the order of the layers they lead into: first from the layer below, then past others."""
        return links.links(self.hidden)


def neuron_at(network: Config, layer: str) -> NeuronModel:
    """The neuron model of a layer."""
    if layer == "input":
        noise, feedback = network.input_noise, network.feedback_to_input
        return neuron_of(Part.model_validate({"kind": "stimulus", "sigma": noise, "feedback": feedback}))
    if layer == "output":
        return neuron_of(network.output_neuron)
    number = network.layers.index(layer)
    if isinstance(network.neuron, tuple):
        return neuron_of(network.neuron[number])
    if isinstance(network.hidden[number], Pooled):
        noise = {name: value for name, value in network.neuron.settings.items() if name == "sigma"}
        return neuron_of(Part.model_validate({"kind": "relay", **noise}))
    return neuron_of(network.neuron)


def ports_of(network: Config, layer: str) -> Mapping[str, str]:
    """The ports of a layer's neuron."""
    return neuron_at(network, layer).ports


def factor_of(network: Config, layer: str) -> str:
    """The factor by which a neuron multiplies the change of the loss to estimate the gradient at its site of noise.

    The noise it was given over its standard deviation, unless the neuron's port ``factor`` names its own.
    """
    return ports_of(network, layer).get("factor", "noise/sigma")
