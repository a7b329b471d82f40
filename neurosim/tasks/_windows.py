"""Streams in windows: consecutive stretches of endless sequences, which are presented one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.border import check_fields, instance
from neurosim.border.arguments import WHOLE
from neurosim.errors import DataError
from neurosim.tasks._input_spikes import InputSpikes
from neurosim.tasks._timed import TimedSplit


@dataclass(frozen=True, eq=False)
class Windows:
    """A split whose trials are streams, cut into windows: row ``window*streams + stream`` of so many grid steps.

    Batches of as many rows as there are streams, in order, present the streams in parallel. The state after the last
    input of a window is that with which the next one begins, so a window begins with the target of the grid step
    before it; before the first window there is none. Grid steps beyond the last whole window are not presented.

    Parameters
    ----------
    split
        The streams.
    steps
        Grid steps of a window.

    Raises
    ------
    DataError
        A window that is longer than the streams.
    """

    split: TimedSplit
    steps: int

    def __post_init__(self) -> None:
        check_fields(self, split=instance(TimedSplit, expected="a TimedSplit"), steps=WHOLE)
        if not 0 < self.steps <= self.split.steps:
            raise DataError(f"windows: got {self.steps} grid steps, expected 1 to {self.split.steps} as in the streams")

    @property
    def streams(self) -> int:
        """How many streams there are."""
        return len(self.split)

    @property
    def count(self) -> int:
        """Windows of each stream."""
        return self.split.steps // self.steps

    def __len__(self) -> int:
        return self.streams * self.count

    @property
    def dt(self) -> float:
        """Time between two grid steps, in seconds."""
        return self.split.dt

    @property
    def inputs(self) -> Any:
        """Those of the whole streams."""
        return self.split.inputs

    @property
    def n_inputs(self) -> int:
        """Number of inputs, or of the neurons whose spikes are the input."""
        return self.split.n_inputs

    @property
    def n_outputs(self) -> int:
        """Number of target values at a time."""
        return self.split.n_outputs

    @property
    def trial_type(self) -> np.ndarray:
        """The type of each row's stream."""
        return np.tile(self.split.trial_type, self.count)

    @property
    def labels(self) -> None:
        """None: nothing is decided in a stream."""
        return None

    @property
    def counting(self) -> np.ndarray:
        """Whether anything counts in each window, ``(window,)``."""
        met = np.pad(self.split.mask.any(axis=0), (1, 0))[: self.count * self.steps]
        return np.asarray(met.reshape(self.count, self.steps).any(axis=1))

    def instants(self, rows: Any, held: int) -> tuple[np.ndarray, np.ndarray]:
        """Stream and time step of rows, if a grid step lasts so many time steps: ``(row, 1)`` and ``(row, step)``."""
        window, stream = np.divmod(np.arange(len(self))[rows], self.streams)
        length = self.steps * held
        return stream[:, None], window[:, None] * length + np.arange(length)

    def shown(self, rows: Any, held: int) -> np.ndarray:
        """Inputs ``(row, step, n)`` that are numbers; spikes as ones."""
        stream, step = self.instants(rows, held)
        every = self.inputs.dense() if isinstance(self.inputs, InputSpikes) else self.inputs
        return every[stream, step // held]

    def firing(self, rows: Any, held: int) -> np.ndarray:
        """The neurons that fire in each step, ``(row, step, most)``: a spike is in the first step of its grid step."""
        stream, step = self.instants(rows, held)
        fires = self.inputs.firing()[stream, step // held]
        fires[step % held > 0] = self.n_inputs
        return fires

    def targets(self, rows: Any, held: int) -> np.ndarray:
        """Targets ``(row, step, n)``: in each step that of the input that acted last, at the very first one its own."""
        stream, step = self.instants(rows, held)
        return self.split.targets[stream, np.maximum(step - 1, 0) // held]

    def density(self, rows: Any, held: int) -> np.ndarray:
        """The mask ``(row, step)`` as a density in Hz: its integral over a window is one in the mean over a stream.

        Raises
        ------
        DataError
            A stream of which nothing counts in any window.
        """
        stream, step = self.instants(rows, held)
        mask = self.split.mask.astype(np.float64)
        before = mask[stream, np.maximum(step - 1, 0) // held] * (step > 0)
        return before / (self._counted(held) * self.dt / held / self.count)[stream]

    def _counted(self, held: int) -> np.ndarray:
        """The sum over all time steps of the mask, of each stream."""
        mask = self.split.mask[:, : self.count * self.steps].astype(np.float64)
        # The target after the last input is that of a window beyond the last one.
        counted = held * mask.sum(axis=1) - mask[:, -1]
        if not counted.all():
            stream = int(np.argmin(counted))
            raise DataError(
                f"mask: stream {stream} is zero in all windows that are presented, so that it has no loss; expected a "
                "weight above zero in some step"
            )
        return counted

    def __repr__(self) -> str:
        return f"Windows({self.streams} streams in {self.count} windows of {self.steps} steps each)"
