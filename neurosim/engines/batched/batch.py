"""A batch of trials: what is asked of its presentation, the arrays that it takes, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import jax.numpy as jnp

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase
from neurosim.engines.batched.probes import NO_PROBES, Probes
from neurosim.engines.batched.pytrees import pytree as pytree
from neurosim.engines.records import Record
from neurosim.engines.setting import Setting

Arrays = dict[str, Any]
#: How variables that are not finite are noted: at the ends of phases, or by their first step.
Watch = Literal["", "ends", "steps"]


@dataclass(frozen=True)
class Request:
    """The phases of a presentation to run, and the results to return. Hashable: each makes a program of its own.

    Attributes
    ----------
    circuit, setting
        What to run and how.
    report
        Variables wanted at the end of each phase.
    record
        What is recorded within the run.
    learn
        Whether rules act, or the pathways whose rules do.
    phases
        Names of the phases to run instead of all.
    watch
        What to note of variables that are not finite.
    sparse
        Courses that are mostly zero.
    own_weights
        Whether each trial is a network of its own.
    unfinished
        Whether the presentation goes on in another call, so that rules at the ends of phases do not act yet.
    resumed
        Whether an earlier part of it was another call, so that rules before the first phase have acted.
    differentiated
        Whether derivatives go through it: then no step keeps what belongs to single synapses, as all of them would.
    """

    circuit: Circuit
    setting: Setting
    report: tuple[str, ...] = ()
    record: tuple[Record, ...] = ()
    learn: bool | frozenset[str] = True
    phases: tuple[str, ...] | None = None
    watch: Watch = ""
    sparse: tuple[str, ...] = ()
    own_weights: bool = False
    unfinished: bool = False
    resumed: bool = False
    differentiated: bool = False

    @property
    def wanted(self) -> set[str]:
        """The variables that are reported or recorded."""
        return {*self.report, *(one.name for one in self.record)}

    @property
    def run(self) -> tuple[Phase, ...]:
        """The phases that run, in their order."""
        return tuple(phase for phase in self.circuit.phases if self.phases is None or phase.name in self.phases)


@pytree
@dataclass(frozen=True)
class Batch:
    """The arrays of one presentation of all trials.

    Attributes
    ----------
    values
        The state, see `neurosim.engines.state`.
    stimuli
        Those that stay, ``population.variable -> (trial, n)``.
    courses
        Those that change, ``population.variable -> (step, trial, n)``: steps first, as the loop over time reads them.
    keys
        Of `noise_keys`.
    presentations
        Running numbers of the trials' presentations, shape (trial,).
    noise
        Held noise to use instead of drawing it: ``phase -> population.variable -> (trial, n)``, and
        ``pathway.noise -> (trial, n_post, n_pre)``.
    perturbations
        Arrays added to named variables throughout.
    probes
        Arrays added at each step, and pathways cut by them.
    left
        Pathway -> what noise of this batch's update leaves on its weights, where its rule acts at the beginning.
    begin
        The number of the first step, if an earlier part of the presentation was another call.
    row
        The first trial of courses that have more trials than are presented.
    """

    values: Arrays
    stimuli: Arrays
    keys: Mapping[str, Any]
    presentations: Any
    courses: Arrays = field(default_factory=dict)
    noise: Mapping[str, Arrays] = field(default_factory=dict)
    perturbations: Arrays = field(default_factory=dict)
    probes: Probes = NO_PROBES
    left: Arrays = field(default_factory=dict)
    begin: Any = 0
    row: Any = None

    @property
    def trials(self) -> int:
        """How many trials are presented."""
        return jnp.shape(self.presentations)[0]


@pytree
@dataclass
class Outcome:
    """The results of a presentation.

    Attributes
    ----------
    ends
        ``phase -> variable -> array`` for the variables asked for at the phases' ends.
    changes
        Increments of learned variables, to be added to the state.
    stepped
        Of those that change within steps, what the steps have made of them: to go on from there without rounding.
    final
        The slots of all trials at the end, ``(trial, n)``, for traces of synapses ``(trial, n_post, n_pre)``.
    recordings
        ``(sample, trial, place)`` by text; of what has no sample at every step, one such array for each phase.
    steps
        How many each phase made, where there is time.
    broken
        Of live variables, whether they were not finite when a phase ended, or at which step first, if that was watched:
        what is not finite stays so until the neurons begin anew.
    """

    ends: dict[str, Arrays] = field(default_factory=dict)
    changes: Arrays = field(default_factory=dict)
    stepped: Arrays = field(default_factory=dict)
    final: Arrays = field(default_factory=dict)
    recordings: Arrays = field(default_factory=dict)
    steps: Arrays = field(default_factory=dict)
    broken: Arrays = field(default_factory=dict)

    def add(self, increments: Mapping[str, Any]) -> None:
        """Add increments of learned variables."""
        for name, change in increments.items():
            self.changes[name] = self.changes[name] + change if name in self.changes else change
