"""What a probe returns: numbers, and curves if there are any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Findings:
    """What a probe measured.

    Attributes
    ----------
    numbers
        Name -> value; under ``probe`` in ``summary.json``.
    curves
        Labelled arrays, with units, for ``metrics.zarr``.
    """

    numbers: Mapping[str, float]
    curves: xarray.Dataset | None = None
