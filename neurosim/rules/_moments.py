"""The moments at which a rule can act: one entry here for each value of a rule's `timing`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: The names of all moments, for the types of settings.
Timing = Literal["phase_end", "step", "integral", "presentation"]


@dataclass(frozen=True)
class Moment:
    """When a rule acts, and what it can see then.

    Attributes
    ----------
    name
        The value of a rule's ``timing``.
    phrase, note
        For sentences ("acts ..."), and after the rule's name where a circuit is printed.
    sees_activity
        Whether variables of neurons and what is broadcast have a value.
    within_steps
        Whether it acts in the loop over time steps: the rule may keep traces of a trial. Its learning ends with the
        phase, so that a phase must have a known length.
    sees_spikes
        Whether the spikes of the step have a value.
    averaged
        Whether increments of what is learned are those of trials, to be averaged or summed over a batch; otherwise they
        are made at once.
    optimised
        Whether training's optimiser may turn increments into other steps.
    """

    name: Timing
    phrase: str
    note: str
    sees_activity: bool
    within_steps: bool
    sees_spikes: bool
    averaged: bool
    optimised: bool


#: Once a presentation, before the first phase, from weights alone and with effect at once.
BEGINNING = Moment(
    "presentation",
    phrase="at the beginning of a presentation",
    note=" at the beginning",
    sees_activity=False,
    within_steps=False,
    sees_spikes=False,
    averaged=False,
    optimised=False,
)
#: At each time step of a phase.
STEP = Moment(
    "step",
    phrase="at every step",
    note=" at every step",
    sees_activity=True,
    within_steps=True,
    sees_spikes=True,
    averaged=False,
    optimised=True,
)
#: At each time step of a phase, from all variables as they are when the step begins, with its inputs: one instant.
INTEGRAL = Moment(
    "integral",
    phrase="at every step, summed over the phase",
    note=" over the phase",
    sees_activity=True,
    within_steps=True,
    sees_spikes=False,
    averaged=True,
    optimised=True,
)
#: Once at the end of a phase.
PHASE_END = Moment(
    "phase_end",
    phrase="once a phase",
    note="",
    sees_activity=True,
    within_steps=False,
    sees_spikes=False,
    averaged=True,
    optimised=True,
)

#: By name.
MOMENTS = {moment.name: moment for moment in (STEP, INTEGRAL, PHASE_END, BEGINNING)}
