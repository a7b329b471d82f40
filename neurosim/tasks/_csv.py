"""Read tables of text, with names in the first line and one row an example; explain files of other formats."""

from __future__ import annotations

import csv
import io
import re
import sys
import unicodedata
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from neurosim.errors import DataError
from neurosim.gate.limits import remedy
from neurosim.tasks._decimal_comma import with_commas

# Numbers as double and single precision; a cell has at least one character and a separator.
_BYTES_A_CELL = 12
# A cell of a short text that no other cell has: as an object of Python's, the same without blanks, and where each is.
BYTES_A_TEXT, _BYTES_BESIDE_A_TEXT = 160, 50
# Each column is an array, and all names are compared.
_MOST_COLUMNS = 100_000
# Number of cells checked at once.
_CELLS_AT_ONCE = 1 << 18
# Blanks and invisible characters that word processors and spreadsheets leave.
_UNSEEN = " \t\r\n\v\f\u00a0\u2007\u202f\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"
_NO_TEXT = (
    (
        b"PK\x03\x04",
        "a ZIP archive, such as .xlsx or .npz",
        "save the table as .csv, or name an archive of arrays .npz",
    ),
    (b"\x1f\x8b", "packed by gzip", "unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", "save the table as .csv"),
    (b"\x93NUMPY", "an array of NumPy", "name it .npy"),
    (b"PAR1", "a Parquet file", "save the table as .csv"),
    (b"\x89HDF", "an HDF5 file", "save the table as .csv, or its arrays as .npz"),
)
_OTHER_SEPARATORS = {";": ";", "\t": "\\t", "|": "|", ",": ",", " ": " "}


@dataclass(frozen=True)
class Csv:
    """How a table is written.

    Attributes
    ----------
    separator, decimal
        Between cells, and before the decimals of a number.
    """

    separator: str = ","
    decimal: str = "."


def read_names(path: Path, stream: BinaryIO, written: Csv) -> tuple[str, ...]:
    """The names in the first line, without blanks around them; ``""`` for a column that has none.

    Raises
    ------
    DataError
        There is no such line, it is something else, or it has one name twice.
    """
    _refuse_no_text(path, stream)
    stream.seek(0)
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    try:
        lines = (cells for cells in csv.reader(text, delimiter=written.separator, skipinitialspace=True) if cells)
        first, second = next(lines, None), next(lines, ())
    except (csv.Error, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    finally:
        text.detach()
    if first is None:
        raise DataError(f"{path}: cannot be read as .csv: the file is empty, expected names in its first line")
    names = tuple(plain_text(name) for name in first)
    if len(names) > _MOST_COLUMNS:
        raise DataError(
            f"{path}: its first line has {len(names)} names, expected at most {_MOST_COLUMNS} columns; a wider table "
            "belongs in a .npz, as one array (examples, columns)"
        )
    _refuse_no_names(path, names, written, len(second))
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise DataError(
            f"{path}: its first line has {_listed(twice)} more than once; expected a name of its own for each column "
            "(blanks around a name do not count, nor do signs that cannot be seen)"
        )
    return names


def read_cells(
    path: Path, stream: BinaryIO, written: Csv, names: Sequence[str], wanted: Sequence[str], largest: int
) -> dict[str, np.ndarray]:
    """Some columns, (n,) each: numbers where all cells are, else texts without blanks around them, ``None`` if empty.

    Raises
    ------
    DataError
        Rows that are longer than the first line, no rows, or more than may be read.
    """
    import pandas

    lines = _lines(stream)
    _refuse_beyond(lines * len(names) * _BYTES_A_CELL, largest, path, f"its {len(names)} columns")
    try:
        with warnings.catch_warnings():
            # By default pandas cuts rows that are too long, with a warning.
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            if lines * len(names) * BYTES_A_TEXT > largest:
                _refuse_texts(path, stream, written, names, largest)
            # Parse all columns: only then are rows that are too long noticed.
            table = _parsed(stream, written, len(names))
    except pandas.errors.ParserWarning as error:
        raise DataError(f"{path}: {_longer(len(names), 'row 1 has more')}") from error
    except ValueError as error:
        counted = re.search(r"Expected \d+ fields in line (\d+), saw (\d+)", str(error))
        if counted:
            raise DataError(f"{path}: {_longer(len(names), f'line {counted[1]} has {counted[2]}')}") from error
        raise _unreadable(path, error) from error
    if not len(table):
        raise DataError(
            f"{path}: has {len(names)} names in its first line and no rows below it, expected one an example"
        )
    columns = {name: _column(table[names.index(name)]) for name in wanted}
    return columns if written.decimal == "." else {name: with_commas(path, name, columns[name]) for name in wanted}


def _parsed(stream: BinaryIO, written: Csv, count: int, **settings: Any) -> Any:
    """All columns by their numbers, as pandas reads them."""
    import pandas

    stream.seek(0)
    return pandas.read_csv(
        stream,
        sep=written.separator,
        decimal=written.decimal,
        header=0,
        names=list(range(count)),
        index_col=False,
        # Only an empty cell is missing: "NA" and "None" may be labels.
        keep_default_na=False,
        na_values=[""],
        skipinitialspace=True,
        low_memory=False,
        # pandas takes "1.100" for 1.1, though where commas are decimals points stand between thousands.
        dtype=str if written.decimal == "," else None,
        **settings,
    )


def _refuse_texts(path: Path, stream: BinaryIO, written: Csv, names: Sequence[str], largest: int) -> None:
    """Refuse texts that would take too much: each that no other cell has is an object, many times as long as it is.

    Only of a file in which they could; it is read twice then, a few rows at a time.
    """
    size = 0
    for piece in _parsed(stream, written, len(names), chunksize=max(1, _CELLS_AT_ONCE // len(names))):
        for _, column in piece.items():
            size += len(column) * 8
            if column.dtype.kind not in "biuf":
                # The text as it is, and without blanks around it.
                size += sum(_BYTES_BESIDE_A_TEXT + 2 * sys.getsizeof(text) for text in column.unique())
        _refuse_beyond(size, largest, path, f"the texts and numbers of its {len(names)} columns")


def _refuse_beyond(size: int, largest: int, path: Path, what: str) -> None:
    if size > largest:
        raise DataError(
            f"{path}: {what} would take {size / 2**20:.0f} MiB, expected at most "
            f"{largest / 2**20:.0f} MiB{remedy(largest)}"
        )


def _longer(count: int, what: str) -> str:
    return (
        f"cannot be read as .csv: its first line has {count} names, {what} cells; if rows begin with a name, give that "
        "column a name too; a text with a separator in it belongs in quotation marks; for numbers with decimal commas, "
        "separate columns by ';' and say task.separator and task.decimal"
    )


def _column(series: Any) -> np.ndarray:
    array = np.asarray(series)
    if array.dtype.kind in "biuf":
        return array
    return text_column(array)


def plain_text(text: str) -> str:
    """A text as it appears: composed letters, without surrounding blanks or invisible characters."""
    return unicodedata.normalize("NFC", text).strip(_UNSEEN)


def text_column(cells: np.ndarray) -> np.ndarray:
    """Texts (n,) as objects, without blanks around them, ``None`` for what is empty."""
    texts = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        text = "" if cell is None or (isinstance(cell, float) and cell != cell) else plain_text(str(cell))
        texts[row] = text or None
    return texts


def _lines(stream: BinaryIO) -> int:
    stream.seek(0)
    count = 0
    while piece := stream.read(1 << 20):
        # Also those of old files, which end with a carriage return alone.
        count += piece.count(b"\n") + piece.count(b"\r") - piece.count(b"\r\n")
    return count + 1


def _refuse_no_text(path: Path, stream: BinaryIO) -> None:
    """The format of a file that is no text, if its first bytes show it."""
    stream.seek(0)
    begin = stream.read(1024)
    for magic, kind, advice in _NO_TEXT:
        if begin.startswith(magic):
            raise DataError(f"{path}: is no .csv but {kind}; {advice}")
    if b"\0" in begin:
        raise DataError(f"{path}: is no UTF-8 text, it holds NUL bytes as UTF-16 does; save it as .csv in UTF-8")


def _refuse_no_names(path: Path, names: tuple[str, ...], written: Csv, second: int) -> None:
    first = written.separator.join(names)
    shown = repr(first if len(first) <= 60 else f"{first[:57]}...")
    if first.startswith("#"):
        raise DataError(
            f"{path}: its first line begins with '#': {shown}; expected the names of the columns: delete the lines of "
            "comment, or the '#' if these are the names"
        )
    if first.lower().startswith("sep="):
        raise DataError(
            f"{path}: its first line is {shown}; expected the names of the columns: delete it, and say "
            f"task.separator = '{first[4:5]}'"
        )
    if len(names) > 1:
        return
    others = [other for other in _OTHER_SEPARATORS if other != written.separator and other in first]
    if second > 1 and others in ([], [" "]):
        raise DataError(
            f"{path}: its first line {shown} has one name, the next one {second} cells; expected the names of the "
            "columns: if this is a title, delete it"
        )
    if others:
        other = _OTHER_SEPARATORS[others[0]]
        comma = ", and task.decimal = ',' if its numbers have decimal commas" if others[0] != "," else ""
        raise DataError(
            f"{path}: its first line {shown} has one name where columns are separated by "
            f"'{_OTHER_SEPARATORS[written.separator]}'; if they are separated by '{other}', say "
            f'task.separator = "{other}"{comma}'
        )


def first_line_advice(names: Sequence[str]) -> str:
    """A hint about a first line that lacks a name: it holds numbers, or other separators."""
    if all(_is_number(name) for name in names):
        return "; its first line holds numbers: is the line with the names missing?"
    separators = [other for other in (";", "\t", "|") if any(other in name for name in names)]
    return (
        f"; if columns are separated by '{_OTHER_SEPARATORS[separators[0]]}', say task.separator" if separators else ""
    )


def _is_number(text: str) -> bool:
    try:
        return bool(text) and float(text) == float(text)
    except ValueError:
        return False


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, UnicodeDecodeError):
        return DataError(f"{path}: cannot be read as .csv: no UTF-8 text (at byte {error.start}); save it as UTF-8")
    if "EOF inside string" in str(error) or "unexpected end of data" in str(error):
        return DataError(
            f"{path}: cannot be read as .csv: a quotation mark is opened and not closed (EOF inside string); close it, "
            "or write it twice where it belongs to a text"
        )
    return DataError(f"{path}: cannot be read as .csv ({' '.join(str(error).split())[:200]})")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:10]) + (" ..." if len(names) > 10 else "")
