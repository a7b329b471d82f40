"""Equations in Brian2's language: parsed, checked, and turned into code on arrays.

`grammar` and `parse` are light. The modules that ask Brian2 or SymPy are imported when something first uses them, as
``equations.dimensions`` and so on, because that takes a second and a half.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurosim.equations import array_code as array_code
    from neurosim.equations import dimensions as dimensions
    from neurosim.equations import discretise as discretise
    from neurosim.equations import symbolic as symbolic

_LATE = ("array_code", "dimensions", "discretise", "symbolic")


def __getattr__(name: str) -> ModuleType:
    if name not in _LATE:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return importlib.import_module(f"{__name__}.{name}")
