"""A small table of one's own, and a model that learns it in a second: what tests of runs share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

TABLE: dict[str, Any] = {
    "task": {"kind": "table", "path": "rows.csv", "target": "kind"},
    "network": {"hidden": [4]},
    "scheme": {"kind": "backpropagation"},
    "engine": {"level": "steady"},
    "training": {"epochs": 1, "measure_every": 0, "batch_size": 8},
}


def write_rows(path: Path, seed: int = 0) -> Path:
    generator = np.random.default_rng(seed)
    lines = [f"{a:.3f},{b:.3f},{'left' if a < b else 'right'}" for a, b in generator.standard_normal((40, 2))]
    path.write_text("\n".join(["first,second,kind", *lines]) + "\n")
    return path


def model_file(folder: Path) -> Path:
    """A model file in a new folder, with its table beside it."""
    folder.mkdir()
    write_rows(folder / "rows.csv")
    (folder / "table.toml").write_text(tomli_w.dumps(TABLE))
    return folder / "table.toml"
