"""How a circuit is run: level of description, time step, precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

@dataclass(frozen=True)
class Setting:
    """How a circuit is run.

    Attributes
    ----------
    level
        ``steady`` (every unit at its fixed point) or ``rate`` / ``spiking`` (in time).
    dt
        Time step in seconds; unused at the steady level.
    """

    level: Literal["steady", "rate", "spiking"] = "rate"
    dt: float = 1e-3
    dtype: Literal["float32", "float64"] = "float32"

    @property
    def steady(self) -> bool:
        """Whether there is no time."""
        return self.level == "steady"
