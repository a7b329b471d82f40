"""Sections that name a component: look up its kind and check its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo

from neurosim import registry
from neurosim.errors import NeurosimError
from neurosim.model_files.checking import Faults, check_kind, check_table, defaults_of, shown
from neurosim.model_files.equation_faults import equation_fault
from neurosim.networks._network import DEFAULT, Network, Part, neuron_of
from neurosim.schemes._pairing import PORTS


def component_section(kind: str, table: Any, path: str, faults: Faults) -> tuple[str, Any]:
    """The kind that a section names, and its checked settings; ``None`` with a fault.

    Parameters
    ----------
    kind
        Kind of component, as in the registry: ``schemes``.
    table
        The section, ``None`` if it is missing.
    path
        The section's key, for messages.
    faults
        Collects the faults.
    """
    if table is None:
        faults.add(path, f"missing, expected a table [{path}] with its kind")
        return "", None
    if not isinstance(table, Mapping):
        faults.add(path, f"got {shown(table)}, expected a table [{path}] with its kind")
        return "", None
    module = check_kind(kind, table.get("kind"), f"{path}.kind", faults)
    if module is None:
        return "", None
    settings = {key: value for key, value in table.items() if key != "kind"}
    return table["kind"], check_table(module.Config, settings, path, faults)


def network_section(table: Any, faults: Faults, path: str = "network") -> tuple[str, Network | None]:
    """A section ``[network]``, its keys and types checked; parameters and result as for `component_section`.

    It need not say its kind.

    Checks that read equations, and so take long, are left to `check_neurons`.
    """
    if not isinstance(table, Mapping):
        return DEFAULT, check_table(Network, table, path, faults)
    kind = table.get("kind", DEFAULT)
    module = check_kind("networks", kind, f"{path}.kind", faults)
    if module is None:
        return "", None
    fields = module.Config.model_fields
    # Fill in defaults, so that equal models compare equal however they are written.
    neurons = {
        name: _neurons(table, name, field, faults, path)
        for name, field in fields.items()
        if isinstance(field.default, Part)
    }
    if "readout" in table and "readout" in fields:
        check_kind("readouts", table["readout"], f"{path}.readout", faults)
    named = {name: neuron for name, neuron in neurons.items() if neuron is not None}
    settings = {name: value for name, value in table.items() if name != "kind"}
    return kind, check_table(module.Config, {**settings, **named}, path, faults)


def check_neurons(network: Network, faults: Faults, path: str = "network") -> None:
    """Refuse neurons with faulty equations, or without the ports of learning networks."""
    for key, part in network.neurons.items():
        _check_neuron(part, f"{path}.{key}", faults)


def _neurons(table: Mapping[str, Any], name: str, field: FieldInfo, faults: Faults, path: str) -> Any:
    """One neuron, or a list with one for each hidden layer where the setting can be a list."""
    default: Part = field.default
    given = table.get(name, {"kind": default.kind, **default.settings})
    if isinstance(given, list) and field.annotation is not Part:
        parts = [_neuron(each, f"{path}.{name}.{number}", faults) for number, each in enumerate(given)]
        return None if None in parts else parts
    return _neuron(given, f"{path}.{name}", faults)


def _neuron(given: Any, path: str, faults: Faults) -> dict[str, Any] | None:
    kind, config = component_section("neurons", given, path, faults)
    return None if config is None else {"kind": kind, **config.model_dump(mode="json")}


def _check_neuron(part: Part, path: str, faults: Faults) -> None:
    settings = part.settings
    try:
        ports = neuron_of(part).ports
    except NeurosimError as error:
        defaults = defaults_of(registry.load("neurons", part.kind).Config)
        key, sentence = equation_fault(error, settings, defaults, lambda s: neuron_of(Part(kind=part.kind, **s)))
        faults.add(f"{path}.{key}".rstrip("."), sentence)
        return
    missing = [port for port in PORTS if port not in ports]
    if missing:
        faults.add(
            f"{path}.kind",
            f"got '{part.kind}', expected a neuron for learning networks (it has no {', '.join(missing)})",
        )
