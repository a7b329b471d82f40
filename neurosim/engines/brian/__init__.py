"""The engine that runs circuits on Brian2."""

# Before any module here imports Brian2: that way its import leaves the process as it was.
from neurosim.equations import brian as brian
