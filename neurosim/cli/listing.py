"""Rows and JSON for the verbs `list` and `check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurosim import registry
from neurosim.cli.options import kinds
from neurosim.errors import UnknownNameError
from neurosim.model_files.sections import read_sections
from neurosim.model_files.variants import variants_of

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit
    from neurosim.model_files.circuits.circuit_file import CircuitFile
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
    """Name and description of every variant of a kind; models and circuits with their own variants."""
    if kind not in ("models", "circuits"):
        return [{"name": name, "description": registry.describe(kind, name)} for name in registry.names(kind)]
    listed = []
    for name in registry.models() if kind == "models" else registry.circuits():
        sections = read_sections(name)[1]
        title = str(sections.get("model", {}).get("title", ""))
        listed.append({"name": name, "description": title, "variants": variants_of(sections)})
    return listed


def rows(kind: str) -> list[tuple[str, str]]:
    """The entries of a kind as rows of a table."""
    lines: list[tuple[str, str]] = []
    for entry in entries(kind):
        lines.append((entry["name"], entry["description"]))
        lines += [(f"  +{name}", title) for name, title in entry.get("variants", {}).items()]
    return lines


def described(model: Model) -> dict[str, Any]:
    """A checked model as JSON: name, settings, circuit."""
    return {
        "name": model.name,
        "hash": model.hash,
        "settings": model.resolve(),
        "variants": model.variants,
        "circuit": _circuit(model.circuit),
    }


def described_circuit(file: CircuitFile) -> dict[str, Any]:
    """A checked circuit file as JSON: name, sections, circuit."""
    return {
        "name": file.name,
        "settings": file.resolve(),
        "variants": file.variants,
        "circuit": _circuit(file.circuit),
    }


def _circuit(circuit: Circuit) -> dict[str, Any]:
    return {
        "populations": {population.name: population.size for population in circuit.populations},
        "pathways": {
            pathway.name: {"source": pathway.source, "target": pathway.target, "shape": circuit.shape(pathway.name)}
            for pathway in circuit.pathways
        },
        "text": str(circuit),
    }
