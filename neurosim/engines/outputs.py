"""The results of running a circuit, besides its new state."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurosim.engines.finite import Broken
from neurosim.engines.slots import Continuation


@dataclass
class Outputs:
    """Results of a run, the same on both engines.

    Attributes
    ----------
    ends
        ``phase -> variable -> (trial, neuron)`` for the variables reported at the phases' ends; broadcast
        scalars have one column.
    recordings
        ``text -> (sample, trial, place)``, at the beginning of each step that has a sample; spikes are boolean. Places
        are neurons or synapses, or one for their sum.
    end
        Where the presentation stands, if that was asked for.
    broken
        The first variable that stopped being finite, if that was watched and any did.
    broken_batch
        In training, the first variable that was not finite when a phase ended, and the number of its batch in the call.
    """

    ends: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    recordings: dict[str, np.ndarray] = field(default_factory=dict)
    end: Continuation | None = None
    broken: Broken | None = None
    broken_batch: tuple[str, int] | None = None
