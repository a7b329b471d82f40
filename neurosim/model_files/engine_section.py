"""The [engine] section of a model file: what runs the circuit, and how."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from neurosim.circuit.circuit import Circuit
from neurosim.engines.optimiser import PLAIN, Optimiser
from neurosim.engines.setting import Setting
from neurosim.errors import ConfigError
from neurosim.imports import require_jax
from neurosim.units import parse_quantity


class Config(BaseModel):
    """Settings of the engine.

    Attributes
    ----------
    kind
        ``batched`` (JAX, all trials of a batch at once) or ``brian`` (Brian2, one trial after the other).
    level
        ``steady`` (every unit at its fixed point, ``batched`` only), ``rate`` or ``spiking``.
    dt
        Time step.
    dtype
        Precision.
    target
        Brian2's code generation target, for the engine ``brian``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["batched", "brian"] = "batched"
    level: Literal["steady", "rate", "spiking"] = "rate"
    dt: str = "1 ms"
    dtype: Literal["float32", "float64"] = "float32"
    target: Literal["numpy", "cython", "cpp_standalone"] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Config:
        if self.kind == "brian" and self.level == "steady":
            raise ValueError("got level 'steady' with kind 'brian', expected 'rate' or 'spiking'")
        if self.kind == "batched" and self.target is not None:
            raise ValueError(f"got target '{self.target}' with kind 'batched', expected it with 'brian' only")
        return self

    @property
    def setting(self) -> Setting:
        """The settings in the form that engines take."""
        return Setting(self.level, parse_quantity(self.dt, "second"), self.dtype)


def make_engine(config: Config, circuit: Circuit, optimiser: Optimiser = PLAIN) -> Any:
    """A `BatchedEngine` or `BrianEngine` for a circuit.

    Raises
    ------
    ConfigError
        For an optimiser other than plain steps with ``brian``.
    EngineError
        JAX, which draws the noise of both, has no device.
    """
    require_jax()
    # Late: checking a model imports neither engine.
    if config.kind == "brian":
        from neurosim.engines.brian.engine import BrianEngine

        if optimiser.kind != "sgd":
            raise ConfigError(
                f"training.optimiser.kind: got '{optimiser.kind}' with engine.kind 'brian', expected 'sgd': there the "
                "rules' increments are the steps"
            )
        return BrianEngine(circuit, config.setting, config.target or "numpy")
    from neurosim.engines.batched.engine import BatchedEngine

    return BatchedEngine(circuit, config.setting, optimiser)
