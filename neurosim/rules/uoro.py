"""Unbiased online recurrent optimisation: one sample of how all weights have moved all states, of rank one.

Tallec & Ollivier (2017), arXiv:1702.05043. The synapse's trace ``sample`` times the influence that neurons carry is, in
the mean over the coins, the influence of each weight on each state. The network tells the synapse what that influence
does to the loss (``credit``), and the two factors that keep both of one size.
"""

from neurosim.rules._sampled_influence import sampled_influence

RULE = sampled_influence(name="uoro")
