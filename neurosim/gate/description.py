"""Descriptions of arrays in Zarr stores of format 2: read once, checked, and used afterwards.

Data types and compressors are allowed by name. Filters are refused: some run code (``pickle``), and ours have none.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import DataError
from neurosim.gate.unpacking import COMPRESSORS

_DTYPE = re.compile(r"[<>|][biufcSU]\d{1,6}\Z")
_MOST_AXES = 32
_FILLS = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


@dataclass(frozen=True)
class ArrayDescription:
    """An array: shape, chunk shape, data type, order of axes in a chunk, compressor, fill value.

    Attributes
    ----------
    dims
        The names of the axes.
    attrs
        Whatever else is said of it.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype
    order: str
    compressor: str | None
    fill: Any
    dims: tuple[str, ...]
    attrs: dict[str, Any]

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def chunk_nbytes(self) -> int:
        """Bytes of one of its chunks."""
        return math.prod(self.chunks) * self.dtype.itemsize


def described(array: Any, attrs: Any, where: str) -> ArrayDescription:
    """Read and check ``.zarray`` and ``.zattrs``.

    Raises
    ------
    DataError
        They want a data type, filter or compressor that is not allowed, or say what cannot be.
    """
    try:
        dtype, compressor, filters = array["dtype"], array["compressor"], array["filters"]
        kind = compressor["id"] if compressor else None
        if not isinstance(dtype, str) or not _DTYPE.match(dtype):
            raise DataError(f"{where}: got dtype {str(dtype)[:60]!r}, expected numbers or text of fixed length")
        if filters or kind not in COMPRESSORS:
            raise DataError(
                f"{where}: got filters {str(filters)[:60]} and compressor {str(kind)[:60]!r}, unknown here; expected "
                f"no filters, and one of {', '.join(filter(None, COMPRESSORS))}"
            )
        if (
            array["zarr_format"] != 2
            or array.get("dimension_separator", ".") != "."
            or array["order"] not in ("C", "F")
        ):
            raise DataError(f"{where}: got another layout than Zarr format 2 has with '.' in its chunks' names")
        return ArrayDescription(
            _sizes(array["shape"], 0, where),
            _sizes(array["chunks"], 1, where, len(array["shape"])),
            np.dtype(dtype),
            array["order"],
            kind,
            _fill(array.get("fill_value"), np.dtype(dtype), where),
            *_attributes(attrs, len(array["shape"]), where),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{where}: damaged, or not Zarr format 2 ({type(error).__name__}: {error})") from error


def _sizes(numbers: Any, least: int, where: str, count: int | None = None) -> tuple[int, ...]:
    sizes = tuple(numbers) if isinstance(numbers, list) else None
    if sizes is None:
        raise DataError(f"{where}: damaged, got the shape {str(numbers)[:60]}")
    whole = all(type(size) is int and least <= size < 1 << 62 for size in sizes)
    if not whole or len(sizes) > _MOST_AXES or len(sizes) != (len(sizes) if count is None else count):
        raise DataError(f"{where}: got the shape, or the shape of chunks, {str(numbers)[:60]}")
    return sizes


def _fill(value: Any, dtype: np.dtype, where: str) -> Any:
    """The fill value of missing chunks; zero if not given, as in Zarr."""
    if value is None or (dtype.kind in "SU" and value in (0, "")):
        return np.zeros((), dtype)[()]
    if isinstance(value, str) and dtype.kind == "U":
        return np.asarray(value[:1000]).astype(dtype)[()]
    if isinstance(value, str) and value in _FILLS and dtype.kind in "fc":
        return dtype.type(_FILLS[value])
    if dtype.kind == "b" and value in (0, 1):
        return bool(value)
    if dtype.kind in "iuf" and isinstance(value, int | float) and not isinstance(value, bool):
        return np.asarray(value).astype(dtype, casting="unsafe" if dtype.kind == "f" else "same_kind")[()]
    raise DataError(f"{where}: got the fill value {str(value)[:60]!r}, which {dtype} cannot be")


def _attributes(attrs: Any, axes: int, where: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    rest = dict(attrs)
    dims = rest.pop("_ARRAY_DIMENSIONS")
    if not isinstance(dims, list) or not all(isinstance(dim, str) for dim in dims):
        raise DataError(f"{where}: damaged, got the dimensions {str(dims)[:60]}, expected their names")
    if len(dims) != axes or len(set(dims)) != axes:
        raise DataError(f"{where}: damaged, got the dimensions {str(dims)[:60]} of {axes} axes")
    return tuple(dims), rest
