"""Neurons of the recurrent network, and which of their variables the drive changes."""

from __future__ import annotations

from neurosim.equations.inlined import names_within
from neurosim.errors import ConfigError
from neurosim.networks._network import neuron_of
from neurosim.networks.recurrence.config import Config
from neurosim.neurons._model import NeuronModel


def neuron_at(network: Config, layer: str) -> NeuronModel:
    """The neuron model of a recurrent population or of the output.

    Raises
    ------
    ConfigError
        A neuron that normalises its drive, or a recurrent one without a state.
    """
    neuron, key = neuron_of(network.part_of(layer)), key_of(network, layer)
    if "offset" in neuron.ports:
        raise ConfigError.at(
            f"network.{key}.normalised",
            f"got true for {layer}, expected false: a recurrent network does not normalise what drives its neurons",
        )
    if layer != "output" and not integrators(neuron):
        raise ConfigError.at(
            f"network.{key}.kind",
            f"got '{network.part_of(layer).kind}' for {layer}, expected a neuron whose drive changes a state variable: "
            "without one, recurrent neurons would need each other's activity at the same instant",
        )
    return neuron


def key_of(network: Config, layer: str) -> str:
    """The setting that names the neuron of a population: ``neuron``, ``neuron.1`` or ``output_neuron``."""
    if layer == "output":
        return "output_neuron"
    return f"neuron.{network.hidden_layers.index(layer)}" if isinstance(network.neuron, tuple) else "neuron"


def integrators(neuron: NeuronModel) -> tuple[str, ...]:
    """The state variables whose equations read the drive."""
    drive, equations = neuron.ports.get("drive", ""), neuron.equation_set
    parts = {e.name: e.expression or "0" for e in equations.of("subexpression")}
    return tuple(e.name for e in equations.of("differential") if drive in names_within([e.expression or "0"], parts))


def sent(neuron: NeuronModel) -> str:
    """The variable that recurrent pathways and further populations read."""
    return neuron.ports["output"]


def shown(neuron: NeuronModel) -> str:
    """The variable that the readout reads: the port ``readout``, or else the output."""
    return neuron.ports.get("readout", neuron.ports["output"])
