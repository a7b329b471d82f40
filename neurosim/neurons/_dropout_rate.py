"""Texts of the leaky rate neuron that can be left out of a presentation; `leaky_rate` says what it is.

Rate and slope are multiplied with ``share``: zero below a quantile of the neuron's lot, more than one above.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist

#: Lines added to the neuron's text; without a lot, as in evaluation, every neuron takes part. The names ``least`` (the
#: quantile) and ``kept`` (the chance to take part) are parts, as in `leaky_rate`.
SHARE = """
    share = 1 + int(abs(lot) > 0)*(int(lot > least)/kept - 1) : 1
    lot : 1
"""


def with_share(parts: Mapping[str, str], dropout: float) -> dict[str, str]:
    """The parts of a neuron's text, rate and slope multiplied by its share, with those of `SHARE`.

    Parameters
    ----------
    parts
        ``activation`` and ``derivative`` among them.
    dropout
        The chance to be left out.
    """
    shared = {name: f"({parts[name]})*share" for name in ("activation", "derivative")}
    return {**parts, **shared, "least": repr(NormalDist().inv_cdf(dropout)), "kept": repr(1 - dropout)}
