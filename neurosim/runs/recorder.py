"""Recording during training: snapshots of chosen trials and weights, appended to one store.

A snapshot is one presentation of the trials without learning, from rest, with the noise of the next presentation of
training, and the current weights. It is computed apart from training, whose bits do not change. In the store the
trials of all snapshots follow one another along ``trial``, with ``epoch`` and ``row`` beside it; weights have a
dimension ``snapshot``, the epochs done.

The store is written during the run. Each snapshot's checksum is written after it and before the checkpoint of the same
epoch: everything before a checkpoint is recorded, and a snapshot that is made again has the same bits.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.atomic import discard, put, sync, temporary_name, write_file, writing
from neurosim.circuit.circuit import Circuit
from neurosim.engines._engine import Engine
from neurosim.engines.over_time import bytes_a_trial, for_whole_streams
from neurosim.engines.state import State, weights_of
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import ConfigError, DataError, NumericalError
from neurosim.gate.stores import open_store
from neurosim.recording.exchange import SNAPSHOT
from neurosim.recording.store import Recorded, complete, new_group, regroup
from neurosim.recording.variables import is_spikes, unit_of, weights
from neurosim.runs import folder as files
from neurosim.runs.integrity import files_in, sealed, unsealed
from neurosim.tasks._task import Split, Task
from neurosim.tasks._timed import TimedSplit
from neurosim.training.config import Config, RecordSettings
from neurosim.training.progress import Progress

_FORMAT, _VERSION = "neurosim snapshots", 1
#: During the run: the store, and the checksums of its snapshots.
UNFINISHED, SNAPSHOTS = ".recording.unfinished.zarr", ".recording.unfinished.json"
# Bytes recorded before they are written, and bytes of a chunk.
PIECE, CHUNK = 48 << 20, 4 << 20
_MOST_NEURONS = 256


class TrainingRecorder:
    """Writes the recording of one run.

    Parameters
    ----------
    folder
        The run folder.
    engine, task, config, seed
        As for training; `config` has a `RecordSettings`.

    Raises
    ------
    ConfigError
        The split lacks one of the trials.
    """

    def __init__(self, folder: Path, engine: Engine, task: Task, config: Config, seed: int) -> None:
        assert config.record is not None
        self.record: RecordSettings = config.record
        self.path, self.temporary, self.list = folder / files.RECORDING, folder / UNFINISHED, folder / SNAPSHOTS
        self.split: Split | TimedSplit = getattr(task, self.record.split)
        circuit = engine.circuit
        if isinstance(self.split, TimedSplit):
            circuit = for_whole_streams(circuit, self.split, engine.setting.dt)
        # Snapshots start from rest, also where training carries state over.
        self.engine, self.seed = engine.with_circuit(replace(circuit, carry=False)), seed
        outside = [trial for trial in self.record.trials if trial >= len(self.split)]
        if outside:
            raise ConfigError.at(
                "training.record.trials",
                f"got {outside[0]}, expected numbers below {len(self.split)}, the trials of "
                f"the {self.record.split} split",
            )
        self.rows = np.asarray(self.record.trials)
        self.epochs = self.record.epochs(config.epochs)
        known = set(weights(engine.circuit))
        self.weights = [name for name in self.record.variables if name in known]
        self.traces = [name for name in self.record.variables if name not in known]
        self.digests: dict[str, str] = {}
        self.group: Any = None

    def begin(self, state: State) -> None:
        """Create an empty store, replacing any other.

        Parameters
        ----------
        state
            The state before learning, for the shapes of the weights.

        Raises
        ------
        DataError
            It cannot be written.
        """
        self.digests = {}
        for path in (self.path, self.temporary, self.list):
            discard(path)
        with writing(self.path):
            self.group = self._new(self.temporary, state)

    def resume(self, progress: Progress) -> None:
        """Continue the existing store.

        Raises
        ------
        DataError
            A snapshot of a finished epoch is missing or damaged.
        """
        if self.path.is_dir() and not self.temporary.exists():
            # The process died after the recording was complete.
            with writing(self.path):
                put(self.path, self.temporary)
        done = [epoch for epoch in self.epochs if epoch <= progress.epoch]
        content = unsealed(self.list, _FORMAT, _VERSION)
        self.digests = {str(epoch): str(content.get(str(epoch))) for epoch in done}
        with writing(self.path):
            self._take_over(progress.state, done)

    def __call__(self, progress: Progress) -> None:
        """Record a snapshot, if one is due.

        Raises
        ------
        DataError
            It cannot be written.
        NumericalError
            If a variable is not finite, naming it.
        """
        if progress.part.steps or progress.epoch not in self.epochs or str(progress.epoch) in self.digests:
            return
        number, digest = self.epochs.index(progress.epoch), hashlib.sha256()
        for where, array in self._snapshot(number, progress):
            self._refuse_broken(where[0], array, progress.epoch)
            with writing(self.path):
                self.group[where[0]][where[1]] = array
            digest.update(np.ascontiguousarray(array).tobytes())
        with writing(self.path):
            sync(self.temporary)
        self.digests[str(progress.epoch)] = digest.hexdigest()
        write_file(self.list, sealed(self.digests, _FORMAT, _VERSION))

    def finish(self) -> None:
        """Check all snapshots once more, and give the store its final name.

        Raises
        ------
        DataError
            A snapshot is missing or damaged, or it cannot be written.
        """
        self._check(self.epochs)
        with writing(self.path):
            complete(self.temporary)
            put(self.temporary, self.path)

    def _snapshot(self, number: int, progress: Progress) -> Any:
        """The arrays of a snapshot, piece by piece, as ``(name, region), array``."""
        for name in self.weights:
            yield (name, (number,)), _synapses(self.engine.circuit, progress.state, name)
        if not self.traces:
            return
        piece, count, first = self._piece, len(self.rows), progress.presentations
        for start in range(0, count, piece):
            rows = self.rows[start : start + piece]
            stimuli = stimuli_of(self.engine.circuit, self.split, rows, dt=self.engine.setting.dt)
            settings = {"seed": self.seed, "first": first + start, "record": self.traces, "learn": False}
            _, outputs = self.engine.run(progress.state, stimuli, **settings)
            region = (slice(None), slice(number * count + start, number * count + start + piece))
            for name in self.traces:
                yield (name, region), np.asarray(outputs.recordings[name])

    def _new(self, folder: Path, state: State) -> Any:
        """Create an empty store for this run."""
        dt, steps = self.engine.setting.dt, self._steps
        trial = np.arange(len(self.epochs) * len(self.rows))
        coords = {
            "time": self._coord("time", dt * np.arange(steps), "second"),
            "epoch": self._coord("trial", np.asarray(self.epochs)[trial // len(self.rows)]),
            "row": self._coord("trial", self.rows[trial % len(self.rows)]),
            SNAPSHOT: self._coord(SNAPSHOT, np.asarray(self.epochs)),
        }
        attrs = {"model": self.engine.circuit.name, "dt": dt, "split": self.record.split}
        return new_group(folder, self._variables(state), coords, attrs)

    def _take_over(self, state: State, done: list[int]) -> None:
        """Continue the existing store: its snapshots are checked, everything else in it is created anew.

        Its description may be a stranger's. It must equal that of this run, and is replaced by it.
        """
        fresh = temporary_name(self.temporary)
        try:
            self._new(fresh, state)
            own, there = (open_store(folder, complete=False) for folder in (fresh, self.temporary))
            same = own.attrs == there.attrs and own.arrays.keys() == there.arrays.keys()
            if not same or any(own.arrays[name].about != stored.about for name, stored in there.arrays.items()):
                raise DataError(f"{self.temporary}: damaged, its description is not that of this run's recording")
            kept = self._check(done)
            for name, file in files_in(self.temporary, to_write=True).items():
                if name not in kept:
                    file.unlink()
            for name, file in files_in(fresh).items():
                os.replace(file, self.temporary / name)
            self.group = regroup(self.temporary)
        finally:
            discard(fresh)

    def _check(self, epochs: list[int]) -> set[str]:
        """Compare snapshots in the store with their checksums; the files that hold them."""
        store, files_of = open_store(self.temporary, complete=False), set()
        for epoch in epochs:
            digest, number = hashlib.sha256(), self.epochs.index(epoch)
            for name, region in self._regions(number):
                array = store.arrays[name]
                whole = region + (slice(None),) * (len(array.about.shape) - len(region))
                digest.update(np.ascontiguousarray(array.read(whole)).tobytes())
                files_of.update(f"{name}/{key}" for key in array.keys_of(whole))
            if digest.hexdigest() != self.digests.get(str(epoch)):
                raise DataError(f"{self.temporary}: the recording after epoch {epoch} is missing or damaged")
        return files_of

    def _regions(self, number: int) -> Any:
        """Regions of a snapshot's parts, in the order of writing."""
        for name in self.weights:
            yield name, (number,)
        piece, count = self._piece, len(self.rows)
        for start in range(0, count, piece) if self.traces else ():
            for name in self.traces:
                yield name, (slice(None), slice(number * count + start, number * count + start + piece))

    def _variables(self, state: State) -> dict[str, Recorded]:
        variables = {}
        for name in self.record.variables:
            pathway = name.split(".")[0]
            if name in self.weights:
                array = _synapses(self.engine.circuit, state, name)
                axes = ("post", "pre", "row", "column")[: array.ndim]
                dims = (SNAPSHOT, *(f"{axis}_{pathway}" for axis in axes))
                shape, one = (len(self.epochs), *array.shape), (1, *array.shape)
                variables[name] = Recorded(dims, shape, array.dtype, "1", tuple(max(1, size) for size in one))
            else:
                variables[name] = self._trace(name)
        return variables

    def _trace(self, name: str) -> Recorded:
        circuit, piece = self.engine.circuit, self._piece
        population = name.split(".")[0]
        size = circuit.population[population].size
        dtype = np.dtype(bool if is_spikes(name) else self.engine.setting.dtype)
        neurons = min(size, _MOST_NEURONS)
        steps = max(1, min(self._steps, CHUNK // (neurons * dtype.itemsize)))
        most = max(1, CHUNK // (steps * neurons * dtype.itemsize))
        # A divisor of the piece, so that no chunk spans two.
        trials = next(length for length in range(min(most, piece), 0, -1) if piece % length == 0)
        alone = len(circuit.populations) == 1
        dims = ("time", "trial", "neuron" if alone else f"neuron_{population}")
        shape = (self._steps, len(self.epochs) * len(self.rows), size)
        return Recorded(dims, shape, dtype, unit_of(circuit, name), (steps, trials, neurons))

    @property
    def _steps(self) -> int:
        dt = self.engine.setting.dt
        return sum(phase.steps(dt) for phase in self.engine.circuit.phases) if self.traces else 0

    @property
    def _piece(self) -> int:
        """Trials presented at once: a divisor of all, so that all calls have one shape."""
        sizes = [self.engine.circuit.population[name.split(".")[0]].size for name in self.traces]
        itemsize = np.dtype(self.engine.setting.dtype).itemsize
        each = self._steps * sum(sizes) * itemsize
        if isinstance(self.split, TimedSplit):
            each += bytes_a_trial(self.engine.circuit, self.split, self.engine.setting.dt, itemsize)
        most, count = max(1, PIECE // max(1, each)), len(self.rows)
        return next(length for length in range(min(most, count), 0, -1) if count % length == 0)

    def _coord(self, dim: str, values: np.ndarray, unit: str = "1") -> tuple[Recorded, np.ndarray]:
        return Recorded((dim,), values.shape, values.dtype, unit), values

    def _refuse_broken(self, name: str, array: np.ndarray, epoch: int) -> None:
        if not np.isfinite(array).all():
            raise NumericalError(
                f"'{name}' is not finite in the recording after epoch {epoch}; try smaller learning rates or a smaller "
                "engine.dt"
            )


def _synapses(circuit: Circuit, state: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """A variable of a pathway as an array over its synapses."""
    pathway, variable = name.split(".")
    return np.asarray(weights_of(circuit, state, pathway) if variable == "w" else state[name])
