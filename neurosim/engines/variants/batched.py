"""Batched: JAX runs all trials of a batch at once, compiled, at every level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.engines._engine import EngineConfig, Limit
from neurosim.engines.optimiser import PLAIN, Optimiser

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit
    from neurosim.engines.batched.engine import BatchedEngine


class Config(EngineConfig):
    """Settings of the batched engine: those of all engines."""


def build(config: Config, circuit: Circuit, optimiser: Optimiser = PLAIN) -> BatchedEngine:
    """The engine for a circuit."""
    from neurosim.engines.batched.engine import BatchedEngine

    return BatchedEngine(circuit, config.setting, optimiser)


def limits() -> tuple[Limit, ...]:
    """Limits of the engine."""
    from neurosim.engines.batched.limits import LIMITS

    return LIMITS
