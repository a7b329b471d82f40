"""What a probe finds, and how it tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray

#: Told how many steps are done and how many there are at most.
OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class Findings:
    """What a probe finds.

    Attributes
    ----------
    numbers
        By name; of one layer as ``hidden1.cosine``. Not a number where something was not reached.
    curves
        What the numbers were taken from, labelled.
    """

    numbers: Mapping[str, float]
    curves: xarray.Dataset | None = None
