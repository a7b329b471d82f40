"""What is known to fall short, collected from what all models are held against."""

from __future__ import annotations

from pathlib import Path

from page_parts import table

from neurosim import registry
from neurosim.studies.expected import load_expected


def pages(repository: Path) -> dict[str, str | bytes]:
    """The rows with a known gap, to be included."""
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
        for claim in load_expected(paper)
        if claim.row.known_gap
    ]
    count = sum(len(load_expected(paper)) for paper in papers)
    text = (
        "# Known gaps\n\n"
        f"Of {count} rows that the models are held against, {len(gaps)} are known not to be met. They are run and "
        "counted like all others.\n\n"
    )
    return {"gaps.md": text + table(("model", "what is expected", "value", "source", "what is found"), gaps)}
