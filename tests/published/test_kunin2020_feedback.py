"""Facts of Kunin et al. (2020) about feedback beside its forward weights, as their rows say.

Slow rows (Kolen and Pollack's noise floor, rectifiers, spiking neurons): `neurosim reproduce kunin2020 --slow`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosim.studies.reproduce import reproduce


@pytest.mark.parametrize(
    "model",
    ["stability", *(pytest.param(name, marks=pytest.mark.slow) for name in ("feedback", "estimation", "continuous"))],
)
def test_facts_that_are_quickly_shown(model: str, tmp_path: Path) -> None:
    verdicts = [v for v in reproduce(f"kunin2020/{model}", out=tmp_path) if not v.row.slow]
    assert verdicts
    assert not {v.row.fact: v.values for v in verdicts if v.verdict != "met"}
