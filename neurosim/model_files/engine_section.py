"""The [engine] section of a model file: what runs the circuit, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neurosim import registry
from neurosim.engines._engine import DEFAULT, Engine, EngineConfig
from neurosim.engines.optimiser import PLAIN, Optimiser
from neurosim.imports import require_jax
from neurosim.model_files.checking import Faults, check_kind, check_table, shown
from neurosim.units import parse_quantity

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit

# Shorter and longer time steps are slips of the unit, and would overflow or never end.
_DT = (1e-9, 1.0)


def engine_section(table: Any, faults: Faults, path: str = "engine") -> EngineConfig | None:
    """The checked settings of the engine that a section names, ``None`` with a fault.

    Parameters
    ----------
    table
        The section; without a kind it is about the default engine.
    faults
        Where they are collected.
    path
        The section's key, for messages.
    """
    if not isinstance(table, Mapping):
        return check_table(EngineConfig, table, path, faults)
    kind = table.get("kind", DEFAULT)
    module = check_kind("engines", kind, f"{path}.kind", faults)
    if module is None:
        return None
    _tell_of_other_engines(kind, module.Config, table, path, faults)
    config: EngineConfig | None = check_table(module.Config, {"kind": kind, **table}, path, faults)
    if config is None:
        return None
    if config.level not in config.levels:
        expected = " or ".join(map(repr, config.levels))
        faults.add(path, f"got level '{config.level}' with kind '{kind}', expected {expected}")
    if not _DT[0] <= parse_quantity(config.dt, "second") <= _DT[1]:
        faults.add(f"{path}.dt", f"got {shown(config.dt)}, expected a time from 1 ns to 1 second")
    return config


def make_engine(config: EngineConfig, circuit: Circuit, optimiser: Optimiser = PLAIN) -> Engine:
    """The engine of a model for a circuit.

    Raises
    ------
    ConfigError
        For an optimiser that the engine does not have.
    EngineError
        JAX, which draws the noise for every engine, has no device; or the engine does not run the level.
    """
    require_jax()
    return registry.load("engines", config.kind).build(config, circuit, optimiser)


def _tell_of_other_engines(
    kind: str, config: type[EngineConfig], table: Mapping[str, Any], path: str, faults: Faults
) -> None:
    """Report settings that only other engines have, with the names of those."""
    for key in table.keys() - config.model_fields.keys():
        modules = {name: registry.load("engines", name) for name in registry.names("engines")}
        having = [repr(name) for name, module in modules.items() if key in module.Config.model_fields]
        if having:
            got = f"got {shown(table[key])} with kind '{kind}'"
            faults.add(f"{path}.{key}", f"{got}, expected it with {' or '.join(having)} only")
