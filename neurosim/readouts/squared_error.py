"""Half the squared distance between output and target."""

from neurosim.readouts._readout import Readout

READOUT = Readout(
    error="y - target",
    loss="0.5*(y - target)**2",
    # A difference of squares, factored.
    change="(y - y_held)*(error_held + 0.5*(y - y_held))",
    held={"y": "y", "error": "error"},
    name="squared_error",
)
