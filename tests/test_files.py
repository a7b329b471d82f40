"""What CONTRIBUTING says of every file: lines, length, and nothing of the machine it was written on."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_LINE = 120
MOST_LINES = 300
#: What a longer file says in its docstring, with the reason after the colon.
EXCUSE = re.compile(r"\(Over 300\s+lines[:,]\s+\S")
FOLDERS = ("neurosim", "tests", "benchmarks", "docs", "models", "notebooks")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "generated" not in path.parts)
TEXTS = sorted(
    path
    for path in [*(ROOT / folder for folder in FOLDERS), ROOT / ".github"]
    for path in path.rglob("*")
    if path.suffix in {".py", ".md", ".toml", ".ipynb", ".yml", ".css"} and "generated" not in path.parts
)
#: What a linter reads at the end of a line does not count.
PRAGMA = re.compile(r"\s*# type: ignore.*")
#: An absolute path to where somebody works.
OF_A_MACHINE = re.compile(r"(?<![\w.~:/>})])/(?:home|Users|root|work|tmp|mnt)/\w")


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in SOURCES}


def test_lines_are_short(sources: dict[str, str]) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert settings["tool"]["ruff"]["line-length"] == LONGEST_LINE
    assert f"a line under {LONGEST_LINE + 1} characters" in (ROOT / "CONTRIBUTING.md").read_text()
    long = [
        f"{name}, line {number}"
        for name, text in sources.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if len(PRAGMA.sub("", line)) > LONGEST_LINE
    ]
    assert long == []


def test_long_files_say_why(sources: dict[str, str]) -> None:
    unexcused, needless = [], []
    for name, text in sources.items():
        excuse = EXCUSE.search(ast.get_docstring(ast.parse(text), clean=False) or "")
        lines = text.count("\n")
        if lines > MOST_LINES and excuse is None:
            unexcused.append(f"{name}: {lines} lines")
        if lines <= MOST_LINES and excuse is not None:
            needless.append(f"{name}: {lines} lines")
    assert unexcused == [], "shorten these, or say in the module's docstring why they are long"
    assert needless == [], "these are short, and their docstring says otherwise"


def test_no_file_speaks_of_somebody_s_machine() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}: {match[0]}"
        for path in TEXTS
        for match in OF_A_MACHINE.finditer(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("see /home/" + "ada/data", True), ("https://example.org/home/page", False), ("runs/tmp/x", False)],
)
def test_paths_of_machines_are_told_from_others(text: str, expected: bool) -> None:
    assert bool(OF_A_MACHINE.search(text)) is expected


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "developer" / "decisions"
    pages = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.glob("*/*.md")}
    listed = re.findall(r"^\w+/\w+$", (folder / "index.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(pages)
