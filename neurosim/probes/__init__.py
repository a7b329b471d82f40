"""Measurements of a circuit that are no training: how well, how fast and at what price it finds the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.public_names import on_first_use

if TYPE_CHECKING:
    from neurosim.probes._findings import Findings as Findings
    from neurosim.probes._findings import Number as Number
    from neurosim.probes._findings import OnStep as OnStep

_HOME: dict[str, str] = dict.fromkeys(("Findings", "Number", "OnStep"), "_findings")
__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__, __dir__ = on_first_use(__name__, _HOME)
