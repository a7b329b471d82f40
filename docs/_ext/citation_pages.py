"""How to cite neurosim, from `CITATION.cff`, and the papers of the models, from ``docs/papers.bib``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import yaml
from page_parts import code, table

import neurosim
from neurosim import registry

#: "Song, Miller & Abbott (2000), ..." and what may stand before it in a reference of several papers.
_CITED = re.compile(r"(?:feedback after )?(?P<authors>[^();]+?) \((?P<year>\d{4})\)")


def pages(repository: Path) -> dict[str, str | bytes]:
    """The entry of neurosim, and the papers of the models, to be included."""
    entries = papers(repository)
    rows = [(f"[{name}](/{page}.md)", ", ".join(f"`{key}`" for key in keys)) for name, page, keys in _cited(entries)]
    return {
        "cite_neurosim.md": code(own_entry(repository), "bibtex"),
        "cite_papers.md": table(("model", "papers"), rows, widths=(40, 60))
        + "\n"
        + code("\n\n".join(entries.values()), "bibtex"),
    }


def own_entry(repository: Path) -> str:
    """The BibTeX entry of this version."""
    told = yaml.safe_load((repository / "CITATION.cff").read_text())
    authors = " and ".join("{" + author["name"] + "}" for author in told["authors"])
    lines = [f"title = {{{told['title']}}}", f"author = {{{authors}}}", f"version = {{{neurosim.__version__}}}"]
    lines += [f"url = {{{told['url']}}}"] if "url" in told else []
    lines += [f"year = {{{told['date-released'].year}}}"] if "date-released" in told else []
    return "@software{neurosim,\n  " + ",\n  ".join(lines) + "\n}"


def papers(repository: Path) -> dict[str, str]:
    """All entries, by their key."""
    text = (repository / "docs" / "papers.bib").read_text()
    return {entry.partition("{")[2].partition(",")[0]: entry.strip() for entry in re.split(r"\n\n(?=@)", text)}


def keys_of(reference: str, entries: Mapping[str, str]) -> list[str]:
    """The entries that a model's reference names, by first author and year.

    Raises
    ------
    KeyError
        A paper without an entry.
    """
    found = []
    for cited in (match for part in reference.split(";") if (match := _CITED.match(part.strip()))):
        first = re.split(r",| & | et al\.", cited["authors"])[0]
        key = re.sub(r"[^a-z]", "", first.lower()) + cited["year"]
        if key not in entries:
            raise KeyError(f"'{cited[0]}' has no entry '{key}' in docs/papers.bib")
        found.append(key)
    return found


def entries_of(reference: str | None, repository: Path) -> str:
    """The BibTeX entries of what a model's reference names; empty if it names none."""
    entries = papers(repository)
    return "\n\n".join(entries[key] for key in keys_of(reference or "", entries))


def _cited(entries: Mapping[str, str]) -> list[tuple[str, str, list[str]]]:
    """Each model or circuit with a reference: its name, its page, its papers."""
    files = [(name, f"generated/models/{name}", registry.model_path(name)) for name in registry.models()]
    files += [(name, f"generated/circuits/{name}", registry.circuit_path(name)) for name in registry.circuits()]
    # Only this is asked of them, and to check all else takes long.
    told = [(name, page, tomllib.loads(path.read_text())["model"].get("reference")) for name, page, path in files]
    return [(name, page, keys_of(reference, entries)) for name, page, reference in told if reference]
