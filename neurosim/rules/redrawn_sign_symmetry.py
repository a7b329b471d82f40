"""Sign symmetry (not local) with a magnitude that is drawn anew in each batch, as that of a normal number.

Liao, Leibo & Poggio (2016), AAAI, "batchwise random magnitude". The sign is that of one update ago.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w += scale*abs(update_noise)*sign(w_reciprocal) - w",
    parameters={"scale": None},
    reads=("reciprocal",),
    name="redrawn_sign_symmetry",
)
