"""Types for the settings of neurons: quantities as text, with their units checked where they are written."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from neurosim.errors import UnitError
from neurosim.units import parse_quantity


class _Quantity:
    """Checks the unit, and where there has to be one, the sign."""

    def __init__(self, unit: str, *, positive: bool = False) -> None:
        self.unit, self.positive = unit, positive

    def __call__(self, text: str) -> str:
        if parse_quantity(text, self.unit) <= 0 and self.positive:
            raise UnitError(f"'{text}' is not allowed; expected a positive quantity in {self.unit}")
        return text


def _kind(unit: str, *, positive: bool = False) -> AfterValidator:
    return AfterValidator(_Quantity(unit, positive=positive))


TimeConstant = Annotated[str, _kind("second", positive=True)]
Rate = Annotated[str, _kind("1/second")]
Potential = Annotated[str, _kind("volt")]
Slope = Annotated[str, _kind("volt", positive=True)]
PotentialRate = Annotated[str, _kind("volt/second")]
Current = Annotated[str, _kind("amp")]
Capacitance = Annotated[str, _kind("farad", positive=True)]
Conductance = Annotated[str, _kind("siemens")]
CurrentDensity = Annotated[str, _kind("amp/metre**2")]
CapacitanceDensity = Annotated[str, _kind("farad/metre**2", positive=True)]
ConductanceDensity = Annotated[str, _kind("siemens/metre**2")]
