"""How loss and error are read from the output: each is a file with a ``READOUT``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.public_names import on_first_use

if TYPE_CHECKING:
    from neurosim.readouts._readout import Readout as Readout

_HOME: dict[str, str] = {"Readout": "_readout"}
__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__, __dir__ = on_first_use(__name__, _HOME)
