"""The name and version of the installed package, and how to install optional libraries.

The distribution is ``neurosim-lab``. The name ``neurosim`` on the package index is that of another package, so that its
metadata says nothing of this one.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

DISTRIBUTION = "neurosim-lab"
__version__ = "0.1.0"


def how_to_install(extra: str) -> str:
    """The command that installs an extra, for a checkout or for a release, whichever this is.

    Parameters
    ----------
    extra
        As in ``pyproject.toml``, such as ``nwb``.

    Returns
    -------
    str
        In a checkout with its folder, unless that is the working directory.
    """
    root = _checkout()
    if root is None:
        return f'pip install "{DISTRIBUTION}[{extra}]"'
    folder = "." if root == Path.cwd() else root
    return f'pip install -e "{folder}[{extra}]"'


def _checkout() -> Path | None:
    """The root of the checkout that this is, if it is one."""
    root = Path(__file__).resolve().parents[1]
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError):
        return None
    return root if project == DISTRIBUTION else None
