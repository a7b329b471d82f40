"""Loops from text: compiled by Numba, kept on disk beside XLA's programs."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path

from neurosim.engines.batched.host.cache import loops_folder

#: A loop takes some megabytes.
_MOST = 64


@functools.lru_cache(maxsize=_MOST)
def compiled(text: str) -> Callable[..., None]:
    """The function ``loop`` of a module's text.

    Its machine code is kept in the folder of compiled programs, where the text stands beside it as a file: Numba goes
    by that. The text itself is never read from there.
    """
    folder, digest = loops_folder(), _digest(text)
    path = None if folder is None else _written(folder, digest, text)
    module = types.ModuleType(f"neurosim_loop_{digest}")
    # Numba looks a function's module up by its name.
    sys.modules[module.__name__] = module
    module.__dict__["KEEP"] = path is not None
    # Generated from checked expressions.
    exec(compile(text, "<loop over time>" if path is None else str(path), "exec"), module.__dict__)
    return module.__dict__["loop"]


def _digest(text: str) -> str:
    # What a loop calls is compiled into it.
    called = Path(__file__).with_name("scalars.py").read_bytes()
    return hashlib.blake2b(text.encode() + called, digest_size=16).hexdigest()


def _written(folder: Path, digest: str, text: str) -> Path | None:
    """The file of a text; none if it cannot be written."""
    path = folder / f"loop_{digest}.py"
    try:
        if not path.exists() or path.read_text() != text:
            part = path.with_suffix(f".{os.getpid()}")
            part.write_text(text)
            part.replace(path)
    except OSError:
        return None
    return path
