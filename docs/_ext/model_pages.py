"""One page for each model that ships: what it is, its file, its circuit, and what it is held against."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from citation_pages import entries_of
from matplotlib.figure import Figure
from page_parts import code, folded, table, toctree
from pictures import kept

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.model_files.model_file import Model, load
from neurosim.plots.circuit import circuit_diagram
from neurosim.studies.expected import Claim, load_expected


def pages(repository: Path) -> dict[str, str | bytes]:
    """The page of each model, of each paper, and of all."""
    folder = repository / "models"
    found: dict[str, str | bytes] = {}
    papers: dict[str, list[str]] = {}
    for name in registry.models():
        paper, _, stem = name.partition("/")
        papers.setdefault(paper, []).append(stem)
    titles = {}
    for paper, stems in papers.items():
        claims = claims_of(paper)
        for stem in stems:
            model = load(f"{paper}/{stem}")
            found[f"models/{paper}/{stem}.md"] = _model(model, repository, _of(stem, claims))
            found[f"models/{paper}/{stem}.svg"] = diagram(model.circuit)
            titles[f"{paper}/{stem}"] = model.about.title or stem
        readme = (folder / paper / "README.md").read_text()
        found[f"models/{paper}/index.md"] = f"{readme}\n## Pages of the models\n\n{toctree(stems)}"
    index = (folder / "README.md").read_text()
    found["models/index.md"] = index + "\n" + toctree((f"{paper}/index" for paper in papers), hidden=True)
    rows = [(f"[{name}]({name}.md)", title) for name, title in titles.items()]
    found["models/all.md"] = "# All models\n\n" + table(("model", "what it is"), rows)
    found["models/index.md"] += "\n## All models\n\n" + table(("model", "what it is"), rows)
    del found["models/all.md"]
    return found


@functools.cache
def claims_of(paper: str) -> tuple[Claim, ...]:
    """What the models of a paper are held against; checked once, which takes seconds."""
    return load_expected(paper)


def rows_of(claims: Sequence[Claim]) -> str:
    """What is expected, as a table."""
    header = ("fact", "runs", "expected", "source")
    rows = [(_fact(claim), _runs(claim), claim.row.expectation, claim.row.source_text) for claim in claims]
    return table(header, rows, widths=(46, 24, 15, 15))


def result(name: str, repository: Path) -> str:
    """The picture of a run with the commands that draw it; empty where none is kept."""
    picture = kept(repository).get(name)
    if picture is None:
        return ""
    image = f"/{picture.path.relative_to('docs').as_posix()}"
    return f"![{picture.shows}]({image})\n\n{code(picture.told, 'shell')}"


def _model(model: Model, repository: Path, claims: Sequence[Claim]) -> str:
    about, text = model.about, (repository / "models" / f"{model.name}.toml").read_text()
    parts = [f"# {about.title or model.name}\n", f"`{model.name}`\n", f"{about.description}\n"]
    if about.reference:
        parts.append(f"{about.reference}.\n")
    verb = f"Measures with the probe `{model.probe_kind}`." if model.probe_kind else "Is trained."
    task, scheme = (f"[{each}](../../{kind}.md#{each})" for kind, each in _components(model))
    parts.append(f"{verb} Task {task}, scheme {scheme}, level `{model.engine.level}`.\n")
    parts.append(code(f"neurosim run {model.name}\nneurosim reproduce {model.name}", "shell"))
    parts.append(f"![Diagram of the circuit: {_described(model)}]({model.name.partition('/')[2]}.svg)\n")
    if shown := result(model.name, repository):
        parts += ["## A result\n", shown]
    if model.variants:
        rows = [(f"`{model.name}+{name}`", title) for name, title in model.variants.items()]
        parts += ["## Variants\n", table(("name", "what changes"), rows)]
    if claims:
        parts += ["## What it is held against\n", rows_of(claims)]
    parts += ["## The file\n", code(text, "toml")]
    if entries := entries_of(about.reference, repository):
        parts.append(folded("Cite the paper", code(entries, "bibtex")))
    return "\n".join(parts)


def _components(model: Model) -> list[tuple[str, str]]:
    return [("tasks", model.task_kind), ("schemes", model.scheme_kind)]


def _of(stem: str, claims: Sequence[Claim]) -> list[Claim]:
    return [claim for claim in claims if claim.row.model == stem]


def _fact(claim: Claim) -> str:
    gap, not_run = claim.row.known_gap, claim.row.not_run
    commands = " ".join(f"`{command}`" for command in claim.commands)
    text = claim.row.fact + (f" **Known gap:** {gap}." if gap else "")
    return text + (f" **Not run:** {not_run}. {commands}" if not_run else "")


def _runs(claim: Claim) -> str:
    row = claim.row
    names = "+".join((row.model, *row.variants))
    seeds = f"{len(row.seeds)} seeds" if len(row.seeds) > 1 else f"seed {min(row.seeds)}"
    changed = "".join(f", `{override}`" for override in row.overrides)
    minutes = f", {row.minutes:g} min" if row.minutes else ""
    return f"`{names}`{changed}, {seeds}{minutes}" + (", slow" if row.slow else "")


def _described(model: Model) -> str:
    names = [population.name for population in model.circuit.populations]
    return f"{len(names)} populations ({', '.join(names)}), {len(model.circuit.pathways)} pathways"


def diagram(circuit: Circuit) -> bytes:
    """The diagram of a circuit, as SVG."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    circuit_diagram(circuit, figure.add_subplot())
    stream = io.BytesIO()
    # The same bytes for the same circuit: no date, and names of parts from a fixed salt.
    with matplotlib.rc_context({"svg.hashsalt": "neurosim", "svg.fonttype": "path"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()
