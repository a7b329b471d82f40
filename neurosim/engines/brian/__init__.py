# Before any module here imports Brian2: that way its import leaves the process as it was.
from neurosim.equations import brian as brian
