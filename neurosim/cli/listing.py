"""Rows and JSON for the verbs `list` and `check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurosim import registry
from neurosim.cli.options import kinds
from neurosim.errors import UnknownNameError
from neurosim.model_files.sections import read_sections
from neurosim.model_files.variants import variants_of

if TYPE_CHECKING:
    from neurosim.model_files.model_file import Model


def chosen(kind: str | None) -> tuple[str, ...]:
    """The kinds to list; a singular counts as its plural.

    Raises
    ------
    UnknownNameError
        There is no such kind.
    """
    if kind is None:
        return kinds()
    for known in kinds():
        if kind in (known, known.removesuffix("s")):
            return (known,)
    raise UnknownNameError(registry.unknown("kind", kind, list(kinds())))


def entries(kind: str) -> list[dict[str, Any]]:
    """Name and description of every variant of a kind; models with their own variants."""
    if kind != "models":
        return [{"name": name, "description": registry.describe(kind, name)} for name in registry.names(kind)]
    found = []
    for name in registry.models():
        sections = read_sections(name)[1]
        title = str(sections.get("model", {}).get("title", ""))
        found.append({"name": name, "description": title, "variants": variants_of(sections)})
    return found


def rows(kind: str) -> list[tuple[str, str]]:
    """The entries of a kind as rows of a table."""
    found: list[tuple[str, str]] = []
    for entry in entries(kind):
        found.append((entry["name"], entry["description"]))
        found += [(f"  +{name}", title) for name, title in entry.get("variants", {}).items()]
    return found


def described(model: Model) -> dict[str, Any]:
    """A checked model as JSON: name, settings, circuit."""
    circuit = model.circuit
    return {
        "name": model.name,
        "hash": model.hash,
        "settings": model.resolve(),
        "variants": model.variants,
        "circuit": {
            "populations": {population.name: population.size for population in circuit.populations},
            "pathways": {
                pathway.name: {"source": pathway.source, "target": pathway.target, "shape": circuit.shape(pathway.name)}
                for pathway in circuit.pathways
            },
            "text": str(circuit),
        },
    }
