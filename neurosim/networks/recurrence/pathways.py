"""The pathways of a recurrent network: what drives its neurons, and the ways on which errors come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from neurosim.circuit.connectivity import Connectivity, Dense, InDegree, Sparse, Where
from neurosim.circuit.description import Initial, Pathway, Role
from neurosim.networks._network import rule_of
from neurosim.networks.recurrence.config import Config
from neurosim.networks.recurrence.neurons import neuron_at, sent, shown
from neurosim.networks.recurrence.populations import SIGNAL

#: What a driving pathway is for: weights from below, recurrent weights, biases; and weights and bias of the readout.
Place = Literal["input", "recurrent", "bias", "output", "output_bias"]
_ROLES: Mapping[Place, Role] = {
    "input": Role.FORWARD,
    "recurrent": Role.RECURRENT,
    "bias": Role.BIAS,
    "output": Role.FORWARD,
    "output_bias": Role.BIAS,
}
_Bounds = tuple[float | None, float | None] | None


class DrivingLink(NamedTuple):
    """A driving pathway before anything is said of its learning.

    Attributes
    ----------
    name
        ``Win1`` (from the input), ``W1_2`` (from one recurrent population to the next), ``R1``, ``b1``, ``Wout``,
        ``bout``; with Dale's law ``R1e`` and ``R1i``, and ``Wout1`` ... where all recurrent populations are read.
    place
        What it is for.
    source, target
        The variables that it joins.
    """

    name: str
    place: Place
    source: str
    target: str
    initial: Initial
    connectivity: Connectivity
    bounds: _Bounds

    @property
    def pre(self) -> str:
        """The population before it."""
        return self.source.split(".")[0]

    @property
    def post(self) -> str:
        """The population behind it."""
        return self.target.split(".")[0]


@dataclass(frozen=True)
class Signed:
    """Weights of one sign, from weights of both."""

    sign: int

    def __call__(self, drawn: np.ndarray) -> np.ndarray:
        """The weights, all of the sign."""
        return self.sign * np.abs(drawn)

    def __str__(self) -> str:
        return "size" if self.sign > 0 else "negative size"


def links(network: Config) -> tuple[DrivingLink, ...]:
    """All driving pathways, in the order of the populations that they lead to."""
    ways: list[DrivingLink] = []
    below = "input.r"
    incoming = Initial(network.input_law, network.input_weights, _fan(network.input_fan))
    biased = Initial("normal", network.bias_weights, None)
    for number, (layer, size) in enumerate(zip(network.hidden_layers, network.hidden, strict=True), start=1):
        neuron = neuron_at(network, layer)
        drive = f"{layer}.{neuron.ports['drive']}"
        name = "Win1" if number == 1 else f"W{number - 1}_{number}"
        ways.append(DrivingLink(name, "input", below, drive, incoming, Dense(), None))
        source = f"{layer}.{sent(neuron)}"
        ways += [
            DrivingLink(f"R{number}{end}", "recurrent", source, drive, law, joined, bounds)
            for end, law, joined, bounds in _recurrent(network, size)
        ]
        if network.bias:
            ways.append(DrivingLink(f"b{number}", "bias", "one.r", drive, biased, Dense(), None))
        below = source
    return (*ways, *_read(network, biased))


def _read(network: Config, biased: Initial) -> list[DrivingLink]:
    drive = f"output.{neuron_at(network, 'output').ports['drive']}"
    law = Initial(network.output_law, network.output_weights, _fan(network.output_fan))
    ways: list[DrivingLink] = []
    for layer in network.read_layers:
        number = f"{network.hidden_layers.index(layer) + 1}" if network.readout_from == "all" else ""
        source = f"{layer}.{shown(neuron_at(network, layer))}"
        ways.append(DrivingLink(f"Wout{number}", "output", source, drive, law, Dense(), None))
    if network.bias:
        ways.append(DrivingLink("bout", "output_bias", "one.r", drive, biased, Dense(), None))
    return ways


def _fan(setting: Literal["in", "none"]) -> Literal["in"] | None:
    return "in" if setting == "in" else None


def _recurrent(network: Config, size: int) -> list[tuple[str, Initial, Connectivity, _Bounds]]:
    """Each part of a population's recurrence: how its name ends, its law, its synapses and its bounds."""
    onto = size if network.connection_probability is None else size * network.connection_probability
    width = network.gain / (network.in_degree or onto) ** 0.5
    if network.excitatory_fraction is None:
        scale = network.gain if network.recurrent_law == "orthogonal" else width
        return [("", Initial(network.recurrent_law, scale, None), _joined(network, None), None)]
    excitatory = network.excitatory_in(size)
    ratio = excitatory / (size - excitatory)
    return [
        (
            "e",
            Initial(network.recurrent_law, width, None, (), Signed(1)),
            _joined(network, (0, excitatory)),
            (0.0, None),
        ),
        (
            "i",
            Initial(network.recurrent_law, width * ratio, None, (), Signed(-1)),
            _joined(network, (excitatory, size)),
            (None, 0.0),
        ),
    ]


def _joined(network: Config, senders: tuple[int, int] | None) -> Connectivity:
    """The recurrent synapses from all neurons, or from some."""
    autapses, draw = network.autapses, network.connection_draw
    if network.in_degree is not None:
        return InDegree(network.in_degree, draw, autapses)
    if network.connection_probability is not None:
        return Sparse(network.connection_probability, draw, senders, autapses=autapses)
    conditions = [] if senders is None else [f"i >= {senders[0]}", f"i < {senders[1]}"]
    conditions += [] if autapses else ["i != j"]
    return Where(" and ".join(conditions)) if conditions else Dense()


def driving_pathways(
    network: Config, settings: Callable[[DrivingLink], Mapping[str, Any]] | None = None
) -> tuple[Pathway, ...]:
    """All driving pathways.

    Parameters
    ----------
    settings
        Rule, parameters and what else `Pathway` takes, of each; fixed weights where it gives nothing.
    """
    made: list[Pathway] = []
    for link in links(network):
        given: dict[str, Any] = {"rule": rule_of("fixed"), **(settings(link) if settings is not None else {})}
        placed: dict[str, Any] = {
            "initial": link.initial,
            "connectivity": link.connectivity,
            "bounds": link.bounds,
            "role": _ROLES[link.place],
        }
        made.append(Pathway(link.name, link.source, link.target, **{**placed, **given}))
    return tuple(made)


def feedback_pathways(network: Config, settings: Callable[[str], Mapping[str, Any]]) -> tuple[Pathway, ...]:
    """Pathways ``B1`` ... from the error of the output to the learning signal of each recurrent population.

    Parameters
    ----------
    settings
        Rule, parameters, tie and what else `Pathway` takes, of the pathway to a population.
    """
    made: list[Pathway] = []
    for number, layer in enumerate(network.hidden_layers, start=1):
        given: dict[str, Any] = {"rule": rule_of("fixed"), "role": Role.FEEDBACK, **settings(layer)}
        made.append(Pathway(f"B{number}", "output.error", f"{layer}.{SIGNAL}", **given))
    return tuple(made)


def readout_of(network: Config, layer: str) -> str | None:
    """The pathway by which the output reads a population; none if it does not."""
    if layer not in network.read_layers:
        return None
    return next(link.name for link in links(network) if link.place == "output" and link.pre == layer)


def learning(pathways: Sequence[Pathway]) -> tuple[str, ...]:
    """The names of those that learn."""
    return tuple(pathway.name for pathway in pathways if pathway.synapse.learns)
