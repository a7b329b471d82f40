"""Notebooks are stored as they are written: without outputs, with names for their cells, figures that are shown.

That they run, and that what they draw has labels and units, is tested by running them: ``notebooks/conftest.py``.
"""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import labelled_figures
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
FOUND = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture(params=FOUND, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text())["cells"]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def test_there_are_as_many_as_numbers() -> None:
    assert [path.stem[:2] for path in FOUND] == [f"{number:02d}" for number in range(1, len(FOUND) + 1)]
    assert FOUND


def test_they_are_stored_without_outputs(path: Path, cells: list[dict[str, Any]]) -> None:
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    kept = json.loads(path.read_text())["metadata"]
    assert kept.keys() == {"kernelspec", "language_info"} and kept["kernelspec"]["name"] == "python3"


def test_cells_have_names_and_the_first_is_the_title(cells: list[dict[str, Any]]) -> None:
    names = [cell["id"] for cell in cells]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)
    assert cells[0]["id"] == "title" and source(cells[0]).startswith("# ")


def test_figures_are_shown_in_the_cell_that_draws_them(cells: list[dict[str, Any]]) -> None:
    drawing = [source(cell) for cell in cells if "plt.subplots(" in source(cell)]
    assert drawing
    for text in drawing:
        assert text.count("plt.show()") == text.count("plt.subplots(")


def test_what_sliders_call_is_called_before_them(cells: list[dict[str, Any]]) -> None:
    # Faults within widgets stop nothing, and a page cannot show them.
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    for before, cell in itertools.pairwise(code):
        for name in re.findall(r"\binteract(?:_manual)?\(\s*(\w+),", source(cell)):
            assert re.search(rf"^{name}\(", source(before), re.MULTILINE), f"{name} is not called before its sliders"
            assert "remove-output" in cell["metadata"]["tags"]


def test_links_between_notebooks_lead_somewhere(cells: list[dict[str, Any]]) -> None:
    for cell in cells:
        if cell["cell_type"] == "markdown":
            for target in re.findall(r"\]\(([^)]+)\)", source(cell)):
                assert "://" in target or (NOTEBOOKS / target).is_file(), target


def test_text_quotes_no_measured_number(cells: list[dict[str, Any]]) -> None:
    # What a run gives is printed or drawn by the run.
    for cell in cells:
        if cell["cell_type"] == "markdown":
            assert not re.search(r"\d\.\d+ (%|degrees|deg)\b", source(cell))


def _labelled(**labels: str) -> Figure:
    figure = Figure()
    figure.subplots().set(**labels)
    return figure


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        ({"xlabel": "time (ms)", "ylabel": "rate (1)"}, None),
        ({"xlabel": "time (ms)", "ylabel": ""}, "the y axis has numbers and no label"),
        ({"xlabel": "time", "ylabel": "rate"}, "the x axis 'time' has no unit"),
        ({"xlabel": "epoch", "ylabel": "angle to the gradient"}, "has no unit"),
    ],
)
def test_what_figures_are_refused_for(labels: dict[str, str], fault: str | None) -> None:
    found = labelled_figures.faults(_labelled(**labels))
    assert (found == []) if fault is None else len(found) == 1 and fault in found[0]


def test_inner_axes_of_a_grid_need_no_labels_of_their_own() -> None:
    figure = Figure()
    (first, second), (third, _) = figure.subplots(2, 2, sharex=True, sharey=True)
    first.set_ylabel("rate (1)")
    second.plot([0, 1])
    third.set(xlabel="time (ms)", ylabel="rate (1)")
    assert labelled_figures.faults(figure) == []
    third.set_xlabel("")
    assert any("x axis" in fault for fault in labelled_figures.faults(figure))


def test_showing_a_figure_without_labels_fails_and_closes_it() -> None:
    plt.subplots()
    with pytest.raises(AssertionError, match="no label"):
        labelled_figures.show()
    assert plt.get_fignums() == []
