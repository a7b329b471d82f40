"""A simulation piece by piece, on either engine."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.moments import waits
from neurosim.engines._engine import Engine
from neurosim.engines.progress import telling
from neurosim.engines.records import Record
from neurosim.engines.setting import Setting
from neurosim.engines.slots import Continuation
from neurosim.engines.state import State, learned_names
from neurosim.engines.stimuli import Stimulus
from neurosim.errors import NumericalError
from neurosim.recording.progress import SimulationProgress
from neurosim.recording.setup import shortened


@dataclass
class SimulationRun:
    """A simulation that runs piece by piece.

    Attributes
    ----------
    values
        The state; what is learned changes from piece to piece.
    records
        What is recorded.
    start
        Where it stands; none before it has begun.
    keeping
        Whether that is kept. It is even if nobody asks, so that what runs does not depend on how it is cut; standalone
        code cannot.
    learning
        Whether rules act.
    own_weights
        Whether each trial has weights of its own.
    """

    engine: str
    target: Any
    circuit: Circuit
    setting: Setting
    values: State
    stimuli: Mapping[str, Stimulus]
    records: Sequence[Record]
    seed: int
    trials: int
    start: Continuation | None
    keeping: bool = True
    learning: bool = False
    own_weights: bool = False

    @property
    def can_be_cut(self) -> bool:
        """Whether to cut it costs little, and no rule acts when all of it is over."""
        acts_later = self.learning and any(
            waits(pathway) or pathway.update_noise is not None for pathway in self.circuit.pathways
        )
        # Engines that generate code build their objects anew for each part.
        return not has_target(self.engine) and not acts_later

    def pieces(self, steps: int, piece: int, shown: SimulationProgress) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """Run so many steps, and so many at a time.

        Parameters
        ----------
        shown
            Is told how far it is.

        Yields
        ------
        tuple
            The number of the first step of a piece, counted from the start of this run, and what is recorded from there
            by its text, ``(sample, trial, place)``.

        Raises
        ------
        NumericalError
            A variable stops being finite.
        """
        begin, dt = self.start.step if self.start is not None else 0, self.setting.dt
        every = {one.text: one.every for one in self.records}
        for first in range(0, steps, piece):
            length = min(piece, steps - first)
            part = self.circuit if length == steps else shortened(self.circuit, length, dt)
            begun, share = first / steps, length / steps
            with telling(functools.partial(shown.part, begun, share) if shown.shown else None):
                after, outputs = _engine(self.engine, part, self.setting, self.target).run(
                    self.values,
                    {name: stimulus.in_steps(first, length) for name, stimulus in self.stimuli.items()},
                    seed=self.seed,
                    record=[one.text for one in self.records],
                    learn=self.learning,
                    trials=self.trials,
                    watch=True,
                    start=self.start,
                    keep=self.keeping,
                    own_weights=self.own_weights,
                    every=every,
                    unfinished=first + length < steps,
                )
            shown.part(begun, share)
            self.start = outputs.end
            arrays = {one.text: np.asarray(outputs.recordings[one.text]) for one in self.records}
            for one in self.records:
                _check_finite(one, arrays[one.text], dt, begin + first)
            if outputs.broken is not None:
                raise outputs.broken.error(dt)
            if self.learning:
                self.values = self.values | {name: after[name] for name in learned_names(self.circuit)}
                self._check_learned(dt * (begin + first + length))
            yield first, arrays

    def _check_learned(self, seconds: float) -> None:
        """Refuse weights that are not finite: learning was unstable."""
        for name in learned_names(self.circuit):
            finite = np.isfinite(self.values[name])
            if not finite.all():
                trial = int(np.argwhere(~finite)[0][0])
                raise NumericalError(
                    f"'{name}' is not finite at {1e3 * seconds:g} ms (trial {trial}); try a smaller learning rate, or "
                    "bounds"
                )


def has_target(engine: str) -> bool:
    """Whether an engine has a code generation target to choose."""
    return "target" in registry.load("engines", engine).Config.model_fields


def _engine(kind: str, circuit: Circuit, setting: Setting, target: str) -> Engine:
    module = registry.load("engines", kind)
    own = {"target": target} if has_target(kind) else {}
    # The shortest text that is this number.
    dt = f"{float(setting.dt)!r} second"
    return module.build(module.Config(kind=kind, level=setting.level, dt=dt, dtype=setting.dtype, **own), circuit)


def _check_finite(record: Record, array: np.ndarray, dt: float, begin: int) -> None:
    if array.dtype != bool and not (finite := np.isfinite(array)).all():
        sample, trial, place = np.argwhere(~finite)[0]
        when = (record.before(begin) + int(sample)) * record.every * dt * 1e3
        raise NumericalError(
            f"'{record.text}' stopped being finite at {when:g} ms (trial {trial}, neuron {place}); is the time step "
            "too long for the method?"
        )
