"""Read Zarr stores of format 2, also of strangers, array by array and chunk by chunk.

Each array's description is parsed once, from the file beside its chunks; a store's consolidated description is never
read. Of a chunk no more is unpacked than is described. Where a store has checksums, each chunk is held against its own
when it is read.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.atomic import write_file
from neurosim.errors import DataError
from neurosim.gate.description import ArrayDescription, described
from neurosim.gate.limits import check_size, opened
from neurosim.gate.seals import CHECKSUMS, digest_of, digest_of_file, listed, sealed
from neurosim.gate.selection import AxisIndex, Run, by_chunk, index, name_of, numbers_of, places
from neurosim.gate.texts import parsed_json
from neurosim.gate.tree import files_in
from neurosim.gate.unpacking import unpacked

if TYPE_CHECKING:
    import xarray

#: The attribute of a store that names the file in it with the checksums of all others.
SEALED = "checksums"
_FORMAT, _VERSION = "neurosim store", 1
_CHUNK = re.compile(r"(0|[1-9]\d{0,18})(\.(0|[1-9]\d{0,18}))*\Z")
_LARGEST_DESCRIPTION = 1 << 20
# Descriptions that a store may have.
_MOST_ARRAYS = 10_000


@dataclass(frozen=True)
class Store:
    """A checked store.

    Attributes
    ----------
    path
        Its folder.
    attrs
        Attributes of the whole.
    arrays
        By name.
    checksums
        Checksums of all files by their names in the store, where they were written down.
    """

    path: Path
    attrs: dict[str, Any]
    arrays: dict[str, StoredArray]
    checksums: dict[str, str] | None


@dataclass(frozen=True)
class StoredArray:
    """An array in a store, read lazily.

    Attributes
    ----------
    path
        The array's folder.
    about
        Its description.
    present
        The chunks that there are.
    checksums
        Checksums of these chunks.
    """

    path: Path
    about: ArrayDescription
    present: frozenset[str]
    checksums: dict[str, str] | None

    def keys_of(self, parts: tuple[AxisIndex, ...]) -> list[str]:
        """The chunks that there are of some of the numbers."""
        axes = [places(part, size) for part, size in zip(parts, self.about.shape, strict=True)]
        return [name_of(key) for key in self._touched(self._by_chunk(axes))]

    def read(self, parts: tuple[AxisIndex, ...]) -> np.ndarray:
        """Some of the numbers: of each axis a number (which drops it), a slice, or several numbers.

        Raises
        ------
        DataError
            A chunk is missing or damaged, or they are more than the user allows.
        """
        about = self.about
        axes = [places(part, size) for part, size in zip(parts, about.shape, strict=True)]
        shape = [len(axis) for axis in axes]
        check_size(math.prod(shape) * about.dtype.itemsize, f"{self.path}, as it is asked for,")
        # Zeros cost nothing until they are written to.
        empty = about.fill == np.zeros((), about.dtype)[()]
        numbers = np.zeros(shape, about.dtype) if empty else np.full(shape, about.fill, about.dtype)
        touched = self._by_chunk(axes)
        for key in self._touched(touched):
            where = [axis[number] for axis, number in zip(touched, key, strict=True)]
            numbers[index([outer for outer, _ in where])] = self.chunk(name_of(key))[
                index([inner for _, inner in where])
            ]
        kept = tuple(0 if isinstance(part, int | np.integer) else slice(None) for part in parts)
        return numbers[kept] if parts else numbers

    def chunk(self, key: str) -> np.ndarray:
        """One chunk, whole.

        Raises
        ------
        DataError
            It is damaged.
        """
        about, file = self.about, self.path / key
        # Data that hardly compress may grow a little.
        stream, size = opened(file, most=2 * about.chunk_nbytes + (1 << 16))
        with stream:
            try:
                data = stream.read(size)
            except OSError as error:
                raise DataError(f"{file}: cannot be read ({error.strerror or error})") from error
        if self.checksums is not None and digest_of(data) != self.checksums[key]:
            raise DataError(f"{file}: damaged, its checksum is not what was written down")
        flat = np.frombuffer(unpacked(data, about.compressor, about.chunk_nbytes, str(file)), about.dtype)
        return flat.reshape(about.chunks, order=about.order)  # type: ignore[arg-type]

    @functools.cached_property
    def _there(self) -> list[frozenset[int]]:
        """The numbers of existing or expected chunks along each axis."""
        keys = [numbers_of(key, len(self.about.shape)) for key in self.present | (self.checksums or {}).keys()]
        return [frozenset(key[axis] for key in keys) for axis in range(len(self.about.shape))]

    @functools.cached_property
    def _amiss(self) -> list[str]:
        """Chunks that are there and should not be, or the other way round."""
        return [] if self.checksums is None else sorted(self.checksums.keys() ^ self.present)

    def _by_chunk(self, axes: list[np.ndarray | range]) -> list[dict[int, tuple[Run, Run]]]:
        return [by_chunk(*each) for each in zip(axes, self.about.chunks, self._there, strict=True)]

    def _touched(self, axes: list[dict[int, Any]]) -> Iterator[tuple[int, ...]]:
        """The chunks that are there and hold something of what is asked for."""
        for name in self._amiss:
            if all(number in axis for axis, number in zip(axes, numbers_of(name, len(axes)), strict=True)):
                why = (
                    "is damaged, it was not there when the store was written" if name in self.present else "is missing"
                )
                raise DataError(f"{self.path / name}: {why}")
        if math.prod(map(len, axes)) > len(self.present):
            keys = (numbers_of(name, len(axes)) for name in sorted(self.present))
            return (key for key in keys if all(n in axis for axis, n in zip(axes, key, strict=True)))
        return (key for key in itertools.product(*axes) if name_of(key) in self.present)


def open_store(path: Path, *, whole: bool = False, complete: bool = True) -> Store:
    """Open a store without reading more than its descriptions.

    Parameters
    ----------
    path
        Its folder.
    whole
        Whether it will be in memory as a whole; if not, it may be larger, and only its chunks count.
    complete
        Whether it is; if not, it has no checksums yet.

    Raises
    ------
    DataError
        It is no store of format 2, is damaged, is larger than the user allows, or wants what is not allowed.
    """
    names = _entries(path)
    if "zarr.json" in names:
        raise DataError(f"{path}: got Zarr format 3, expected 2; write it with zarr_format=2")
    if ".zgroup" not in names:
        raise DataError(f"{path}: no Zarr store here")
    group, data = _json(path / ".zgroup")
    attrs, more = _json(path / ".zattrs") if ".zattrs" in names else ({}, b"")
    if group.get("zarr_format") != 2:
        raise DataError(f"{path}: got Zarr format {str(group.get('zarr_format'))[:20]}, expected 2")
    sums = None
    if complete and CHECKSUMS in names:
        sums = listed(path / CHECKSUMS, _FORMAT, _VERSION)
        _refuse_changed(path, ".zgroup", data, sums)
        _refuse_changed(path, ".zattrs", more, sums)
    elif complete and SEALED in attrs:
        raise DataError(f"{path / CHECKSUMS}: is missing, so that damage could not be seen")
    folders = [name for name, kind in sorted(names.items()) if stat.S_ISDIR(kind)]
    if len(folders) > _MOST_ARRAYS:
        raise DataError(f"{path}: holds {len(folders)} arrays, expected at most {_MOST_ARRAYS}")
    arrays = {name: array for name in folders if (array := _array(path / name, name, sums)) is not None}
    if sums is not None:
        lost = {name.split("/")[0] for name in sums if "/" in name} - arrays.keys()
        if lost:
            raise DataError(f"{path / min(lost)}: is missing or damaged, it was there when the store was written")
    total = sum(each.about.chunk_nbytes + (each.about.nbytes if whole else 0) for each in arrays.values())
    check_size(total, str(path))
    return Store(path, {name: value for name, value in attrs.items() if name != SEALED}, arrays, sums)


def dataset_of(store: Store) -> xarray.Dataset:
    """A store's arrays as a Dataset that reads values when they are asked for.

    Raises
    ------
    DataError
        They do not fit together, or a coordinate is damaged.
    """
    from neurosim.gate.lazily import dataset

    return dataset(store)


def seal(path: Path) -> None:
    """Write the checksums of all files of a complete store, whose attribute `SEALED` is `CHECKSUMS`."""
    checksums = {name: digest_of_file(file) for name, file in files_in(path).items() if name != CHECKSUMS}
    write_file(path / CHECKSUMS, sealed({"files": checksums}, _FORMAT, _VERSION))


def _array(folder: Path, name: str, sums: dict[str, str] | None) -> StoredArray | None:
    names = _entries(folder)
    if "zarr.json" in names:
        raise DataError(f"{folder}: got Zarr format 3, expected 2; write it with zarr_format=2")
    if ".zarray" not in names:
        return None
    top = folder.parent
    array, data = _json(top / name / ".zarray")
    attrs, more = _json(top / name / ".zattrs") if ".zattrs" in names else ({}, b"")
    about = described(array, attrs, str(folder))
    check_size(about.chunk_nbytes, f"{folder}: one chunk")
    if sums is not None:
        _refuse_changed(top, f"{name}/.zarray", data, sums)
        _refuse_changed(top, f"{name}/.zattrs", more, sums)
    present = frozenset(key for key in names if _CHUNK.match(key))
    mine = None
    if sums is not None:
        own = {key.partition("/")[2]: digest for key, digest in sums.items() if key.startswith(f"{name}/")}
        mine = {key: digest for key, digest in own.items() if _CHUNK.match(key)}
    axes = max(1, len(about.shape))
    for key in itertools.chain(present, mine or ()):
        if key.count(".") + 1 != axes:
            raise DataError(f"{folder / key}: damaged, the name of a chunk of {axes} axes was expected")
    return StoredArray(folder, about, present, mine)


def _entries(folder: Path) -> dict[str, int]:
    """The names in a folder, and what they are: files and folders only."""
    try:
        if not stat.S_ISDIR(os.stat(folder).st_mode):
            raise DataError(f"{folder}: no folder, and so no Zarr store")
        with os.scandir(folder) as entries:
            names = {entry.name: entry.stat(follow_symlinks=False).st_mode for entry in entries}
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{folder}: no Zarr store, cannot be read ({error})") from error
    for name, mode in sorted(names.items()):
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            kind = "a link" if stat.S_ISLNK(mode) else "no file"
            raise DataError(f"{folder / name}: this is {kind}, expected a file: stores hold files and folders only")
    return names


def _json(file: Path) -> tuple[dict[str, Any], bytes]:
    """A table of a description, and the bytes that it was parsed from."""
    stream, size = opened(file, most=_LARGEST_DESCRIPTION)
    with stream:
        data = stream.read(size)
    table = parsed_json(data, str(file))
    if not isinstance(table, dict):
        raise DataError(f"{file}: damaged, expected a table")
    return table, data


def _refuse_changed(path: Path, name: str, data: bytes, sums: dict[str, str]) -> None:
    if sums.get(name) != digest_of(data):
        raise DataError(f"{path / name}: damaged, its checksum is not what was written down")
