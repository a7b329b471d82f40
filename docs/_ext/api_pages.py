"""One page for each public name, from its docstring."""

from __future__ import annotations

import inspect
from pathlib import Path

from page_parts import evaluated, table, toctree

import neurosim


def pages(repository: Path) -> dict[str, str | bytes]:
    """The page of each name, and the page of all names."""
    found: dict[str, str | bytes] = {}
    rows = []
    for name in neurosim.__all__:
        thing = getattr(neurosim, name)
        directive = "autoclass" if inspect.isclass(thing) else "autofunction"
        members = _members(thing) if inspect.isclass(thing) else ""
        found[f"api/{name}.md"] = f"# {name}\n\n" + evaluated(f".. {directive}:: neurosim.{name}{members}")
        rows.append((f"[{name}]({name}.md)", (inspect.getdoc(thing) or "").partition("\n")[0]))
    listed = table(("name", "what it is"), rows)
    found["api/index.md"] = f"# Public names\n\nAll of them are in `neurosim`.\n\n{listed}\n" + toctree(
        neurosim.__all__, hidden=True
    )
    return found


def _members(thing: type) -> str:
    """The class's own members; what other libraries put on it has its documentation there."""
    foreign = [
        name
        for name in vars(thing)
        if not name.startswith("_")
        and not getattr(getattr(thing, name), "__module__", "neurosim").startswith("neurosim")
    ]
    return "\n   :members:" + (f"\n   :exclude-members: {', '.join(foreign)}" if foreign else "")
