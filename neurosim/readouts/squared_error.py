"""Half the squared distance between output and target."""

from neurosim.readouts._readout import Readout

READOUT = Readout(error="y - target", loss="0.5*(y - target)**2", name="squared_error")
