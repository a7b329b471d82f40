"""Sign symmetry (not local): each feedback weight keeps its magnitude and takes the sign of the reciprocal weight.

Liao, Leibo & Poggio (2016), AAAI; Xiao, Chen, Liao & Poggio (2019), ICLR. Magnitudes are those of the initial weights:
all equal, or random. The sign is that of one update ago.
"""

from neurosim.rules._rule import Rule

RULE = Rule("w += abs(w)*sign(w_reciprocal) - w", reads=("reciprocal",), name="sign_symmetry")
