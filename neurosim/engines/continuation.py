"""Where a presentation stands that is run piece by piece: all that the rest of it needs for the same bits.

Nothing is in flight between two time steps but what is here: a spike acts on its targets within its own step, and what
it leaves behind is a variable of a neuron.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Continuation:
    """The state between two time steps of a presentation.

    Attributes
    ----------
    step
        How many steps are done.
    neurons
        State variables of neurons, ``population.variable -> (trial, n)``.
    since_spike
        Of populations that are refractory after a spike: ``population -> (trial, n)``, the time steps since each
        neuron's last spike; very many, if it has not spiked.
    not_refractory
        Of the same populations, whether each neuron may spike: ``population -> (trial, n)``.
    random
        On Brian2, the state of the generator of continuous noise, of each trial. The batched engine needs none: its
        noise is a function of seed, trial and step.
    """

    step: int
    neurons: dict[str, np.ndarray] = field(default_factory=dict)
    since_spike: dict[str, np.ndarray] = field(default_factory=dict)
    not_refractory: dict[str, np.ndarray] = field(default_factory=dict)
    random: list[dict[str, np.ndarray]] = field(default_factory=list)
