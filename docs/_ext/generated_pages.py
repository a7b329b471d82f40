"""Pages that nobody writes by hand: models, circuits, kinds of variants, public names, limits.

They are written before Sphinx reads them.

They land in ``docs/generated``, which git ignores. A file is touched only when its text changes, so that a second build
does little; files that are no longer made are removed.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import api_pages
import circuit_pages
import citation_pages
import gallery_pages
import kind_pages
import limits_pages
import model_pages
import scheme_guide
from page_parts import table, toctree

FOLDER = "generated"


def pages(repository: Path) -> dict[str, str | bytes]:
    """All generated files, by their path in the folder.

    Parameters
    ----------
    repository
        The root, which has ``models`` and ``notebooks``.
    """
    found: dict[str, str | bytes] = {}
    sources = (
        model_pages,
        kind_pages,
        circuit_pages,
        api_pages,
        limits_pages,
        gallery_pages,
        scheme_guide,
        citation_pages,
    )
    for source in sources:
        found |= source.pages(repository)
    notebooks = sorted(path for path in (repository / "notebooks").glob("*") if path.suffix in (".ipynb", ".md"))
    found |= {f"notebooks/{path.name}": path.read_bytes() for path in notebooks}
    if notebooks:
        found["notebooks/index.md"] = (
            '# Notebooks\n\nShown here as they ran. To turn their knobs: `pip install -e ".[notebooks]"` in a '
            "checkout, then `jupyter lab notebooks`.\n\n"
            + table(("notebook", "what it shows"), map(_told, notebooks), widths=(35, 65))
            + "\n"
            + toctree((path.stem for path in notebooks), hidden=True)
        )
    return found


def _told(notebook: Path) -> tuple[str, str]:
    """A notebook's title, and the first paragraph below it."""
    if notebook.suffix == ".ipynb":
        cells = json.loads(notebook.read_text())["cells"]
        text = "".join(cells[0]["source"]) if cells else ""
    else:
        text = notebook.read_text()
    title, *paragraphs = [part for part in text.split("\n\n") if part.strip()]
    return f"[{title.lstrip('# ').strip()}]({notebook.name})", paragraphs[0] if paragraphs else ""


def write(source_folder: Path) -> None:
    """Bring the folder of generated files up to date."""
    folder = source_folder / FOLDER
    made = pages(source_folder.parent)
    for name, content in made.items():
        path, data = folder / name, content.encode() if isinstance(content, str) else content
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(folder).as_posix() not in made:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            shutil.rmtree(path)


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir)))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
