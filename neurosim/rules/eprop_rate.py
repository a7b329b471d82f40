"""E-prop of rate neurons with a leaky potential: learning signal times slope times filtered presynaptic rate.

The filter is that of the postsynaptic potential. It needs no trace in the synapse: exactly the truncated gradient of
Bellec et al. (2020), Nature Communications 11:3625, factorised.
"""

from neurosim.rules._eligibility import eprop

RULE = eprop("rate", name="eprop_rate")
