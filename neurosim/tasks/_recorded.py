"""Arrays by name from an ``.npz`` file or a Zarr store, with trials first and time second; both may be a stranger's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.errors import ConfigError, DataError
from neurosim.gate.limits import opened
from neurosim.gate.npz import names_in, read_npz
from neurosim.gate.seals import digest_of_file
from neurosim.gate.stores import Store, open_store
from neurosim.gate.tree import files_in
from neurosim.suggestions import did_you_mean
from neurosim.tasks._facts import FileRead
from neurosim.tasks._files import file_read

_DIMS = ("trial", "time")


@dataclass(frozen=True)
class RecordedArrays:
    """What a file or store holds.

    Attributes
    ----------
    path
        Where it is.
    names
        Of its arrays.
    """

    path: Path
    names: tuple[str, ...]
    _store: Store | None

    def read(self, wanted: Mapping[str, str]) -> dict[str, np.ndarray]:
        """Read arrays.

        Parameters
        ----------
        wanted
            Setting -> name of the array.

        Returns
        -------
        dict
            Setting -> the array. Axes of a store that are called ``trial`` and ``time`` come first, in this order.

        Raises
        ------
        ConfigError
            There is no such array.
        DataError
            One is damaged, too large, or holds no numbers.
        """
        for key, name in wanted.items():
            if name not in self.names:
                raise ConfigError(f"task.{key}: {self.path} has no array '{name}'; {did_you_mean(name, self.names)}")
        if self._store is None:
            read = read_npz(self.path, names=sorted(set(wanted.values())))
        else:
            read = {name: self._ordered(self._store, name) for name in set(wanted.values())}
        for name, array in read.items():
            if array.dtype.kind not in "biuf":
                raise DataError(f"{self.path}: '{name}' holds {array.dtype}, expected numbers")
        return {key: read[name] for key, name in wanted.items()}

    def _ordered(self, store: Store, name: str) -> np.ndarray:
        array = store.arrays[name]
        values = array.read((slice(None),) * len(array.about.shape))
        dims = array.about.dims
        order = [dims.index(dim) for dim in _DIMS if dim in dims]
        return np.transpose(values, [*order, *(axis for axis in range(values.ndim) if axis not in order)])

    def files(self) -> tuple[FileRead, ...]:
        """What was read, for a run's provenance; a store counts as one file."""
        if self._store is None:
            stream, _ = opened(self.path)
            with stream:
                return (file_read(self.path, stream),)
        each = files_in(self.path)
        sums = "\n".join(f"{name} {digest_of_file(file)}" for name, file in sorted(each.items()))
        size = sum(file.stat().st_size for file in each.values())
        return ({"name": self.path.name, "sha256": hashlib.sha256(sums.encode()).hexdigest(), "bytes": size},)


def arrays_of(path: Path) -> RecordedArrays:
    """Open a file or store without reading its arrays.

    Raises
    ------
    DataError
        It is missing, damaged, of another kind, or larger than the user allows.
    """
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder")
    if path.is_dir():
        store = open_store(path, whole=True)
        names: Sequence[str] = tuple(store.arrays)
        recorded = RecordedArrays(path, tuple(names), store)
    elif path.suffix.lower() == ".npz":
        recorded = RecordedArrays(path, names_in(path), None)
    else:
        raise DataError(f"{path}: got a file '{path.suffix}', expected .npz, or the folder of a Zarr store")
    if not recorded.names:
        raise DataError(f"{path}: holds no arrays")
    return recorded
