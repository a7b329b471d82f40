"""Quantities as settings: text whose unit is checked where it is written."""

from __future__ import annotations

from neurosim.errors import UnitError
from neurosim.units._text import parse_quantity


class QuantitySetting:
    """Checks the unit of a setting, and where there has to be one, the sign.

    Parameters
    ----------
    unit
        Of the same dimension.
    positive
        Whether it has to be above zero.
    signed
        Whether it may be below zero.
    """

    def __init__(self, unit: str, *, positive: bool = False, signed: bool = True) -> None:
        self.unit, self.positive, self.signed = unit, positive, signed

    def __call__(self, text: str) -> str:
        """Return the text.

        Raises
        ------
        UnitError
            Another unit or sign.
        """
        value = parse_quantity(text, self.unit)
        if value <= 0 and self.positive:
            raise UnitError(f"'{text}' is not allowed; expected a positive quantity in {self.unit}")
        if value < 0 and not self.signed:
            raise UnitError(f"'{text}' is not allowed; expected a quantity in {self.unit} that is not negative")
        return text
