"""True gradients by automatic differentiation, and how far from them what feedback delivers is."""

# First, because it imports JAX so that the process stays as it was.
from neurosim.engines import batched as batched
