"""Weight mirror: the feedback weight grows with the product of both activities, and decays.

With noise as the activity below, the product is on average proportional to the forward weight. Akrout, Wilson,
Humphreys, Lillicrap & Tweed (2019), NeurIPS; as a sum of primitives, Kunin et al. (2020), ICML.
"""

from neurosim.rules._primitives import combined

RULE = combined("weight_mirror", "amp", "decay")
