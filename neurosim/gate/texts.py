"""Read JSON, also of strangers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from neurosim.errors import DataError
from neurosim.gate.limits import opened

# Parsing takes some twenty times the memory of the text.
_LARGEST = 16 << 20


def read_json(path: Path, *, most: int = _LARGEST) -> Any:
    """JSON from a file.

    Parameters
    ----------
    path
        The file.
    most
        Bytes that it may have.

    Raises
    ------
    DataError
        It cannot be read, is no JSON, or larger.
    """
    stream, size = opened(path, most=most)
    with stream:
        try:
            data = stream.read(size)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    return parsed_json(data, str(path))


def parsed_json(data: bytes | str, what: str) -> Any:
    """Parse JSON that is read already.

    Raises
    ------
    DataError
        It is none, or has text that cannot be written anywhere.
    """
    try:
        value = json.loads(data)
        # JSON can name one half of a character, which no text has and no encoding can write.
        if (b"\\u" if isinstance(data, bytes) else "\\u") in data:  # type: ignore[operator]
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise DataError(f"{what}: damaged, no valid JSON ({str(error)[:200]})") from error
