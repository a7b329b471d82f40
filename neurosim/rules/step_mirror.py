"""Weight mirror in continuous time: noise of the postsynaptic neuron times the response of the presynaptic one.

The primitives ``amp`` and ``decay`` at every step. ``factor`` is what the postsynaptic neuron shows of its own noise,
``response`` how far the presynaptic one is from its running mean, so that chance coincidences of their means are left
out. Akrout, Wilson, Humphreys, Lillicrap & Tweed (2019), NeurIPS; in continuous time and with noise that never stops,
Max, Kriener, Pineda Garcia, Nowotny, Senn & Petrovici (2024), Nature Machine Intelligence.
"""

from neurosim.rules._rule import Rule

# learning_rate is per second.
RULE = Rule(
    "w += dt*learning_rate*(c_amp*factor_post*response_pre - c_decay*w)",
    parameters={"learning_rate": None, "c_amp": None, "c_decay": None},
    timing="step",
    name="step_mirror",
)
