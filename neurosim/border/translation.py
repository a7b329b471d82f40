"""Translate exceptions of other libraries into neurosim's, by where they were raised."""

from __future__ import annotations

import contextlib
import functools
import os
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from neurosim.errors import DataError, EngineError, NeurosimError

#: Package -> its name in messages, and the error that its exceptions become.
_LIBRARIES: dict[str, tuple[str, type[NeurosimError]]] = {
    "brian2": ("Brian2", EngineError),
    "Cython": ("Brian2's compiler", EngineError),
    "jax": ("JAX", EngineError),
    "jaxlib": ("JAX", EngineError),
    "numba": ("Numba", EngineError),
    "optax": ("Optax", EngineError),
    "sympy": ("the algebra (SymPy)", EngineError),
    "numpy": ("NumPy", NeurosimError),
    "scipy": ("SciPy", NeurosimError),
    "pandas": ("pandas", DataError),
    "zarr": ("Zarr", DataError),
    "numcodecs": ("Zarr", DataError),
    "xarray": ("xarray", DataError),
    "safetensors": ("safetensors", DataError),
    "sklearn": ("scikit-learn", NeurosimError),
    "pydantic": ("the check of settings", NeurosimError),
    "matplotlib": ("Matplotlib", NeurosimError),
    "dask": ("Dask", NeurosimError),
    "distributed": ("Dask", NeurosimError),
    "optuna": ("Optuna", NeurosimError),
    "pynwb": ("PyNWB", DataError),
    "hdmf": ("PyNWB", DataError),
    "h5py": ("h5py", DataError),
    "neo": ("Neo", DataError),
}
_OWN = Path(__file__).parent.parent
_STANDARD = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib"))


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Translate other libraries' exceptions into neurosim's; the user's own pass."""
    try:
        yield
    except (NeurosimError, Warning):
        # A warning is an exception only if the user asked for that.
        raise
    except Exception as error:
        ours = translation(error)
        if ours is None:
            raise
        ours.translated = True
        raise ours from error


def translation(error: Exception) -> NeurosimError | None:
    """The neurosim error for another library's exception; ``None`` if the user's own code raised it."""
    frames = list(_files(error.__traceback__))
    inside = next((n for n, file in enumerate(frames) if _is_own(file)), None)
    # Below the first frame of ours, a file that is neither ours nor installed is a user's callback.
    if inside is None or any(not _is_installed(file) for file in frames[inside:]):
        return None
    sentence = root_sentence(error)
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in sentence:
        return EngineError(f"not enough memory ({sentence}): use fewer trials, neurons or steps at once, or float32")
    package = _package(error, frames)
    if package in _LIBRARIES:
        library, kind = _LIBRARIES[package]
        return kind(f"{library} failed: {sentence}")
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return DataError(f"{where}{error.strerror or error}")
    return NeurosimError(
        f"neurosim itself failed ({sentence}): this is a fault of neurosim, please report it with what you called"
    )


def _package(error: Exception, frames: list[str]) -> str:
    """The package that raised: that of the innermost frame of neurosim or a known library."""
    named = type(error).__module__.partition(".")[0]
    if named in _LIBRARIES:
        return named
    for file in reversed(frames):
        if _is_own(file):
            return "neurosim"
        for root in _STANDARD:
            inner = os.path.relpath(file, root).split(os.sep)[0] if file.startswith(root + os.sep) else ""
            package = inner.removesuffix(".py")
            if package in _LIBRARIES:
                return package
    return "neurosim"


def root_sentence(error: BaseException) -> str:
    """The message of the root cause, on one line; Brian2's outermost error does not repeat it."""
    seen: set[int] = set()
    while (cause := error.__cause__) is not None and id(cause) not in seen:
        seen.add(id(cause))
        error = cause
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:500]}" if text else type(error).__name__


def _files(trace: TracebackType | None) -> Iterator[str]:
    return (frame.f_code.co_filename for frame, _ in traceback.walk_tb(trace))


def _is_own(file: str) -> bool:
    return file.startswith((str(_OWN) + os.sep, "<neurosim"))


@functools.lru_cache(maxsize=4096)
def _is_installed(file: str) -> bool:
    """Whether a file is neurosim's, Python's, an installed package's, or generated code."""
    if _is_own(file) or file.startswith("<") or not os.path.isabs(file):
        return True
    # Brian2's Cython compiles into the user's cache.
    folders = ("site-packages", "dist-packages", ".cython")
    return file.startswith(_STANDARD) or any(f"{os.sep}{folder}" in file for folder in folders)
