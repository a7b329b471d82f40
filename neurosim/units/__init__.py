"""Quantities with units as text, and the plain SI numbers that everything else computes with.

The only package that touches Brian2's ``Quantity``. Brian2 itself is not imported, so that a slip in a quantity is
reported at once.
"""

from neurosim.units._arrays import array_in_si as array_in_si
from neurosim.units._text import UNIT_VALUES as UNIT_VALUES
from neurosim.units._text import UNITS as UNITS
from neurosim.units._text import base_unit as base_unit
from neurosim.units._text import dimension_text as dimension_text
from neurosim.units._text import format_quantity as format_quantity
from neurosim.units._text import is_quantity as is_quantity
from neurosim.units._text import parse_quantity as parse_quantity
from neurosim.units._text import unit_dimensions as unit_dimensions
