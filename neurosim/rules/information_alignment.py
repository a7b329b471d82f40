"""Information alignment: the feedback reconstructs the activity below from that above, and its weights decay.

The gradient of an autoencoder's decoder with L2 penalty: Hebbian in the activity below, anti-Hebbian in what the
feedback delivers, which bounds it. Kunin et al. (2020), ICML.
"""

from neurosim.rules._primitives import combined

RULE = combined("information_alignment", "amp", "null", "decay")
