"""The one door for automatic differentiation: a presentation as a pure function of arrays.

What differentiates, or presents trials many times within one program, is a function of arrays that calls a
`Differentiable`, and that `compiled` compiles. Weights, perturbations, stimuli and keys of noise are arguments of that
function, so JAX's transformations (``grad``, ``jvp``, ``vjp``, ``vmap``, ``scan``) apply to each of them. Nothing
outside this folder knows how an engine presents trials.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp

from neurosim.circuit.circuit import Circuit
from neurosim.engines.arguments import trials_in
from neurosim.engines.batched.batch import Arrays as Arrays
from neurosim.engines.batched.batch import Batch, Request
from neurosim.engines.batched.batch import Outcome as Outcome
from neurosim.engines.batched.batch import pytree as pytree
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.batched.forward_mode import forward_gradient as forward_gradient
from neurosim.engines.batched.host.program import program
from neurosim.engines.batched.presentation import present
from neurosim.engines.batched.probes import NO_PROBES, zeros
from neurosim.engines.batched.probes import Probes as Probes
from neurosim.engines.batched.probes import sent_by as sent_by
from neurosim.engines.batched.transmissions import by_transmissions as by_transmissions
from neurosim.engines.batched.transmissions import in_full as in_full
from neurosim.engines.noise import noise_keys
from neurosim.engines.records import records_in
from neurosim.engines.setting import Setting
from neurosim.engines.stimuli import stimuli_in

#: Compiles a function. Positional arguments are arrays; keyword arguments are static, and each choice of them makes a
#: program of its own.
compiled = program()


@pytree
@dataclass(frozen=True)
class GivenArrays:
    """The arrays of a presentation, on the device.

    Attributes
    ----------
    values
        The state, see `neurosim.engines.state`.
    stimuli
        Those that stay, ``population.variable -> (trial, n)``.
    courses
        Those that change, ``population.variable -> (step, trial, n)``.
    keys
        Of `noise_keys`.
    """

    values: Arrays
    stimuli: Arrays
    courses: Arrays
    keys: Mapping[str, Any]

    @property
    def trials(self) -> int:
        """How many trials the stimuli have."""
        arrays = (*self.stimuli.values(), *self.courses.values())
        return next((jnp.shape(array)[-2] for array in arrays if jnp.ndim(array) >= 2), 1)

    def without(self, names: Iterable[str]) -> tuple[Arrays, GivenArrays]:
        """Some variables of the state, such as weights to differentiate with respect to, and all the rest."""
        kept = dict(self.values)
        return {name: kept.pop(name) for name in names}, replace(self, values=kept)


@dataclass(frozen=True)
class Differentiable:
    """A part of a circuit as a pure function. Hashable, so that compiled programs take it as a static argument.

    Attributes
    ----------
    circuit, setting
        What to run and how.
    report
        Variables wanted at the end of each phase.
    phases
        Names of the phases to run instead of all.
    learn
        Whether rules act, whose increments are then among the results.
    record
        Variables wanted at every step, for gradients through time.
    lean
        Whether no step keeps what belongs to single synapses, for gradients through many steps.
    """

    circuit: Circuit
    setting: Setting
    report: tuple[str, ...] = ()
    phases: tuple[str, ...] | None = None
    learn: bool = False
    record: tuple[str, ...] = ()
    lean: bool = False

    @classmethod
    def until(cls, circuit: Circuit, setting: Setting, phase: str, *report: str) -> Differentiable:
        """A presentation from its beginning to the end of a phase, without learning, and what is wanted there."""
        names = [one.name for one in circuit.phases]
        return cls(circuit, setting, report, tuple(names[: names.index(phase) + 1]))

    @property
    def engine(self) -> BatchedEngine:
        """The engine that brings arrays to the device, and knows the precision in which programs have to be called."""
        return BatchedEngine(self.circuit, self.setting)

    def given(self, state: Mapping[str, Any], stimuli: Mapping[str, Any], *, seed: int = 0) -> GivenArrays:
        """State and stimuli, as for `BatchedEngine.run`, in the setting's precision; call it within that."""
        place, each = self.engine.array, stimuli_in(stimuli)
        return GivenArrays(
            {name: place(array) for name, array in state.items()},
            {name: place(stimulus.values) for name, stimulus in each.items() if not stimulus.changes},
            {name: jnp.asarray(self.engine.course(stimulus)) for name, stimulus in each.items() if stimulus.changes},
            noise_keys(self.circuit, seed),
        )

    def present(
        self,
        given: GivenArrays,
        *,
        values: Mapping[str, Any] | None = None,
        perturbations: Mapping[str, Any] | None = None,
        presentations: Any = None,
        probes: Probes = NO_PROBES,
        begin: Any = 0,
    ) -> Outcome:
        """Present all trials once.

        Parameters
        ----------
        values
            Variables of the state to use beside, or in place of, those that are given.
        perturbations
            ``population.variable -> (trial, n)``, added to the variable throughout.
        presentations
            Running numbers of the trials' presentations, shape (trial,), by which noise is drawn; from 0 on if there
            are none.
        probes
            Arrays added at each step, and pathways cut by them.
        begin
            The number of the first step, if an earlier part of the presentation was another call.
        """
        numbers = jnp.arange(given.trials, dtype=jnp.uint32) if presentations is None else presentations
        batch = Batch(
            {**given.values, **(values or {})},
            given.stimuli,
            given.keys,
            numbers,
            courses=given.courses,
            perturbations=dict(perturbations or {}),
            probes=probes,
            begin=begin,
        )
        request = Request(
            self.circuit,
            self.setting,
            report=self.report,
            record=records_in(self.circuit, self.record),
            learn=self.learn,
            phases=self.phases,
            differentiated=self.lean,
        )
        return present(request, batch)

    def ends(self, given: GivenArrays, **changed: Any) -> tuple[Any, ...]:
        """The variables of `report` at the end of the last phase, ``(trial, n)`` each; arguments as of `present`."""
        last = self.phases[-1] if self.phases else self.circuit.phases[-1].name
        ends = self.present(given, **changed).ends[last]
        return tuple(ends[name] for name in self.report)

    @property
    def steps(self) -> int:
        """How many steps its phases have."""
        run = (each for each in self.circuit.phases if self.phases is None or each.name in self.phases)
        return sum(phase.steps(self.setting.dt) for phase in run)

    def probes(
        self,
        given: GivenArrays,
        *,
        added: Iterable[str] = (),
        received: Iterable[str] = (),
        cut: Iterable[str] = (),
    ) -> Probes:
        """Probes of zero, at which to differentiate; see `Probes`."""

        def nothing(names: Iterable[str]) -> Arrays:
            sizes = {name: self.circuit.population[name.split(".")[0]].size for name in names}
            return {name: jnp.zeros((self.steps, given.trials, n), self.setting.dtype) for name, n in sizes.items()}

        through = zeros(self.circuit, cut, self.steps, given.trials, self.setting.dtype)
        return Probes(nothing(added), nothing(received), through)

    def nothing(self, given: GivenArrays, variables: Iterable[str]) -> Arrays:
        """Perturbations of zero, at which to differentiate, one of each trial and neuron."""
        sizes = {name: self.circuit.population[name.split(".")[0]].size for name in variables}
        return {name: jnp.zeros((given.trials, size), self.setting.dtype) for name, size in sizes.items()}


def trials_of(stimuli: Mapping[str, Any]) -> int:
    """How many trials there are in stimuli as an engine is given them."""
    return trials_in(stimuli_in(stimuli))
