"""Texts of the leaky rate neuron that can be left out of a presentation; `leaky_rate` says what it is.

Rate and slope are multiplied with ``share``: nothing below a quantile of the neuron's lot, and the more above.
"""

from __future__ import annotations

from statistics import NormalDist

#: The rate and its slope in place of those of the plain neuron.
RATE, SLOPE = "({rate})*share", "({slope})*share"
#: Added to the neuron's text; without a lot, as in evaluation, every neuron takes part.
SHARE = """
    share = 1 + int(abs(lot) > 0)*(int(lot > {least})/{kept} - 1) : 1
    lot : 1
"""


def share(dropout: float) -> str:
    """`SHARE` for the chance to be left out."""
    return SHARE.format(least=repr(NormalDist().inv_cdf(dropout)), kept=repr(1 - dropout))
