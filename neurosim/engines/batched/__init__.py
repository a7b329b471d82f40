"""The batched engine: JAX on many trials at once."""

# Before any module here, or one that measures gradients, imports JAX: that way its import leaves the process as it was.
from neurosim.imports import process_as_it_was

with process_as_it_was():
    import jax as jax
