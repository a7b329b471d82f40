"""Checks of the arguments of these functions; a name means the same in all of them."""

from __future__ import annotations

from neurosim.border import COUNT, FLAG, instance, one_of, optional, whole
from neurosim.border.arguments import ARRAY, NUMBER, POSITIVE, REAL, by_table, several

#: Weights, time constants and steps of control loops. Shapes and ranges are checked where matrices are.
checked_loop = by_table(
    {
        **dict.fromkeys(("w", "b", "mu", "product_eigenvalues", "angle", "targets"), ARRAY),
        **dict.fromkeys(("leak", "tau_u", "tau_x"), REAL),
        "dt": optional(REAL),
        "ws": several(ARRAY),
        "stages": COUNT,
        "order": one_of("controller_first", "together"),
        "form": one_of("auto", "left", "right"),
        "least_squares": FLAG,
        **dict.fromkeys(("rate", "margin"), NUMBER),
        **dict.fromkeys(("steps_min", "steps_max"), whole(0)),
    }
)
#: Coefficients of rules for feedback weights, and what they see.
checked_feedback = by_table(
    {
        **dict.fromkeys(("cross", "power", "covariance", "start"), ARRAY),
        **dict.fromkeys(("amp", "decay", "null", "sparse", "variance", "slope", "sigma", "learning_rate"), NUMBER),
        **dict.fromkeys(("samples", "tau_noise", "tau_m", "contraction"), POSITIVE),
        "delay": NUMBER,
        "inputs": COUNT,
    }
)
#: Populations of spiking neurons that carry a number.
checked_code = by_table(
    {
        "neurons": whole(1),
        "rate": ARRAY,
        "tau": POSITIVE,
        "rates": instance(tuple, list),
        "thresholds": instance(tuple, list),
    }
)
