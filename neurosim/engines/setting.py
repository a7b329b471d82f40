"""How a circuit is run: level of description, time step, precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neurosim.border import FLAG, LEVEL, PRECISION, TIME, check_fields, optional
from neurosim.border.arguments import POSITIVE

Level = Literal["steady", "rate", "spiking"]
Precision = Literal["float32", "float64"]


@dataclass(frozen=True)
class Setting:
    """How a circuit is run.

    Attributes
    ----------
    level
        ``steady`` (every unit at its fixed point) or ``rate`` / ``spiking`` (in time).
    dt
        Time step: a number of seconds, or a quantity; unused at the steady level.
    dtype
        Precision.
    surrogate_width
        If given, spikes are differentiable: the derivative of a spike with respect to the distance ``m`` of
        the potential from threshold is taken to be ``1/(1 + abs(m)/surrogate_width)**2`` divided by the width
        (Zenke & Ganguli 2018, Neural Computation 30:1514), in the potential's SI unit. Trajectories are the
        same with and without. Where the threshold compares with a random number, the derivative is that of the
        spike's probability instead.
    surrogate_reset
        Whether that derivative also goes through what resets assign (``v = v_reset``), or take from a variable that
        the threshold reads (``v -= v_th``); what they increment (``r += 1``) always carries it. Through the
        assignment every spike multiplies the gradient by about ``1 - v_th/surrogate_width``, which is neither small
        nor what a reset does to the expected loss.

    Examples
    --------
    >>> Setting(level="steady").steady
    True
    """

    level: Level = "rate"
    dt: float = 1e-3
    dtype: Precision = "float32"
    surrogate_width: float | None = None
    surrogate_reset: bool = False

    def __post_init__(self) -> None:
        check_fields(
            self,
            level=LEVEL,
            dt=TIME,
            dtype=PRECISION,
            surrogate_width=optional(POSITIVE),
            surrogate_reset=FLAG,
        )

    @property
    def steady(self) -> bool:
        """Whether there is no time."""
        return self.level == "steady"
