"""Brian: Brian2 itself runs one trial after the other, at the levels rate and spiking."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from neurosim.engines._engine import Call, EngineConfig, Limit, refuse
from neurosim.engines.optimiser import PLAIN, Optimiser
from neurosim.engines.setting import Level

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit
    from neurosim.engines.brian.engine import BrianEngine


class Config(EngineConfig):
    """Settings of Brian2's engine.

    Attributes
    ----------
    target
        Brian2's code generation target; ``numpy`` if left out.
    """

    levels: ClassVar[tuple[Level, ...]] = ("rate", "spiking")

    target: Literal["numpy", "cython", "cpp_standalone"] | None = None


def build(config: Config, circuit: Circuit, optimiser: Optimiser = PLAIN) -> BrianEngine:
    """The engine for a circuit.

    Raises
    ------
    ConfigError
        For an optimiser other than plain steps.
    """
    from neurosim.engines.brian.engine import BrianEngine

    engine = BrianEngine(circuit, config.setting, config.target or "numpy")
    refuse(limit for limit in engine.refuses(Call(optimiser=optimiser)) if limit.part == "optimiser")
    return engine


def limits() -> tuple[Limit, ...]:
    """Limits of the engine."""
    from neurosim.engines.brian.limits import LIMITS, STANDALONE

    return (*LIMITS, *STANDALONE)
