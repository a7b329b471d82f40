"""Public names of a package, imported when they are first used: Brian2 and JAX take seconds to load."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

from neurosim.suggestions import hint


def on_first_use(package: str, home: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and the ``__dir__`` of a package.

    Parameters
    ----------
    package
        Its name, ``__name__``.
    home
        Public name -> the module below the package that defines it; a module that is public itself has an empty home.

    Returns
    -------
    tuple of functions
        For the package to keep as ``__getattr__`` and ``__dir__``.
    """

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module '{package}' has no attribute '{name}'{hint(name, tuple(home))}", name=name)
        if not home[name]:
            return importlib.import_module(f"{package}.{name}")
        return getattr(importlib.import_module(f"{package}.{home[name]}"), name)

    def names() -> list[str]:
        return sorted({*home, *(name for name in vars(sys.modules[package]) if name.startswith("__"))})

    return get, names
