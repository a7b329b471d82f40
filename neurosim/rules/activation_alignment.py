"""Activation alignment: the feedback weights, used in reverse, predict the activity above from that below.

Kunin et al. (2020), ICML: the primitives ``amp`` and ``sparse``, with equal coefficients a delta rule. Its error stands
at the presynaptic neuron and needs a pathway that carries the activity up through the feedback weights, which makes the
circuit not local.
"""

from neurosim.rules._primitives import combined

RULE = combined("activation_alignment", "amp", "sparse")
