"""Notebooks that are run as tests draw with a backend that refuses axes without labels and units."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "docs"


#: The notebook that is run with the other tests; all of them with the slow ones.
SMOKE = "01-first-network.ipynb"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark notebooks as slow."""
    for item in items:
        if item.path.suffix == ".ipynb" and item.path.name != SMOKE:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Name the backend to the notebook's kernel, which inherits the environment."""
    with pytest.MonkeyPatch.context() as patch:
        if item.path.suffix == ".ipynb":
            patch.setenv("MPLBACKEND", "module://labelled_figures")
            patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(FOLDER), os.environ.get("PYTHONPATH")))))
        return (yield)
