"""The gallery: a card for each model and circuit, with its picture or the diagram of its circuit."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from pictures import kept

from neurosim import registry

#: On the first page: one of each sort of what can be done.
_CHOSEN = (
    "lansdell2020/digits",
    "podlaski2020/loops",
    "learned_in_time/teacher",
    "classics/brunel2000",
    "classics/vogels2011",
    "classics/synfire",
)


def pages(repository: Path) -> dict[str, str | bytes]:
    """The gallery, and the row of the first page, to be included."""
    models, circuits = registry.models(), registry.circuits()
    gallery = [
        "# Gallery\n",
        "Each picture is what a run of the model draws; the page behind it has the command. Where a run takes long or "
        "needs data from elsewhere, the card shows the circuit.\n",
        "## Networks that are simulated\n",
        _grid(circuits, repository),
    ]
    by_paper: dict[str, list[str]] = {}
    for name in models:
        by_paper.setdefault(name.partition("/")[0], []).append(name)
    gallery.append("## Models that learn, and measurements\n")
    for paper, names in by_paper.items():
        readme = (repository / "models" / paper / "README.md").read_text()
        gallery += [f"### {readme.partition(chr(10))[0].lstrip('# ')}\n", _grid(names, repository)]
    return {"gallery.md": "\n".join(gallery), "thumbnails.md": _grid(_CHOSEN, repository)}


def _grid(names: Iterable[str], repository: Path) -> str:
    """Cards beside each other; paths are from the root of the pages, so that other pages may include it."""
    cards = "\n".join(_card(name, repository) for name in names)
    return f"::::{{grid}} 1 2 2 3\n:gutter: 3\n:class-container: gallery\n\n{cards}::::\n"


def _card(name: str, repository: Path) -> str:
    circuit = name in registry.circuits()
    path = registry.circuit_path(name) if circuit else registry.model_path(name)
    title = tomllib.loads(path.read_text())["model"].get("title", name)
    page = f"/generated/{'circuits' if circuit else 'models'}/{name}"
    picture = kept(repository).get(name)
    if picture is not None:
        image, text = f"/{picture.path.relative_to('docs').as_posix()}", picture.shows
    else:
        image, text = f"{page}.svg", f"Diagram of the circuit of {name}"
    # An option is one line, and a colon would end it.
    lines = [f":link: {page}", ":link-type: doc", f":img-top: {image}", f":img-alt: {text}"]
    return ":::{grid-item-card}\n" + "\n".join(lines) + f"\n\n{title}\n\n`{name}`\n:::\n"
