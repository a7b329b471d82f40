"""NumPy: the level steady in plain arrays and double precision, written to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from neurosim.engines._engine import Call, EngineConfig, Limit, refuse
from neurosim.engines.optimiser import PLAIN, Optimiser
from neurosim.engines.setting import Level, Precision

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit
    from neurosim.engines.plain.engine import NumpyEngine


class Config(EngineConfig):
    """Settings of the engine of plain arrays; there is one level and one precision."""

    levels: ClassVar[tuple[Level, ...]] = ("steady",)

    level: Level = "steady"
    dtype: Precision = "float64"


def build(config: Config, circuit: Circuit, optimiser: Optimiser = PLAIN) -> NumpyEngine:
    """The engine for a circuit.

    Raises
    ------
    ConfigError
        For an optimiser other than plain steps.
    EngineError
        For single precision.
    """
    from neurosim.engines.plain.engine import NumpyEngine

    engine = NumpyEngine(circuit, config.setting)
    refuse(limit for limit in engine.refuses(Call(optimiser=optimiser)) if limit.part == "optimiser")
    return engine


def limits() -> tuple[Limit, ...]:
    """Limits of the engine."""
    from neurosim.engines.plain.limits import LIMITS

    return LIMITS
