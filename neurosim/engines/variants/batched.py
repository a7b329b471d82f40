"""Batched: JAX runs all trials of a batch at once, compiled, at every level."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from neurosim.engines._engine import EngineConfig, Limit
from neurosim.engines.optimiser import PLAIN, Optimiser
from neurosim.engines.setting import Setting

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit
    from neurosim.engines.batched.engine import BatchedEngine


class Config(EngineConfig):
    """Settings of the batched engine, besides those of all engines.

    Attributes
    ----------
    surrogate_reset
        Whether gradients through spikes also go through resets, see `neurosim.engines.setting.Setting`.
    """

    optimises: ClassVar[bool] = True

    surrogate_reset: bool = Field(default=False, exclude_if=operator.not_)

    @property
    def setting(self) -> Setting:
        """See `EngineConfig.setting`."""
        return replace(super().setting, surrogate_reset=self.surrogate_reset)


def build(config: Config, circuit: Circuit, optimiser: Optimiser = PLAIN) -> BatchedEngine:
    """The engine for a circuit."""
    from neurosim.engines.batched.engine import BatchedEngine

    return BatchedEngine(circuit, config.setting, optimiser)


def limits() -> tuple[Limit, ...]:
    """Limits of the engine."""
    from neurosim.engines.batched.limits import LIMITS

    return LIMITS
