"""Node perturbation without access to the noise: the cube of the potential's deviation times the rate before it.

Miconi (2017), eLife 6:e20899. The trace adds up cubes, so that what is large (an effect of noise) outweighs what is
small and frequent (the potential's own course). The change of the whole loss counts times the loss expected.
"""

from neurosim.rules._exploring import exploring

RULE = exploring("episodic", "cubed_deviation", pre="r_before", scaled=True, name="cubed_reward")
