"""Figures. Every function takes and returns Axes, and shows nothing."""

from neurosim.plots._style import COLOURS as COLOURS
from neurosim.plots._style import tidy as tidy
