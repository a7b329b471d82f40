"""A folder of tiny models that train in a second, and rows about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

TINY: dict[str, Any] = {
    "model": {"title": "A tiny one"},
    "task": {"kind": "digits"},
    "network": {"hidden": [6]},
    "scheme": {"kind": "node_perturbation", "learning_rate": 0.2, "feedback_learning_rate": 0.05},
    "engine": {"level": "steady"},
    "training": {"epochs": 1, "measure_trials": 8},
    "variants": {
        "fa": {"title": "fixed feedback", "scheme": {"kind": "feedback_alignment", "learning_rate": 0.2}},
        "diverging": {"scheme": {"learning_rate": 1e30, "feedback_learning_rate": 1e38}},
    },
}


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Callable[..., Path]:
    """Make a folder with ``tiny.toml`` and an ``expected.toml`` of the given rows."""

    def make(*rows: dict[str, Any]) -> Path:
        path = tmp_path_factory.mktemp("models")
        (path / "tiny.toml").write_text(tomli_w.dumps(TINY))
        given = {"model": "tiny", "seeds": [0], "source": "measured"}
        (path / "expected.toml").write_text(tomli_w.dumps({"expected": [given | row for row in rows]}))
        return path

    return make


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> Path:
    """A folder for runs, which all tests share, so that none is run twice."""
    return tmp_path_factory.mktemp("runs")
