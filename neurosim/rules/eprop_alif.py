"""E-prop of adaptive leaky integrate-and-fire neurons: as without adaptation, with a slow trace of the threshold.

Bellec et al. (2020), Nature Communications 11:3625.
"""

from neurosim.rules._eligibility import eprop

RULE = eprop("alif", readout="kept", name="eprop_alif")
