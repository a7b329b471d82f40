"""Read numbers with decimal commas."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from neurosim.errors import DataError

_COMMA_NUMBER = re.compile(r"[+-]?(\d+,?\d*|,\d+)(e[+-]?\d+)?|[+-]?(inf|infinity)|nan", re.IGNORECASE)
# A number with points between thousands, or before its decimals.
_POINT_NUMBER = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?|[+-]?\d*\.\d+(e[+-]?\d+)?", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?\d{1,18}")


def with_commas(path: Path, name: str, texts: np.ndarray) -> np.ndarray:
    """The numbers, if all texts are numbers or empty: integers if no text has a comma."""
    if texts.dtype.kind != "O":
        return texts  # all are empty
    given = [text for text in texts if text is not None]
    points = [text for text in given if _POINT_NUMBER.fullmatch(text)]
    if points and all(_COMMA_NUMBER.fullmatch(text) or _POINT_NUMBER.fullmatch(text) for text in given):
        raise DataError(
            f"{path}: '{name}' has '{points[0]}' where decimals are written with commas; if points stand between "
            "thousands, delete them; if they are decimals, say task.decimal = '.'"
        )
    if not given or not all(_COMMA_NUMBER.fullmatch(text) for text in given):
        truth = {"true": True, "false": False}
        if given and len(given) == len(texts) and all(text.lower() in truth for text in given):
            return np.array([truth[text.lower()] for text in given])
        return texts
    if len(given) == len(texts) and all(_WHOLE.fullmatch(text) for text in given):
        return np.array([int(text) for text in given])
    return np.array([np.nan if text is None else float(text.replace(",", ".")) for text in texts])


def decimal_comma(text: str) -> bool:
    """Whether a text is a number with a decimal comma."""
    return re.fullmatch(r"\s*[+-]?\d*,\d+(e[+-]?\d+)?\s*", text, re.IGNORECASE) is not None
