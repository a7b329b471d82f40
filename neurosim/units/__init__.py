"""Quantities with units as text, and as numbers in SI units, with which everything else computes.

No other package handles Brian2's ``Quantity``. Brian2 itself is not imported, so that a mistyped quantity is reported
at once.
"""

from neurosim.units._arrays import array_in_si as array_in_si
from neurosim.units._text import KINDS as KINDS
from neurosim.units._text import UNIT_VALUES as UNIT_VALUES
from neurosim.units._text import UNITS as UNITS
from neurosim.units._text import base_unit as base_unit
from neurosim.units._text import dimension_text as dimension_text
from neurosim.units._text import fits_kind as fits_kind
from neurosim.units._text import format_quantity as format_quantity
from neurosim.units._text import is_quantity as is_quantity
from neurosim.units._text import parse_quantity as parse_quantity
from neurosim.units._text import unit_dimensions as unit_dimensions
