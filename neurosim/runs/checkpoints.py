"""Checkpoints, from which training resumes: safetensors and JSON, the newest few of a run.

A checkpoint is two files: ``000007.safetensors`` with the arrays, written first, and ``000007.json`` with the numbers,
the checksum of the arrays and its own. A half-written or damaged checkpoint fails its checksum; the one before it is
used instead.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.atomic import write_file, writing
from neurosim.errors import DataError
from neurosim.gate.tensors import with_seal
from neurosim.runs.integrity import check_size, digest_of, read_arrays, sealed, unsealed
from neurosim.training.progress import Progress, packed, unpacked

FORMAT, VERSION = "neurosim checkpoint", 1
#: Default seconds between two checkpoints.
EVERY = 60.0
# The newest can be half-written, the one before damaged.
_KEPT = 3
# Checkpoints may take this share of a run's time.
_SHARE = 0.01
_NAME = re.compile(r"(\d{6,})\.json\Z")


class Checkpoints:
    """The checkpoints of one run folder.

    Parameters
    ----------
    folder
        ``checkpoints`` in the run folder; made when needed.
    of
        Identity of the run: configuration hash and seed.
    every
        Seconds between two checkpoints. The interval grows if writing takes more than a hundredth of it; with
        0 every opportunity is used.
    """

    def __init__(self, folder: Path, of: Mapping[str, Any], every: float = EVERY) -> None:
        self.folder, self.of, self.every = folder, dict(of), every
        #: Seconds that earlier processes spent on the run, up to the checkpoint it resumes from.
        self.before = 0.0
        self.began = self.last = time.monotonic()
        self.cost = 0.0
        self.latest: Progress | None = None
        self.saved: Progress | None = None

    @property
    def elapsed(self) -> float:
        """Seconds the run has taken, those of earlier processes included."""
        return self.before + time.monotonic() - self.began

    def __call__(self, progress: Progress) -> None:
        """Keep the latest progress, and store it when a checkpoint is due."""
        self.latest = progress
        wait = max(self.every, self.cost / _SHARE) if self.every else 0.0
        if time.monotonic() - self.last >= wait:
            self.save()

    def save(self) -> None:
        """Store the latest progress, unless it is stored already.

        Raises
        ------
        DataError
            It cannot be written; earlier checkpoints stay as they are.
        """
        if self.latest is None or self.latest is self.saved:
            return
        began = time.monotonic()
        arrays, numbers = packed(self.latest)
        data = packed_arrays(arrays, FORMAT)
        with writing(self.folder):
            self.folder.mkdir(exist_ok=True)
        number = max(self._numbers(), default=0) + 1
        content = {**self.of, "arrays": digest_of(data), "wall_s": self.elapsed, "progress": numbers}
        write_file(self._arrays(number), data)
        write_file(self._json(number), sealed(content, FORMAT, VERSION))
        self.saved = self.latest
        for old in sorted(self._numbers())[:-_KEPT]:
            self._remove(old)
        self.last = time.monotonic()
        self.cost = self.last - began

    def newest(self, like: Mapping[str, np.ndarray], say: Callable[[str], None]) -> Progress | None:
        """The newest intact checkpoint; ``None`` if there is none.

        Parameters
        ----------
        like
            A state of the trained circuit, for names and shapes.
        say
            Receives a sentence about every checkpoint that is skipped, and why.

        Raises
        ------
        DataError
            An intact checkpoint belongs to another configuration or seed.
        """
        for number in sorted(self._numbers(), reverse=True):
            try:
                content = unsealed(self._json(number), FORMAT, VERSION)
                progress = self._read(number, content, like)
            except DataError as error:
                say(f"checkpoint {number} is left out: {error}")
                continue
            self.before = float(content["wall_s"])
            self.latest = self.saved = progress
            return progress
        return None

    def forget(self) -> None:
        """Start without a checkpoint; existing ones are replaced by new ones."""
        self.before, self.latest, self.saved = 0.0, None, None

    def clear(self) -> None:
        """Remove all checkpoints, once the run is finished."""
        with writing(self.folder):
            for number in self._numbers():
                self._remove(number)
            for path in self.folder.glob(".*") if self.folder.is_dir() else ():
                path.unlink(missing_ok=True)
            for path in self.folder.glob("*.safetensors") if self.folder.is_dir() else ():
                path.unlink(missing_ok=True)
            if self.folder.is_dir() and not any(self.folder.iterdir()):
                self.folder.rmdir()

    def _read(self, number: int, content: Mapping[str, Any], like: Mapping[str, np.ndarray]) -> Progress:
        for name, value in self.of.items():
            if content.get(name) != value:
                raise DataError(f"{name} is {str(content.get(name))[:40]!r}, expected {value!r}")
        try:
            digest, numbers = str(content["arrays"]), dict(content["progress"])
            float(content["wall_s"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError(f"{self._json(number)}: incomplete ({error})") from error
        return unpacked(read_arrays(self._arrays(number), digest), numbers, like)

    def _numbers(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        return [int(match[1]) for path in self.folder.iterdir() if (match := _NAME.match(path.name))]

    def _remove(self, number: int) -> None:
        # The JSON goes first: without it a checkpoint does not count.
        self._json(number).unlink(missing_ok=True)
        self._arrays(number).unlink(missing_ok=True)

    def _json(self, number: int) -> Path:
        return self.folder / f"{number:06}.json"

    def _arrays(self, number: int) -> Path:
        return self.folder / f"{number:06}.safetensors"


def packed_arrays(arrays: Mapping[str, np.ndarray], kind: str) -> bytes:
    """Arrays as safetensors, scalars included."""
    check_size(2 * sum(array.nbytes for array in arrays.values()), "a checkpoint")
    return with_seal(arrays, {"format": kind})
