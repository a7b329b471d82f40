"""Recordings as Zarr stores, written piece by piece, so that they never have to fit into memory."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.atomic import discard, put, temporary_name, writing
from neurosim.errors import ConfigError, DataError

if TYPE_CHECKING:
    import xarray

# Bytes of a chunk: large enough for a file of its own, small enough to read one neuron's course without the others'.
_CHUNK = 4 << 20
_MOST_NEURONS = 256
_ORDER = "variables"


@dataclass(frozen=True)
class Recorded:
    """One variable of a recording: dims, shape, data type and unit."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: Any
    unit: str


class RecordingWriter:
    """A Zarr store that appears under its name when it is complete.

    Parameters
    ----------
    path
        Of the store, which must not exist.
    variables
        What will be recorded; the first dimension is ``time``.
    time
        The start of each step in seconds.
    attrs
        Of the whole.
    piece
        Steps that are written at once.

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
        time: np.ndarray,
        attrs: Mapping[str, Any],
        piece: int,
    ) -> None:
        import zarr

        self.path, self._zarr = path, zarr
        if path.exists() or path.is_symlink():
            raise ConfigError(f"{path} exists already; choose another name for the recording, or remove it")
        self.temporary = temporary_name(path)
        with self._writing():
            path.parent.mkdir(parents=True, exist_ok=True)
            self.group = zarr.open_group(str(self.temporary), mode="w", zarr_format=2)
            self.group.attrs.update({**attrs, _ORDER: list(variables)})
            self._array("time", Recorded(("time",), time.shape, time.dtype, "second"), time.shape)
            self.group["time"][:] = time  # type: ignore[index]
            for name, variable in variables.items():
                self._array(name, variable, _chunks(variable, piece))

    def write(self, begin: int, arrays: Mapping[str, np.ndarray]) -> None:
        """The next steps of all variables, beginning with the step of that number."""
        with self._writing():
            for name, array in arrays.items():
                self.group[name][begin : begin + len(array)] = array  # type: ignore[index]

    def finish(self) -> None:
        """Give the store its name."""
        with self._writing():
            self._zarr.consolidate_metadata(str(self.temporary), zarr_format=2)
            put(self.temporary, self.path)

    def abandon(self) -> None:
        """Remove what was written so far."""
        discard(self.temporary)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """What goes wrong leaves nothing behind, and names the store."""
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

    def _array(self, name: str, variable: Recorded, chunks: tuple[int, ...]) -> None:
        settings = {"shape": variable.shape, "chunks": chunks, "dtype": variable.dtype}
        # With a fill value, xarray would take zeros for missing numbers.
        array = self.group.create_array(name, fill_value=None, **settings)
        array.attrs.update({"_ARRAY_DIMENSIONS": list(variable.dims), "units": variable.unit})


def open_recording(path: str | Path) -> xarray.Dataset:
    """Open a recording without reading it: values are read when they are asked for.

    Raises
    ------
    DataError
        There is no recording, or it is damaged.
    """
    import xarray

    folder = Path(path)
    if not (folder / ".zgroup").is_file():
        raise DataError(f"{folder}: no recording here, expected a Zarr store")
    try:
        found = xarray.open_zarr(
            folder,
            chunks=None,
            mask_and_scale=False,
            decode_times=False,
            consolidated=(folder / ".zmetadata").is_file(),
        )
    except Exception as error:  # whatever xarray and zarr make of a damaged store
        raise DataError(f"{folder}: no recording, or a damaged one ({error})") from error
    if "time" not in found.coords or "dt" not in found.attrs:
        raise DataError(f"{folder}: no recording of neurosim.simulate: it has no time, or no time step")
    # Stores list their arrays by name.
    order = found.attrs.pop(_ORDER, list(found))
    return found[[name for name in order if name in found]]


def _chunks(variable: Recorded, piece: int) -> tuple[int, ...]:
    """Chunks that a piece of the recording fills, of about 4 MiB."""
    steps, *rest = variable.shape
    if not rest:
        return (max(1, min(steps, piece)),)
    neurons = min(rest[-1], _MOST_NEURONS)
    each = max(1, math.prod(rest[:-1]) * neurons * np.dtype(variable.dtype).itemsize)
    # A divisor of the piece: no chunk is written twice.
    most = max(1, min(piece, _CHUNK // each))
    length = next(length for length in range(most, 0, -1) if piece % length == 0)
    return (length, *rest[:-1], neurons)
