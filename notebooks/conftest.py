"""Notebooks that are run as tests draw with a backend that refuses axes without labels and units."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "docs"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Name the backend to the notebook's kernel, which inherits the environment."""
    with pytest.MonkeyPatch.context() as patch:
        if item.path.suffix == ".ipynb":
            patch.setenv("MPLBACKEND", "module://labelled_figures")
            patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(FOLDER), os.environ.get("PYTHONPATH")))))
        return (yield)
