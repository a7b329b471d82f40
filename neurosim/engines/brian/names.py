"""Names of Brian2 variables that a circuit does not name, and the order of operations within a step."""

from __future__ import annotations

#: Summed inputs come first within a step, in the order of the circuit's graph; monitors between them and
#: the state update (order 0), so that they see a consistent instant.
FIRST, MONITOR = -1_000_000, -10
SIDES = ("pre", "post")
# Users' own names have no two underscores.
#: Switches a rule that acts at every step.
LEARNING = "is__learning"
#: Noise on weights.
NOISE, SIGMA, SWITCH = "w__noise", "w__sigma", "w__perturb"
#: Name of the weights of a pathway that delivers by others than its own.
DERIVED = "w__derived"
#: How many synapses share the weight of one.
SHARING = "w__sharing"
#: When courses begin.
COURSE_BEGIN = "course__begin"
#: The step at which a presentation begins, where others came before it in the same run.
BEGUN = "presentation__begun"
#: Whether a neuron spikes in this time step, where a rule asks.
SPIKING = "spiking__now"


def synaptic(variable: str) -> str:
    """Name of a synaptic variable in Brian2, which neither population may have."""
    return f"{variable}__here"


def change_of(variable: str) -> str:
    """Name of the increment of a synaptic variable that is collected over a batch."""
    return f"change__{variable}"


def step_of(variable: str) -> str:
    """Name of the increment of a synaptic variable in a step."""
    return f"step__{variable}"


def late_name(variable: str, pathway: str) -> str:
    """Name of a variable as a delayed pathway reads it."""
    return f"{variable}__late__{pathway}"


def delivered_name(variable: str, pathway: str) -> str:
    """Name of the sum that a pathway delivers to a variable."""
    return f"{variable}__{pathway}"
