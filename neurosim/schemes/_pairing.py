"""Build a scheme on a network; combinations that do not fit are reported with the settings at fault.

Schemes add lines of their own to the neurons of a network. Where one is refused, its place in that text would tell a
user nothing: the scheme, the neuron and what the one lacks for the other are what can be changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.errors import CircuitError, ConfigError, EquationError, NeurosimError, UnitError
from neurosim.networks import Network, Part, Sized, layered, neuron_of
from neurosim.networks._network import is_stream

#: Ports that every neuron of a layer must have, see `NeuronModel.ports`.
PORTS = ("drive", "output", "feedback", "error", "signal")


def unsuited(scheme: str, network: str) -> str:
    """Why a scheme does not build on a kind of network; empty if it does.

    A scheme declares as ``NETWORKS`` the classes of settings that it builds on; networks whose settings inherit from
    one of these do as well. Without a declaration it builds on layered networks. As ``NOT_ON`` it can say why not, by
    the kind of network.
    """
    module = registry.load("schemes", scheme)
    needed = getattr(module, "NETWORKS", (layered.Config,))

    def suits(name: str) -> bool:
        return issubclass(registry.load("networks", name).Config, needed)

    if suits(network):
        return ""
    fitting = ", ".join(name for name in registry.names("networks") if suits(name)) or "one of another package"
    reasons: Mapping[str, str] = getattr(module, "NOT_ON", {})
    reason = next((why for kind, why in reasons.items() if _is(network, kind)), "")
    return f"got '{network}', on which the scheme '{scheme}' does not build; expected {fitting}" + (
        f": {reason}" if reason else ""
    )


def _is(network: str, kind: str) -> bool:
    """Whether a network is of a kind, or of one that inherits from it."""
    return issubclass(registry.load("networks", network).Config, registry.load("networks", kind).Config)


def schemes_on(network: str) -> list[str]:
    """The schemes that build on a kind of network, by name."""
    return [name for name in registry.names("schemes") if not unsuited(name, network)]


def circuit_of(kind: str, config: Any, network: Network, task: Sized) -> Circuit:
    """The circuit that a scheme makes of a network.

    Parameters
    ----------
    kind, config
        The scheme and its settings.
    network, task
        As for the scheme's ``build``.

    Raises
    ------
    ConfigError
        The scheme and a neuron, or settings, that do not go together.
    NeurosimError
        Anything else that is wrong with the circuit.
    """
    build = registry.load("schemes", kind).build
    try:
        made = build(config, network, task)
        return replace(made, carry=True) if is_stream(task) and made.over_time else made
    except ConfigError as error:
        key, sentence = error.faults[0] if error.faults else ("", "")
        if not key.startswith("network.") or f"'{kind}'" in sentence:
            raise
        raise ConfigError.at(key, f"{sentence} (the scheme is '{kind}')") from error.__cause__
    except (EquationError, UnitError, CircuitError) as error:
        blamed = _blamed(build, config, network, task)
        # A method is a setting of the neuron itself, and blamed on it by name.
        if blamed is None or any(key.endswith(".method") for key, _ in error.faults):
            raise
        raise ConfigError.at(
            f"network.{blamed}.kind",
            f"got '{network.neurons[blamed].kind}', which does not go with the scheme '{kind}': "
            f"{_reason(error)}{_remedy(build, config, network, task, blamed)}",
        ) from error


def _blamed(build: Any, config: Any, network: Network, task: Sized) -> str | None:
    """The key of the one neuron without which the scheme could be built; ``None`` if there is none."""
    usual = Part(kind="leaky_rate")
    keys = (key for key in network.neurons if _goes(build, config, _with(network, key, usual), task))
    return next(keys, None)


def _remedy(build: Any, config: Any, network: Network, task: Sized, key: str) -> str:
    known = (name for name in _layer_neurons() if name != network.neurons[key].kind)
    fitting = [name for name in known if _goes(build, config, _with(network, key, Part(kind=name)), task)]
    return f"; expected one of {', '.join(fitting)}" if fitting else ""


def _with(network: Network, key: str, part: Part) -> Network:
    name, _, number = key.partition(".")
    if number:
        parts = list(getattr(network, name))
        parts[int(number)] = part
        return network.model_copy(update={name: tuple(parts)})
    return network.model_copy(update={name: part})


def _goes(build: Any, config: Any, network: Network, task: Sized) -> bool:
    try:
        build(config, network, task)
    except NeurosimError:
        return False
    return True


def _layer_neurons() -> list[str]:
    """The neurons that layers of learning networks can have."""
    neurons = []
    for name in registry.names("neurons"):
        try:
            ports = neuron_of(Part(kind=name)).ports
        except (NeurosimError, ValueError):  # one of the user's that wants settings
            continue
        if all(port in ports for port in PORTS):
            neurons.append(name)
    return neurons


def _reason(error: NeurosimError) -> str:
    """The fault, without places in a text that the user did not write."""
    listed = isinstance(error, CircuitError) and error.faults
    message = listed[0][1] if listed else str(getattr(error, "message", error))
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    text = re.sub(r"line \d+, column \d+: ", "", lines[0] if lines else message)
    # Known names are left out: hundreds are units.
    return re.sub(r"\s*\((?:known here|known): .*\)|; known: .*", "", text)
