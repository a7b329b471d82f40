"""Symmetric alignment (not local): each feedback weight follows the weight of the synapse in the other direction.

Kunin et al. (2020), ICML: the primitives ``self`` and ``decay``; with equal coefficients B relaxes to W^T.
"""

from neurosim.rules._primitives import combined

RULE = combined("symmetric_alignment", "self", "decay")
