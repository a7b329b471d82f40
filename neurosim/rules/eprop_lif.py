"""E-prop of leaky integrate-and-fire neurons: pseudo-derivative times filtered spikes, as the readout filters it.

Bellec et al. (2020), Nature Communications 11:3625.
"""

from neurosim.rules._eligibility import eprop

RULE = eprop("lif", readout="kept", name="eprop_lif")
