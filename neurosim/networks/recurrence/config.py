"""Settings of the recurrent network."""

from __future__ import annotations

from typing import Literal, cast

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from neurosim.networks._network import Network, Part

Law = Literal["normal", "uniform", "truncated_normal"]
Fan = Literal["in", "none"]


class Config(Network):
    """Settings of the recurrent network.

    Attributes
    ----------
    hidden
        The recurrent populations, from the input on: how many neurons each has. The first is driven by the input, each
        further one by the one before it.
    neuron
        Neuron model of the recurrent populations, with the model's own settings; a list has one for each of them.
        Those that do not spike are integrated by Euler's method, whatever the model says: the rules of learning in time
        are written for its steps.
    output_neuron
        Neuron model of the readout. A ``relay`` reads at an instant, a ``leaky_rate`` whose ``activation`` is the
        ``identity`` low-passes with its ``tau_m``.
    readout
        How loss and error are read from the output.
    readout_from
        Whether the ``last`` recurrent population is read, or ``all`` of them.
    gain, recurrent_law
        Standard deviation (or half width, or factor, by the law) of recurrent weights times the root of the mean number
        of recurrent synapses onto a neuron. ``orthogonal`` weights are those of all neurons with all, autapses
        included.
    autapses
        Whether neurons have recurrent synapses with themselves.
    connection_probability, in_degree, connection_draw
        Of sparse recurrence: the probability of each synapse, or the number of recurrent synapses onto each neuron;
        all synapses by default. Which ones they are is a function of the number `connection_draw`.
    excitatory_fraction
        The share of neurons, the first ones of each recurrent population, whose recurrent weights stay at or above
        zero; those of all others stay at or below (Dale's law, for the recurrent weights alone). The weights of
        inhibitory neurons are the larger by the ratio of the two numbers, so that both balance. None for no such law.
    input_weights, input_law, input_fan
        Standard deviation or half width of the weights into a recurrent population from below, their law, and whether
        it is divided by the root of the number of neurons they come from (``in``) or not (``none``).
    output_weights, output_law, output_fan
        Likewise of the weights of the readout.
    bias, bias_weights
        Whether neurons and readout have a bias, and the standard deviation of its initial value.
    initial
        Standard deviation of the initial state (that which the drive changes): a number for each neuron, the same in
        all trials.
    """

    hidden: tuple[PositiveInt, ...] = Field(default=(64,), min_length=1, max_length=50)
    neuron: Part | tuple[Part, ...] = Field(default=Part(kind="leaky_rate"))
    output_neuron: Part = Field(default=Part(kind="relay"))
    readout: str = "squared_error"
    readout_from: Literal["last", "all"] = "last"
    gain: NonNegativeFloat = 1.0
    recurrent_law: Literal["normal", "uniform", "truncated_normal", "orthogonal"] = "normal"
    autapses: bool = False
    connection_probability: float | None = Field(default=None, gt=0, le=1)
    in_degree: PositiveInt | None = None
    connection_draw: NonNegativeInt = 0
    excitatory_fraction: float | None = Field(default=None, gt=0, lt=1)
    input_weights: PositiveFloat = 1.0
    input_law: Law = "normal"
    input_fan: Fan = "in"
    output_weights: NonNegativeFloat = 1.0
    output_law: Law = "normal"
    output_fan: Fan = "in"
    bias: bool = True
    bias_weights: NonNegativeFloat = 0.0
    initial: NonNegativeFloat = 0.0

    @field_validator("hidden", mode="before")
    @classmethod
    def _one_or_several(cls, given: object) -> object:
        if isinstance(given, int) and not isinstance(given, bool):
            return (given,)
        # What a validator has seen is no JSON any more, in which an array passes for a tuple.
        return tuple(cast(list[object], given)) if isinstance(given, list) else given

    @model_validator(mode="after")
    def _fits(self) -> Config:
        if isinstance(self.neuron, tuple) and len(self.neuron) != len(self.hidden):
            raise ValueError(
                f"neuron: got {len(self.neuron)} neurons for {len(self.hidden)} recurrent populations, expected one "
                "for each, or one for all"
            )
        if self.connection_probability is not None and self.in_degree is not None:
            raise ValueError(
                f"in_degree: got {self.in_degree} beside connection_probability = {self.connection_probability:g}, "
                "expected one of the two"
            )
        self._check_in_degree()
        if self.recurrent_law == "orthogonal":
            self._check_orthogonal()
        if self.excitatory_fraction is not None:
            for size in self.hidden:
                if not 0 < self.excitatory_in(size) < size:
                    raise ValueError(
                        f"excitatory_fraction: got {self.excitatory_fraction:g}, of which {size} neurons have "
                        f"{self.excitatory_in(size)} excitatory ones; expected one at least of either kind"
                    )
        return self

    def _check_in_degree(self) -> None:
        if self.in_degree is None:
            return
        if self.excitatory_fraction is not None:
            raise ValueError(
                f"in_degree: got {self.in_degree} beside excitatory_fraction, expected connection_probability: how "
                "many of these synapses are excitatory would be open"
            )
        most = min(self.hidden) - (not self.autapses)
        if self.in_degree > most:
            raise ValueError(
                f"in_degree: got {self.in_degree}, expected at most {most}: a population has {min(self.hidden)} neurons"
                f"{'' if self.autapses else ', and there are no autapses'}"
            )

    def _check_orthogonal(self) -> None:
        for key, expected, fits in (
            ("autapses", "true", self.autapses),
            ("connection_probability", "none", self.connection_probability is None),
            ("in_degree", "none", self.in_degree is None),
            ("excitatory_fraction", "none", self.excitatory_fraction is None),
        ):
            if not fits:
                got = str(getattr(self, key)).lower()
                raise ValueError(
                    f"{key}: got {got} with recurrent_law = 'orthogonal', expected {expected}: an orthogonal matrix "
                    "joins all neurons with all"
                )

    @property
    def layers(self) -> tuple[str, ...]:
        """``hidden1`` ... from the input on, and ``output``."""
        return (*self.hidden_layers, "output")

    @property
    def hidden_layers(self) -> tuple[str, ...]:
        """``hidden1`` ... from the input on."""
        return tuple(f"hidden{number}" for number in range(1, len(self.hidden) + 1))

    @property
    def read_layers(self) -> tuple[str, ...]:
        """The recurrent populations that the output reads."""
        return self.hidden_layers if self.readout_from == "all" else self.hidden_layers[-1:]

    def excitatory_in(self, size: int) -> int:
        """How many of so many neurons are excitatory; all of them without Dale's law."""
        return size if self.excitatory_fraction is None else round(self.excitatory_fraction * size)

    def part_of(self, layer: str) -> Part:
        """The neuron that the settings name for a recurrent population or the output."""
        if layer == "output":
            return self.output_neuron
        return self.neuron[self.hidden_layers.index(layer)] if isinstance(self.neuron, tuple) else self.neuron
