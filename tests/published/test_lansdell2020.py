"""What the models of Lansdell, Prakash & Kording (2020) are expected to give, run and judged row by row.

The quick rows (facts about the estimator, the first epochs on MNIST, the cost of feedback) take some minutes; all
others, up to the length of the paper, hours: `neurosim reproduce lansdell2020 --slow` goes on where it was stopped.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from neurosim.studies.reproduce import reproduce


@pytest.mark.parametrize(
    "model", [pytest.param(name, marks=pytest.mark.slow) for name in ("estimator", "mnist", "cost")]
)
def test_facts_that_are_quickly_shown(model: str, data_folder: Path, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEUROSIM_DATA", str(data_folder))
    verdicts = [v for v in reproduce(f"lansdell2020/{model}", out=tmp_path) if not v.row.slow]
    assert verdicts
    # A known gap has to be run as well: it has a number, whatever that is.
    assert not [v.row.fact for v in verdicts if v.verdict == "not run" or math.isnan(v.mean)]
    short = {v.row.fact: v.values for v in verdicts if v.verdict != "met" and v.row.known_gap is None}
    assert not short
