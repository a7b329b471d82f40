"""Node perturbation of an episode: the sum of noise times presynaptic rate, times the change of the whole loss.

Fiete & Seung (2006), Physical Review Letters 97:048104. The trace is that of `integral_reward`, the reward that of the
end of the presentation.
"""

from neurosim.rules._exploring import exploring

RULE = exploring("episodic", "noise", name="episode_reward")
