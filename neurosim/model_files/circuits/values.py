"""Values in files: numbers, quantities, arrays, and arrays in files beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag, field_validator, model_validator

from neurosim.errors import DataError, UnitError
from neurosim.gate.limits import check_size
from neurosim.model_files.checking import Faults, check_table, shown
from neurosim.suggestions import did_you_mean
from neurosim.units import parse_quantity, unit_dimensions

_EXPECTED = "expected a number, a quantity such as '10 ms', or an array of numbers"
#: Keys by one of which a table is a value, and no table of names.
_MARKS = ("file", "values", "times")
#: How names of files with arrays end.
SUFFIXES = (".npy", ".npz", ".zarr")


class Array(BaseModel):
    """An array in place of a value: in the file of the circuit, or in another one.

    Attributes
    ----------
    values
        The numbers, in nested lists.
    file
        A file with the numbers, ``.npy``, ``.npz`` or a Zarr store (``.zarr``); its path is relative to the file of the
        circuit.
    array
        Which array of the file, where there are several: ``E.v``.
    unit
        The unit of the numbers, such as ``nA``; SI units by default.
    over_time
        Whether the first axis is time. Of inputs only; see `neurosim.over_time`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    values: Any = None
    file: str | None = None
    array: str | None = None
    unit: str | None = None
    over_time: bool = False

    @field_validator("values")
    @classmethod
    def _are_numbers(cls, values: Any) -> Any:
        _check_list(values)
        return values

    @field_validator("file")
    @classmethod
    def _is_of_arrays(cls, file: str | None) -> str | None:
        if file is not None and Path(file).suffix not in SUFFIXES:
            raise ValueError(f"got {shown(file)}, expected a file .npy or .npz, or a Zarr store .zarr")
        return file

    @field_validator("unit")
    @classmethod
    def _is_a_unit(cls, unit: str | None) -> str | None:
        if unit is not None:
            try:
                parse_quantity(f"1 {unit}")
            except UnitError as error:
                raise ValueError(f"got {shown(unit)}, expected a unit such as 'nA' ({error})") from error
        return unit

    @model_validator(mode="after")
    def _is_one(self) -> Array:
        if (self.file is None) == (self.values is None):
            got = "neither a file nor values" if self.file is None else "both a file and values"
            raise ValueError(f"got {got}, expected one of them")
        return self

    def read(self) -> Any:
        """The array, with its unit if it says one, and over time if it says so.

        Raises
        ------
        DataError
            The file is missing, damaged, too large, or has no such array.
        """
        array, unit = self._numbers()
        if (unit := self.unit or unit) is not None:
            array = _with_unit(array, unit)
        if not self.over_time:
            return array
        from neurosim.recording.courses import over_time

        return over_time(array)

    def _numbers(self) -> tuple[np.ndarray, str | None]:
        """The numbers, and their unit if the file says it."""
        if self.file is None:
            return np.asarray(self.values, dtype=float), None
        path = Path(self.file)
        if path.suffix == ".npy":
            from neurosim.gate.npz import read_npy

            return read_npy(path), None
        return _from_zarr(path, self.array) if path.suffix == ".zarr" else (_from_npz(path, self.array), None)


def check_plain(value: Any) -> Any:
    """A number, a text, a truth value, or nested lists of numbers; of anything else a `ValueError`, for a report."""
    if isinstance(value, list | tuple):
        _check_list(value)
    elif value is None or not isinstance(value, str | float | int):
        raise ValueError(f"got {shown(value)}, {_EXPECTED}")
    elif not isinstance(value, str) and not _is_number(value):
        raise ValueError(f"got {shown(value)}, expected a finite number")
    return value


def _is_table(value: Any) -> str:
    return "array" if isinstance(value, Mapping | Array) else "plain"


#: A setting that is a value: plain, or a table that says where an array is.
Value = Annotated[
    Annotated[Array, Tag("array")] | Annotated[Any, BeforeValidator(check_plain), Tag("plain")],
    Discriminator(_is_table),
]


class GivenSpikes(BaseModel):
    """Spikes that are given to neurons of the kind ``spike_source``: ``"P.spikes" = { times = ..., indices = ... }``.

    A list of such tables gives each trial its own.

    Attributes
    ----------
    times
        When: an array in seconds, or a table ``{ values = [1, 3], unit = "ms" }`` or with a file.
    indices
        Which neuron spikes then, counted from zero; as many.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    times: Value
    indices: Value

    def read(self) -> tuple[Any, Any]:
        """Times and indices."""
        return read(self.times), read(self.indices)


def _with_unit(numbers: np.ndarray, unit: str) -> Any:
    """A quantity of Brian2, whose unit is checked where it is used."""
    from neurosim.equations.brian import brian2, get_or_create_dimension

    dimensions = get_or_create_dimension(unit_dimensions(unit))
    return brian2.Quantity(numbers * parse_quantity(f"1 {unit}"), dim=dimensions)


def _from_npz(path: Path, asked: str | None) -> np.ndarray:
    from neurosim.gate.npz import names_in, read_npz

    name = _chosen(path, asked, names_in(path))
    return read_npz(path, names=(name,))[name]


def _from_zarr(path: Path, asked: str | None) -> tuple[np.ndarray, str | None]:
    from neurosim.gate.stores import open_store

    store = open_store(path)
    array = store.arrays[_chosen(path, asked, tuple(store.arrays))]
    check_size(array.about.nbytes, str(path))
    unit = array.about.attrs.get("units")
    numbers = array.read((slice(None),) * len(array.about.shape))
    return numbers, unit if isinstance(unit, str) and unit != "1" else None


def _chosen(path: Path, asked: str | None, names: tuple[str, ...]) -> str:
    if asked is None and len(names) == 1:
        return names[0]
    if asked is None or asked not in names:
        got = "several arrays" if asked is None else f"no array '{asked}'"
        raise DataError(f"{path}: has {got}, expected array = one of its names; {did_you_mean(asked or '', names)}")
    return asked


def _check_list(value: Any) -> None:
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):
        raise ValueError(f"got {shown(value)}, expected lists of equal lengths, with numbers only") from None
    if not array.size or array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise ValueError(f"got {shown(value)}, expected an array of finite numbers")


def _is_number(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def check_values(table: Any, path: str, faults: Faults) -> dict[str, Any]:
    """The values of a section of names such as ``E.i_ext``, each a plain value or an `Array`.

    A dot in a name is written as a table (``[inputs.E]``), in quotes, or as it is on the command line.
    """
    if not isinstance(table, Mapping):
        faults.add(path, f"got {shown(table)}, expected a table [{path}]")
        return {}
    checked: dict[str, Any] = {}
    for name, value in flat(table):
        where = f"{path}.{name}"
        if name in checked:
            faults.add(where, "got it twice, in quotes and as a table, expected one of them")
        elif isinstance(value, Mapping):
            checked[name] = check_table(GivenSpikes if "times" in value else Array, value, where, faults)
        elif isinstance(value, list | tuple) and value and all(isinstance(each, Mapping) for each in value):
            checked[name] = [check_table(GivenSpikes, each, f"{where}.{n}", faults) for n, each in enumerate(value)]
        else:
            try:
                checked[name] = check_plain(value)
            except ValueError as error:
                faults.add(where, f"{error}, or a table with a file or values")
    return checked


def flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Names with dots, and values, of nested tables; a table with a file or with values is a value."""
    for key, value in table.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping) and not any(mark in value for mark in _MARKS):
            yield from flat(value, f"{name}.")
        else:
            yield name, value


def read(value: Any) -> Any:
    """A checked value as functions take it."""
    if isinstance(value, Array | GivenSpikes):
        return value.read()
    if isinstance(value, list) and value and isinstance(value[0], GivenSpikes):
        return [each.read() for each in value]
    return np.asarray(value, dtype=float) if isinstance(value, list | tuple) else value
