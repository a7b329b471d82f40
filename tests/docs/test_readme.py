"""What the README says holds: its code runs as it stands in an empty folder, and its numbers are those of the models.

Training as long as the README does takes half a minute, so that is slow; every day each block runs for one epoch.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from test_pages import blocks
from typer.testing import CliRunner

import neurosim
from neurosim import cli, registry
from neurosim.model_files.model_file import load

REPOSITORY = Path(__file__).resolve().parents[2]
README = REPOSITORY / "README.md"
BLOCKS = blocks(README)
PYTHON = [body for head, body in BLOCKS if head == "python"]
# What one may copy and change.
MOST_LINES = 15


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")


def own_data(path: Path) -> None:
    inputs, labels = load_iris(return_X_y=True)
    if path.suffix == ".npz":
        np.savez(path, inputs=inputs, species=labels)
        return
    names = np.array(["setosa", "versicolor", "virginica"])[labels]
    rows = [",".join([*map(str, row), name]) for row, name in zip(inputs, names, strict=True)]
    path.write_text("\n".join(["a,b,c,d,species", *rows]) + "\n")


def model_text(file: str) -> str:
    (text,) = [body for head, body in BLOCKS if head == "toml"]
    return text.replace("mine.csv", file)


def compare_command() -> list[str]:
    (line,) = [line for _, body in BLOCKS for line in body.split("\n") if line.startswith("neurosim compare")]
    return line.split()[1:]


def test_there_is_little_to_copy() -> None:
    texts = [*PYTHON, model_text("mine.csv")]
    assert len(texts) == 5
    assert all(len([line for line in text.split("\n") if line.strip()]) <= MOST_LINES for text in texts)


@pytest.mark.parametrize("text", PYTHON, ids=range(len(PYTHON)))
def test_python_runs(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For one epoch, where something is trained."""
    train = neurosim.train

    def briefly(model: Any, *, overrides: Any = (), **settings: Any) -> Any:
        return train(model, overrides=[*overrides, "training.epochs=1"], **settings)

    monkeypatch.setitem(vars(neurosim), "train", briefly)
    exec(compile(text, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("file", ["mine.csv", "mine.npz"])
def test_schemes_are_compared_on_own_data(file: str) -> None:
    own_data(Path(file))
    Path("mine.toml").write_text(model_text(file))
    command = [*compare_command()[:-1], "1", "--set", "training.epochs=1"]
    done = CliRunner().invoke(cli.app, command)
    assert done.exit_code == 0, done.output
    assert Path("runs/compare/compare.png").is_file()
    table = Path("runs/compare/compare.csv").read_text()
    assert all(name in table for name in ("mine", "mine+fixed", "mine+backprop"))


@pytest.mark.slow
def test_all_of_it_as_it_stands() -> None:
    for text in PYTHON:
        exec(compile(text, "README.md", "exec"), {"__name__": "readme"})
    own_data(Path("mine.csv"))
    Path("mine.toml").write_text(model_text("mine.csv"))
    assert CliRunner().invoke(cli.app, compare_command()).exit_code == 0


def rows(path: Path, columns: int) -> dict[str, list[str]]:
    """Rows of tables with so many columns, by the name in the first."""
    found = {}
    for line in path.read_text().split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == columns and re.fullmatch(r"`\w+`", cells[0]):
            found.setdefault(cells[0].strip("`"), cells)
    return found


def test_the_table_of_schemes_has_the_numbers_that_were_measured() -> None:
    measured = rows(REPOSITORY / "models" / "lansdell2020" / "README.md", 6)
    variants = {"schemes": load("lansdell2020/schemes").scheme_kind}
    for name in load("lansdell2020/schemes").given["variants"]:
        variants.setdefault(name, load(f"lansdell2020/schemes+{name}").scheme_kind)
    by_scheme: dict[str, list[str]] = {}
    for variant, scheme in variants.items():
        if variant in measured:
            by_scheme.setdefault(scheme, measured[variant])
    claimed = rows(README, 5)
    assert len(claimed) >= 12
    for scheme, (_, _, local, accuracy, angles) in claimed.items():
        _, measured_accuracy, _, measured_local, *measured_angles = by_scheme[scheme]
        assert local == measured_local, scheme
        assert accuracy == f"{float(measured_accuracy.split()[0]):.1f} %", scheme
        wanted = [f"{float(angle.split()[0]):.0f}" for angle in measured_angles if angle != "-"]
        assert angles == (", ".join(wanted) + " deg" if wanted else "-"), scheme


def test_every_scheme_is_named() -> None:
    text = README.read_text()
    assert not [scheme for scheme in registry.names("schemes") if f"`{scheme}`" not in text]


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", README.read_text())
    assert targets
    assert not [target for target in targets if "://" not in target and not (REPOSITORY / target).exists()]
