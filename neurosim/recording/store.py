"""Zarr stores of recordings, written in pieces, so that they need not fit into memory."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.atomic import discard, put, temporary_name, writing
from neurosim.border import PATH, public
from neurosim.errors import ConfigError, DataError, NeurosimWarning
from neurosim.gate.seals import CHECKSUMS
from neurosim.gate.stores import SEALED, dataset_of, open_store, seal
from neurosim.recording.described import check_described
from neurosim.recording.exchange import is_event, numbered

if TYPE_CHECKING:
    import xarray

# Bytes of a chunk: large enough for a file of its own, small enough to read one neuron's course without the others'.
_CHUNK = 4 << 20
_MOST_NEURONS = 256
_ORDER = "variables"


@dataclass(frozen=True)
class Recorded:
    """One variable of a recording: dims, shape, data type, unit, and the shape of what is in one file (all of it)."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: Any
    unit: str
    chunks: tuple[int, ...] | None = None


class RecordingWriter:
    """A Zarr store that gets its name when it is complete.

    Parameters
    ----------
    path
        Path of the store, which must not exist.
    variables
        The variables to record. What is empty grows by `append`.
    time
        The start of each step in seconds; or in place of it all `coords`: how each lies, and its values.
    attrs
        Of the whole.
    piece
        Number of steps written at once.
    about
        Attributes of variables besides their units.

    Raises
    ------
    ConfigError
        There is something at `path`.
    DataError
        It cannot be written.
    """

    def __init__(
        self,
        path: Path,
        variables: Mapping[str, Recorded],
        *,
        time: np.ndarray | None = None,
        coords: Mapping[str, tuple[Recorded, np.ndarray]] | None = None,
        attrs: Mapping[str, Any],
        piece: int,
        about: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.path = path
        if path.exists() or path.is_symlink():
            raise ConfigError(f"{path} exists already; choose another name for the recording, or remove it")
        self.temporary = temporary_name(path)
        with self._writing():
            path.parent.mkdir(parents=True, exist_ok=True)
            cut = {name: replace(variable, chunks=_chunks(variable, piece)) for name, variable in variables.items()}
            if time is not None:
                coords = {"time": (Recorded(("time",), time.shape, time.dtype, "second"), time)}
            self.group = new_group(self.temporary, cut, coords or {}, attrs)
            for name, more in (about or {}).items():
                self.group[name].attrs.update(more)

    def write(self, begin: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Write the next samples of variables, from the sample `begin`."""
        with self._writing():
            for name, array in arrays.items():
                if len(array):
                    self.group[name][begin : begin + len(array)] = array  # type: ignore[index]

    def append(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write more of variables whose length is not known beforehand."""
        with self._writing():
            for name, array in arrays.items():
                if len(array):
                    self.group[name].append(array)

    def finish(self) -> None:
        """Give the store its name."""
        with self._writing():
            complete(self.temporary)
            put(self.temporary, self.path)

    def abandon(self) -> None:
        """Remove the unfinished store."""
        discard(self.temporary)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Remove the store on an error, and name it in the message."""
        try:
            with writing(self.path):
                yield
        except BaseException:
            self.abandon()
            raise

    def __enter__(self) -> RecordingWriter:
        return self

    def __exit__(self, kind: Any, *rest: Any) -> None:
        if kind is None:
            self.finish()
        else:
            self.abandon()


def new_group(
    folder: Path,
    variables: Mapping[str, Recorded],
    coords: Mapping[str, tuple[Recorded, np.ndarray]],
    attrs: Mapping[str, Any],
) -> Any:
    """Create a Zarr group with empty arrays for all variables, and its coordinates."""
    import zarr

    group = zarr.open_group(str(folder), mode="w", zarr_format=2)
    along = [name for name, (variable, _) in coords.items() if name not in variable.dims]
    beside = {"coordinates": " ".join(along)} if along else {}
    group.attrs.update({**attrs, _ORDER: list(variables), SEALED: CHECKSUMS, **beside})
    described = {name: variable for name, (variable, _) in coords.items()} | dict(variables)
    for name, variable in described.items():
        chunks = variable.chunks or tuple(max(1, size) for size in variable.shape)
        # With a fill value, xarray would take zeros for missing numbers.
        array = group.create_array(name, fill_value=None, shape=variable.shape, chunks=chunks, dtype=variable.dtype)
        array.attrs.update({"_ARRAY_DIMENSIONS": list(variable.dims), "units": variable.unit})
    for name, (_, values) in coords.items():
        group[name][:] = values  # type: ignore[index]
    return group


def regroup(folder: Path) -> Any:
    """Open a store of `new_group` for writing: a Zarr group."""
    import zarr

    return zarr.open_group(str(folder), mode="r+", zarr_format=2, use_consolidated=False)


def complete(folder: Path) -> None:
    """Complete a store: write consolidated metadata, for other programs, and all checksums."""
    import zarr

    zarr.consolidate_metadata(str(folder), zarr_format=2)
    seal(folder)


def is_store(folder: Path) -> bool:
    """Whether a folder is a Zarr store, of a readable format or not."""
    return any((folder / name).is_file() for name in (".zgroup", "zarr.json"))


@public(path=PATH)
def open_recording(path: str | Path) -> xarray.Dataset:
    """Open a recording lazily: values are read when they are used.

    Parameters
    ----------
    path
        The Zarr store.

    Returns
    -------
    xarray.Dataset
        As of `neurosim.simulate`.

    Raises
    ------
    DataError
        There is no recording, or it is damaged.

    Examples
    --------
    >>> from neurosim import NeuronModel, simulate
    >>> leak = NeuronModel("dv/dt = (i_ext - v)/tau : 1", parameters={"tau": "10 ms", "i_ext": 1})
    >>> _ = simulate(leak, "5 ms", out="recording.zarr")
    >>> open_recording("recording.zarr").v.dims
    ('time', 'trial', 'neuron')
    """
    folder = Path(path)
    if not is_store(folder):
        raise DataError(f"{folder}: no recording here, expected a Zarr store")
    store = open_store(folder)
    recording = dataset_of(store)
    order = recording.attrs.pop(_ORDER, list(recording))
    check_described(recording, order, folder)
    if store.checksums is None:
        warnings.warn(f"{folder} has no checksums: damage in it cannot be seen", NeurosimWarning, stacklevel=3)
    # Stores list their arrays by name.
    ordered = {name: recording[name].variable for name in order if name in recording.data_vars}
    # Events stand for variables that have these dimensions; nothing else is without any that its coordinates have.
    dims = {dim for variable in ordered.values() for dim in variable.dims}
    events = any(is_event(recording, name) for name in ordered)
    coords = {name: each for name, each in recording.coords.items() if events or {*each.dims} <= dims}
    return numbered(type(recording)(ordered, coords=coords, attrs=recording.attrs))


def _near(variable: Recorded) -> tuple[int, ...]:
    """Chunk sizes of at most 4 MiB, cut along the first axes first, so that a sample stays in one chunk."""
    sizes, left = [], _CHUNK // np.dtype(variable.dtype).itemsize
    for size in reversed(variable.shape):
        sizes.append(max(1, min(size, left)))
        left //= sizes[-1]
    return tuple(reversed(sizes))


def _chunks(variable: Recorded, piece: int) -> tuple[int, ...]:
    """Chunk sizes of about 4 MiB that divide a piece of the recording."""
    steps, *rest = variable.shape
    if not rest:
        return (max(1, min(steps, piece)) if steps else _CHUNK // np.dtype(variable.dtype).itemsize,)
    if variable.dims[0] != "time" or len(rest) < 2:
        return _near(variable)
    neurons = min(rest[-1], _MOST_NEURONS)
    each = max(1, math.prod(rest[:-1]) * neurons * np.dtype(variable.dtype).itemsize)
    # A divisor of the piece: no chunk is written twice.
    most = max(1, min(piece, _CHUNK // each))
    length = next(length for length in range(most, 0, -1) if piece % length == 0)
    return (length, *rest[:-1], neurons)
