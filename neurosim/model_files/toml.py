"""Read TOML of strangers; no other module does. Text that could exhaust memory or time is refused before parsing.

The parser's memory grows with the square of the parts of a key, and it recurses into nested values. So one pass over
the text bounds length, parts and depth. Encodings other than UTF-8 are recognised by their mark, or named.
"""

from __future__ import annotations

import codecs
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurosim.errors import ConfigError, DataError

_LARGEST = 1 << 20
#: Most parts of a key, and most nested tables or arrays; no setting lies deeper.
DEEPEST = 32
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # starts like the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_TOKENS = re.compile(
    r'''(?P<text>"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*|[^"'\#\n\[\]{}.=,]+)'''
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<dot>\.)|(?P<other>\"\"\"|'''|.)",
    re.DOTALL,
)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises
    ------
    DataError
        The file cannot be read.
    ConfigError
        It is no TOML, no UTF-8, or too large or too deep.
    """
    try:
        # Reading a pipe may never end, and a stranger's sweep may name one as its model.
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{_cut(str(path))}: cannot be read, this is no file")
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataError(f"{_cut(str(path))}: cannot be read ({reason})") from error
    if len(data) > _LARGEST:
        raise ConfigError(f"{path}: larger than 1 MiB, which no such file needs to be")
    return parsed(decoded(data, str(path)), str(path))


def parsed(text: str, where: str) -> dict[str, Any]:
    """The tables of TOML text.

    Raises
    ------
    ConfigError
        It is no TOML, or too deep.
    """
    line = _too_deep(text)
    if line is not None:
        raise ConfigError(f"{where}: line {line}: nested too deeply, expected at most {DEEPEST} levels")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{where}: nested too deeply, expected at most {DEEPEST} levels") from None
    except ValueError as error:
        # Python's own advice on long numbers is about Python.
        long = "set_int_max_str_digits" in str(error)
        raise ConfigError(f"{where}: no valid TOML: {'a number has thousands of digits' if long else error}") from error


def value_of(text: str) -> Any:
    """The value of TOML text; text that is no TOML stays text, as in ``--set scheme.kind=fa``.

    Raises
    ------
    ConfigError
        It is nested too deeply.
    """
    if "\n" in text:
        return text
    if _too_deep(text) is not None:
        raise ConfigError(f"nested too deeply, expected at most {DEEPEST} levels")
    try:
        tables = tomllib.loads(f"value = {text}")
    except ValueError:
        return text
    return tables["value"]


def decoded(data: bytes, where: str) -> str:
    """Decode bytes as UTF-8, or as their byte order mark says.

    Raises
    ------
    ConfigError
        They are in another encoding; the message names the likely one.
    """
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    body = data[len(mark) :]
    if not mark and b"\0" in body[:200]:
        even, odd = body[0:200:2].count(0), body[1:200:2].count(0)
        seems = "UTF-16 without a byte order mark" if even == 0 or odd == 0 else "no text"
        raise ConfigError(f"{where}: not UTF-8 (it seems to be {seems}): save it as UTF-8")
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        place = f"line {line}" if encoding == "utf-8" else f"byte {error.start}"
        seems = "Latin-1 or another one of single bytes" if encoding == "utf-8" else encoding.upper()
        sentence = f"{where}: {place}: not UTF-8 (the encoding seems to be {seems}): save it as UTF-8"
        raise ConfigError(sentence) from error


def depth_is_fine(value: Any) -> bool:
    """Whether nested tables and arrays, even cyclic ones, are no deeper than `DEEPEST`."""
    level = [value]
    for _ in range(DEEPEST + 1):
        inner = {id(each): each for one in level for each in _inside(one)}
        if not inner:
            return True
        level = list(inner.values())
    return False


def _inside(value: Any) -> list[Any]:
    values = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [each for each in values if isinstance(each, Mapping | list | tuple)]


def _too_deep(text: str) -> int | None:
    """The line with too many brackets or parts of a key; ``None`` if there is none."""
    depth = parts = 0
    for token in _TOKENS.finditer(text):
        kind = token.lastgroup
        if kind == "text":
            continue
        if token[0] in "\"'":
            return None  # the parser reports that this string does not end
        parts = parts + 1 if kind == "dot" else 0
        depth += (kind == "open") - (kind == "close")
        if depth > DEEPEST or parts >= DEEPEST:
            return text.count("\n", 0, token.start()) + 1
    return None


def _cut(text: str) -> str:
    shown = text if text.isprintable() else repr(text)
    return shown if len(shown) <= 200 else f"{shown[:197]}..."
