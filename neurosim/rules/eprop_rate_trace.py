"""E-prop of rate neurons whose own state filters slope times rate, or each in its own way: with a trace in the synapse.

With the leak on the rate it is the rule of Murray (2019), eLife 8:e43299 (RFLO).
"""

from neurosim.rules._eligibility import eprop

RULE = eprop("rate_trace", name="eprop_rate_trace")
