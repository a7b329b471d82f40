"""Code on the pages runs, and gives what they say: every page with examples is found, in this order.

Blocks with a caption are files, written as the page names them; what follows ``>>>`` is a doctest.
"""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from neurosim import registry

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
FENCE = re.compile(r"^(?P<indent> *)```(?P<head>[^\n]*)\n(?P<body>.*?)^(?P=indent)```", re.DOTALL | re.MULTILINE)


def blocks(path: Path) -> list[tuple[str, str]]:
    """Head and body of each fenced block."""
    found = []
    for match in FENCE.finditer(path.read_text()):
        indent = len(match["indent"])
        found.append((match["head"], "\n".join(line[indent:] for line in match["body"].split("\n"))))
    return found


def written(path: Path) -> list[Path]:
    return sorted(page for page in path.rglob("*.md") if "generated" not in page.parts)


def pages() -> list:
    """Those with examples; what trains a model takes longer."""
    found = []
    for page in written(DOCS):
        examples = [body for _, body in blocks(page) if ">>>" in body]
        if examples:
            trains = any(".train(" in body or ".fit(" in body for body in examples)
            name = page.relative_to(DOCS).as_posix()
            found.append(pytest.param(page, id=name, marks=[pytest.mark.slow] if trains else []))
    return found


@pytest.mark.parametrize("page", pages())
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_registered", {})
    parser, names = doctest.DocTestParser(), {}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    told: list[str] = []
    for head, body in blocks(page):
        caption = re.match(r":caption: (\S+)\n", body)
        if caption is not None:
            file = tmp_path / caption[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(body[caption.end() :].lstrip("\n"))
        elif ">>>" in body:
            assert head == "python"
            test = parser.get_doctest(body, names, page.name, str(page), None)
            runner.run(test, out=told.append, clear_globs=False)
            names = test.globs
    assert runner.tries and not runner.failures, "".join(told)


def test_every_kind_that_users_add_has_a_page_with_code() -> None:
    for kind in ("neuron", "rule", "network", "scheme", "task", "metric"):
        heads = [head for head, _ in blocks(DOCS / "how-to" / "add" / f"{kind}.md")]
        assert "{code-block} python" in heads and "python" in heads


def test_links_between_pages_lead_somewhere() -> None:
    # Sphinx checks this, too, where it is installed; generated pages are its own.
    broken = []
    for page in written(DOCS):
        for target in re.findall(r"\]\(([^)#\s]+\.(?:md|png))(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target and "generated/" not in target and not (page.parent / target).is_file():
                broken.append(f"{page.name}: {target}")
    assert not broken
