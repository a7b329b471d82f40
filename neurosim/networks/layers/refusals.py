"""What a scheme asks of a layered network and does not find, said in the words of the settings."""

from __future__ import annotations

from collections.abc import Iterable

from neurosim.circuit.description import Population
from neurosim.errors import ConfigError
from neurosim.networks.layers.config import Config, ports_of
from neurosim.networks.layers.populations import SHARED
from neurosim.networks.layers.shapes import Convolved, Pooled


def refuse_images(network: Config, why: str) -> None:
    """For schemes that need matrices.

    Raises
    ------
    ConfigError
        If any layer is no plain size.
    """
    for number, layer in enumerate(network.hidden):
        if isinstance(layer, Convolved | Pooled):
            raise ConfigError.at(f"network.hidden[{number}]", f"got {layer.connectivity}, expected a size: {why}")


def refuse_skips(network: Config, why: str, *, but_identities: bool = False) -> None:
    """For schemes that feedback past layers does not suit.

    Parameters
    ----------
    but_identities
        Whether skips without weights are fine.

    Raises
    ------
    ConfigError
        If any layer has one.
    """
    for link in network.links:
        if link.skips and (link.learns or not but_identities):
            what = f"'{link.below}', a skip with weights" if but_identities else f"'{link.below}'"
            expected = "none, or one between layers of the same form" if but_identities else "none"
            raise ConfigError.at(f"network.hidden[{link.end - 1}].skip_from", f"got {what}, expected {expected}: {why}")


def refuse_lone_noise(name: str, network: Config, populations: Iterable[Population]) -> None:
    """For schemes whose noise, if there is any, neurons of a layer cannot share.

    Raises
    ------
    ConfigError
        If `network.noise_correlation` is set and no layer has noise that is correlated.
    """
    if network.noise_correlation and not any(SHARED in population.noise for population in populations):
        raise ConfigError.at(
            "network.noise_correlation",
            f"got {network.noise_correlation:g}, expected 0: with scheme '{name}' no noise of hidden neurons is held "
            "through a phase",
        )


def refuse_normalisation(network: Config, why: str) -> None:
    """For schemes that ask of a neuron what one that normalises its drive does not have.

    Raises
    ------
    ConfigError
        If any layer normalises its drive.
    """
    for layer in network.layers:
        if "offset" in ports_of(network, layer):
            key = "output_neuron" if layer == "output" else "neuron"
            raise ConfigError.at(f"network.{key}.normalised", f"got true for {layer}, expected false: {why}")
