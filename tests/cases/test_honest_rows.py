"""Rows of expected.toml say whose their numbers are, and each of them can fail."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from neurosim import registry
from neurosim.studies.expected import Claim, Row, load_expected
from neurosim.studies.reproduce import Verdict

MODELS = Path(__file__).parents[2] / "models"
#: Of numbers that are never negative: an angle between weights or signals, an accuracy, a loss, a distance.
_NEVER_NEGATIVE = re.compile(
    r"angle|accuracy|loss|error|residual|distance|gain|above_50|norm|presentations|draws|diverged|mean"
)


@pytest.fixture(scope="module")
def claims() -> list[Claim]:
    papers = sorted({name.partition("/")[0] for name in registry.models()})
    return [claim for paper in papers for claim in load_expected(paper)]


def _facts(claims: Iterable[Claim]) -> list[str]:
    return [f"{claim.readings[0][1].name}: {claim.row.fact}" for claim in claims]


def _never_negative(row: Row) -> bool:
    return row.relation != "difference" and _NEVER_NEGATIVE.search(str(row.name or row.history)) is not None


def test_a_value_with_a_tolerance_can_be_missed_on_both_sides(claims: list[Claim]) -> None:
    bounded = [claim for claim in claims if (claim.row.value or 0) > 0 and _never_negative(claim.row)]
    assert len(bounded) > 100
    assert _facts(claim for claim in bounded if claim.row.bounds[0] <= 0) == []


def test_what_learns_nothing_meets_no_row_of_learning(claims: list[Claim]) -> None:
    """Where the end is held against the beginning, to be as it was at the beginning is not enough."""
    learned = [claim for claim in claims if claim.row.versus is not None and claim.row.versus.epoch == 0]
    assert len(learned) > 30
    assert _facts(claim for claim in learned if claim.row.relation != "ratio" or claim.row.met_by(1.0)) == []


def test_only_the_authors_of_the_paper_are_called_the_authors(claims: list[Claim]) -> None:
    """No number that the code of Kunin et al. printed was read, nor one of Podlaski and Machens' for these models."""
    others = ("podlaski2020/mnist", "podlaski2020/autoencoder", "podlaski2020/nonlinear", "kunin2020/")
    theirs = [claim for claim in claims if claim.readings[0][1].name.startswith(others)]
    assert _facts(claim for claim in theirs if claim.row.source == "authors' code") == []
    named = [claim for claim in claims if "Akrout" in claim.row.fact]
    assert len(named) >= 6
    assert _facts(claim for claim in named if not str(claim.row.origin).startswith("Akrout et al. (2019)")) == []


def test_numbers_that_were_not_looked_up_again_are_recalled(claims: list[Claim]) -> None:
    recalled = [claim for claim in claims if claim.row.source == "recalled"]
    assert {claim.row.model for claim in recalled} == {"cifar10", "cifar100"}
    assert all(claim.row.not_run for claim in recalled)


def test_another_paper_is_named(claims: list[Claim]) -> None:
    found = {claim.row.origin for claim in claims if claim.row.source == "paper" and claim.row.model == "stability"}
    assert found == {"Kunin et al. (2019), Loss landscapes of regularized linear autoencoders"}


def test_numbers_of_a_readme_that_miss_their_row_make_it_a_known_gap() -> None:
    """The smallest losses in the README's table of the autoencoder, over which the row is a ratio."""
    table = {
        line.split("|")[1].strip(): float(line.split("|")[6])
        for line in (MODELS / "lansdell2020" / "README.md").read_text().splitlines()
        if "| learned, 50 units" in line or "`full+adam+gaussian`" in line
    }
    learned, adam = table["learned, 50 units (`full+units50`)"], table["the same with Adam (`full+adam+gaussian`)"]
    (row,) = (claim.row for claim in load_expected("lansdell2020/autoencoder") if "near that of Adam" in claim.row.fact)
    assert not row.met_by(learned / adam)
    assert row.known_gap is not None and f"{learned / adam:.3f}" in row.known_gap


def test_the_source_is_shown_with_its_origin() -> None:
    (row,) = (
        claim.row
        for claim in load_expected("kunin2020/mnist")
        if claim.row.fact.startswith("Kolen-Pollack on MNIST after 20 ")
    )
    verdict = Verdict(row, "met", (97.0,))
    assert "another implementation: Akrout et al. (2019), Deep learning without weight transport" in " ".join(
        verdict.cells
    )
    assert verdict.numbers["source"] == "another implementation"
    assert verdict.numbers["origin"].startswith("Akrout et al. (2019)")
