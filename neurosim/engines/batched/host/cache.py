"""Compiled programs kept on disk, so that the next process does not compile them again.

The environment variable ``NEUROSIM_CACHE`` names another folder for them than the user's cache, or says ``off``. They
are machine code, so each kind of processor has a folder of its own, and only the user may write there.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import platform
from pathlib import Path

import jax
import platformdirs

#: The environment variable, and what in it turns keeping off.
VARIABLE, OFF = "NEUROSIM_CACHE", ("off", "0", "no", "false")
#: Beyond this the oldest programs are thrown away.
MOST_BYTES = 1 << 30
#: To look for what takes less time to compile costs as much as it saves.
_LEAST_SECONDS = 0.05


@functools.cache
def keep_programs() -> Path | None:
    """Have JAX keep the programs it compiles from now on; returns the folder, if there is one.

    Whoever has told JAX of a folder (``jax_compilation_cache_dir``) keeps it. Where no folder can be written,
    programs are compiled anew each time.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given.lower() in OFF or jax.config.values["jax_compilation_cache_dir"] is not None:
        return None
    # The folder of `pooch.os_cache`, where data sets are; to import that would take longer than to compile a little.
    users = Path(given).expanduser() if given else platformdirs.user_cache_path("neurosim")
    folder = users / "compiled" / _processor()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    _throw_away(folder)
    settings = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": _LEAST_SECONDS,
        "jax_persistent_cache_min_entry_size_bytes": 0,
    }
    for name, value in settings.items():
        jax.config.update(name, value)
    return folder


@functools.cache
def loops_folder() -> Path | None:
    """The folder of loops that Numba compiles, beside that of XLA's programs; none where nothing is kept."""
    programs = keep_programs()
    if programs is None:
        return None
    folder = programs.parent.parent / "loops" / programs.name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    for each in (folder, folder / "__pycache__"):
        _throw_away(each)
    return folder


def _throw_away(folder: Path) -> None:
    """Keep a folder below its limit. Another process may do the same, or still read what goes: then it compiles."""
    # JAX can do this too, but locks and lists the folder for every program.
    files = []
    with contextlib.suppress(OSError):
        files = [(entry.stat(), entry.path) for entry in os.scandir(folder)]
    left = sum(status.st_size for status, _ in files)
    for status, path in sorted(files, key=lambda item: item[0].st_mtime):
        if left <= MOST_BYTES:
            return
        with contextlib.suppress(OSError):
            os.unlink(path)
        left -= status.st_size


def _processor() -> str:
    """A name of this kind of processor, by all that decides which machine code it can run."""
    known = [platform.machine(), platform.system()]
    if importlib.util.find_spec("llvmlite") is not None:
        from llvmlite import binding

        known += [binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()]
    else:
        known += [platform.processor(), platform.node()]
    return hashlib.blake2b("\n".join(known).encode(), digest_size=8).hexdigest()
