"""Types for the settings of neurons: quantities as text, with their units checked where they are written."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from neurosim.units._settings import QuantitySetting


def _kind(unit: str, *, positive: bool = False) -> AfterValidator:
    return AfterValidator(QuantitySetting(unit, positive=positive))


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
