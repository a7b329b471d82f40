"""What is known to fall short: of the models, from what they are compared with; of the engines, from their limits."""

from __future__ import annotations

from pathlib import Path

from model_pages import claims_of
from page_parts import table

from neurosim import registry


def pages(repository: Path) -> dict[str, str | bytes]:
    """The rows with a known gap, and what engines refuse, to be included."""
    return {"gaps.md": _gaps(), "engine_limits.md": _engine_limits()}


def _engine_limits() -> str:
    """A table of limits for each engine."""
    parts = ["# What engines refuse\n\nEach of these is an error that says what to do instead.\n"]
    for name in registry.names("engines"):
        rows = [(limit.part, limit.what, limit.remedy) for limit in registry.load("engines", name).limits()]
        parts.append(f"## {name.capitalize()}\n\n" + table(("part", "what is refused", "what to do"), rows))
    return "\n".join(parts)


def _gaps() -> str:
    papers = dict.fromkeys(name.partition("/")[0] for name in registry.models())
    gaps = [
        (
            f"[{paper}/{claim.row.model}](models/{paper}/{claim.row.model}.md)",
            claim.row.fact,
            claim.row.expectation,
            claim.row.source_text,
            claim.row.known_gap,
        )
        for paper in papers
        for claim in claims_of(paper)
        if claim.row.known_gap
    ]
    count = sum(len(claims_of(paper)) for paper in papers)
    text = (
        "# Known gaps\n\n"
        f"Of {count} rows that the models are held against, {len(gaps)} are known not to be met. They are run and "
        "counted like all others.\n\n"
    )
    return text + table(("model", "what is expected", "value", "source", "what is found"), gaps)
