"""Node perturbation of an episode: the sum of noise times presynaptic rate, times the change of the whole loss.

Fiete & Seung (2006), Physical Review Letters 97:048104. The trace is that of `integral_reward`, the reward that of the
end of the presentation.
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    "w -= learning_rate*total_surprise_post*seen",
    traces="dseen/dt = factor_post*r_pre/dt : 1",
    parameters={"learning_rate": None},
    name="episode_reward",
)
