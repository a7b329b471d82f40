"""Kolen-Pollack over time: the feedback weight takes the same steps as the readout weight beside it.

Kolen & Pollack (1994), IEEE ICNN; in time, the adaptive feedback of Bellec et al. (2020), Nature Communications
11:3625. Both decay by the rule `decay`.
"""

from neurosim.rules._eligibility import feedback_delta

RULE = feedback_delta()
