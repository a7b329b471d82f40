"""What an installation has, in a checkout as well."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import neurosim
from neurosim import registry
from neurosim.installation import DISTRIBUTION


def test_models_are_installed() -> None:
    assert registry.models()


def test_the_version_is_that_of_the_package() -> None:
    assert version(DISTRIBUTION) == neurosim.__version__


def test_a_folder_of_that_name_does_not_hide_the_package(tmp_path: Path) -> None:
    """Such as the clone, beside a user's script."""
    (tmp_path / "neurosim").mkdir()
    (tmp_path / "mine.py").write_text("import neurosim; print(neurosim.train.__name__)")
    found = subprocess.run([sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout == "train\n"
