"""Delta rule over time: postsynaptic error times presynaptic rate, summed over the steps of a presentation."""

from neurosim.rules._eligibility import readout_delta

RULE = readout_delta()
