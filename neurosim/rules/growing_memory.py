"""Learned feedback without a rate: normalised LMS whose steps shrink as presentations add up.

The step of the k-th batch is ``patience/(patience + k)`` of what would cancel the error at once, as in stochastic
approximation (Robbins & Monro 1951, Annals of Mathematical Statistics 22:400): large while the weights, which start at
zero, say nothing, and ever smaller, so that noise averages out. What is remembered grows with time, unless a share
``forgetting`` of it is lost with each batch, for weights that have to follow others that move. The step is divided by
the power of the sender's error (``power_held``), a sum over the presynaptic population, so that it has no scale: every
trial counts alike, be its error large or small, and no layer can push the next beyond its limit (Haykin 2002, Adaptive
Filter Theory, chapter 6).
"""

from neurosim.rules._rule import Rule

RULE = Rule(
    """
    w += patience/(patience + seen)*(estimate_post - signal_held_post)*delta_held_pre/(power_held_pre + smallest)
    seen += 1 - forgetting*seen
    """,
    variables="seen : 1",
    parameters={"patience": 10.0, "forgetting": 0.0, "smallest": 1e-6},
    reads=("population",),
    name="growing_memory",
)
