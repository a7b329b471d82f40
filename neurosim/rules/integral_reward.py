"""Node perturbation over time: noise of the neuron behind times presynaptic rate, times later changes of the loss.

The trace adds up, step by step, the products of noise (``factor``, over its variance) and rate, and keeps of it the
share ``keep`` in each step; at 1 the mean of the update over the noise is the gradient through time. Fiete & Seung
(2006), Physical Review Letters 97:048104, with the loss as it comes.
"""

from neurosim.rules._exploring import exploring

RULE = exploring("running", "noise", name="integral_reward")
