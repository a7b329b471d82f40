"""Learning rules of pathways: each is a file with a ``RULE``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.public_names import on_first_use

if TYPE_CHECKING:
    from neurosim.rules._oracle import OracleRule as OracleRule
    from neurosim.rules._rule import Rule as Rule

_HOME: dict[str, str] = {"OracleRule": "_oracle", "Rule": "_rule"}
__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__, __dir__ = on_first_use(__name__, _HOME)
