"""One page for each public name, from its docstring, and one for each package that is used by its modules."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from page_parts import evaluated, table, toctree

import neurosim

#: Packages whose functions are imported from their modules, because nobody needs them all.
PACKAGES = ("stability", "gradients", "plots")


def pages(repository: Path) -> dict[str, str | bytes]:
    """The page of each name, and the page of all names."""
    found: dict[str, str | bytes] = {}
    rows = []
    for name in neurosim.__all__:
        thing = getattr(neurosim, name)
        directive = "autoclass" if inspect.isclass(thing) else "autofunction"
        members = _members(thing) if inspect.isclass(thing) else ""
        found[f"api/{name}.md"] = f"# {name}\n\n" + evaluated(f".. {directive}:: neurosim.{name}{members}")
        rows.append((f"[{name}]({name}.md)", _first_line(thing)))
    packages = [f"neurosim.{package}" for package in PACKAGES]
    found |= {f"api/{package}.md": _package(importlib.import_module(package)) for package in packages}
    described = [(f"[{name}]({name}.md)", _first_line(importlib.import_module(name))) for name in packages]
    found["api/index.md"] = (
        f"# API\n\nPublic names: these are in `neurosim`.\n\n{table(('name', 'what it is'), rows, widths=(28, 72))}\n"
        "What analyses and draws is imported from its module.\n\n"
        + table(("package", "what it is"), described, widths=(28, 72))
        + "\n(source)=\n## Source\n\nEach name's page has a link to its source; "
        '<a href="../../_modules/index.html">all modules</a> are shown, too. How they hang together: '
        "[architecture](../../developer/architecture.md).\n\n" + toctree([*neurosim.__all__, *packages], hidden=True)
    )
    return found


def _package(package: ModuleType) -> str:
    """A page with the public functions and classes of all modules of a package."""
    parts = [f"# {package.__name__}\n", _first_line(package) + "\n"]
    for module in _modules(package):
        parts += [f"## {module.__name__.rpartition('.')[2]}\n", evaluated(inspect.getdoc(module) or "")]
        for name, thing in _public(module):
            directive = "autoclass" if inspect.isclass(thing) else "autofunction"
            members = _members(thing) if inspect.isclass(thing) else ""
            parts.append(evaluated(f".. {directive}:: {module.__name__}.{name}{members}"))
    return "\n".join(parts)


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    """Those with anything public of their own that has no page already."""
    for found in pkgutil.iter_modules(package.__path__):
        if not found.name.startswith("_"):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            if _public(module):
                yield module


def _public(module: ModuleType) -> list[tuple[str, Any]]:
    """Functions and classes that a module defines, in its order, but for those that are in `neurosim`."""
    own = [getattr(neurosim, name) for name in neurosim.__all__]
    return [
        (name, thing)
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(thing) or inspect.isclass(thing))
        and thing.__module__ == module.__name__
        and not any(thing is each for each in own)
    ]


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def _members(thing: type) -> str:
    """The class's own members; what other libraries put on it has its documentation there."""
    foreign = [
        name
        for name in vars(thing)
        if not name.startswith("_")
        and not getattr(getattr(thing, name), "__module__", "neurosim").startswith("neurosim")
    ]
    return "\n   :members:" + (f"\n   :exclude-members: {', '.join(foreign)}" if foreign else "")
