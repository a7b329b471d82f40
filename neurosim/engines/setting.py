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
    dtype
        Precision.
    surrogate_width
        If given, spikes are differentiable: the derivative of a spike with respect to the distance ``m`` of
        the potential from threshold is taken to be ``1/(1 + abs(m)/surrogate_width)**2`` divided by the width
        (Zenke & Ganguli 2018, Neural Computation 30:1514), in the potential's SI unit. Trajectories are the
        same with and without. Where the threshold compares with a random number, the derivative is that of the
        spike's probability instead.
    surrogate_reset
        Whether that derivative also goes through what resets assign (``v = v_reset``); what they increment
        (``r += 1``) always carries it. Through the assignment every spike multiplies the gradient by about
        ``1 - v_th/surrogate_width``, which is neither small nor what a reset does to the expected loss.

    Examples
    --------
    >>> Setting(level="steady").steady
    True
    """

    level: Literal["steady", "rate", "spiking"] = "rate"
    dt: float = 1e-3
    dtype: Literal["float32", "float64"] = "float32"
    surrogate_width: float | None = None
    surrogate_reset: bool = False

    @property
    def steady(self) -> bool:
        """Whether there is no time."""
        return self.level == "steady"
