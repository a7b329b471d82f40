"""Cross-entropy of each output by itself, with its logistic function as the probability of a one.

The output read is the potential before the logistic function: with `leaky_rate`, ``readout = "potential"`` or
``activation = "identity"``.
"""

from neurosim.readouts._readout import Readout


def _logistic(y: str) -> str:
    """Small probabilities keep their digits, and nothing overflows."""
    return f"exp(-0.5*(abs({y}) - {y}))/(1 + exp(-abs({y})))"


def _growth(y: str, change: str) -> str:
    """The change of ``log(1 + exp(y))`` for a change of `y`, without a difference of two large numbers.

    It is ``log(1 + g)`` with ``g`` the probability times ``exp(change) - 1``; where that comes near minus one, the same
    is said of ``y + log(1 + exp(-y))``.
    """
    grown = f"{_logistic(y)}*expm1(clip({change}, -80, 80))"
    other = f"{_logistic(f'(-{y})')}*expm1(clip(-({change}), -80, 80))"
    small = f"int({grown} > -0.5)"
    return f"(log1p({small}*{grown}) + (1 - {small})*({change} + log1p((1 - {small})*{other})))"


READOUT = Readout(
    error="0.5 + 0.5*tanh(0.5*y) - target",
    loss="log1p(exp(-abs(y))) + 0.5*(y + abs(y)) - target*y",
    change=f"(1 - target)*{_growth('y_held', '(y - y_held)')} + target*{_growth('(-y_held)', '(y_held - y)')}",
    held={"y": "y"},
    targets="probabilities",
    name="sigmoid_cross_entropy",
)
