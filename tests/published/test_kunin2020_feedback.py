"""Facts of Kunin et al. (2020) about feedback beside its forward weights, as their rows say.

Slow rows (Kolen and Pollack's noise floor, rectifiers, spiking neurons): `neurosim reproduce kunin2020 --slow`.
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest
import tomli_w

from neurosim import registry
from neurosim.studies.reproduce import reproduce


@pytest.mark.parametrize(
    "model",
    [pytest.param(name, marks=pytest.mark.slow) for name in ("stability", "feedback", "estimation", "continuous")],
)
def test_facts_that_are_quickly_shown(model: str, tmp_path: Path) -> None:
    verdicts = [v for v in reproduce(f"kunin2020/{model}", out=tmp_path) if not v.row.slow]
    assert verdicts
    assert not {v.row.fact: v.values for v in verdicts if v.verdict != "met"}


def test_the_first_row_of_a_model_is_met(tmp_path: Path) -> None:
    """The one that takes seconds, by default; the model as it ships, and its row as it stands."""
    shipped = registry.model_path("kunin2020/stability")
    rows = tomllib.loads((shipped.parent / "expected.toml").read_text())["expected"]
    first = next(row for row in rows if row["model"] == "stability")
    assert "variants" not in first
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(shipped, folder)
    (folder / "expected.toml").write_text(tomli_w.dumps({"expected": [first]}))
    (verdict,) = reproduce(folder, out=tmp_path / "runs")
    assert verdict.verdict == "met"
