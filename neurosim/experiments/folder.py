"""Run folders: what is in them, and writing so that a file is there wholly or not at all."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import DataError

if TYPE_CHECKING:
    import xarray

CONFIG, PROVENANCE, SUMMARY, METRICS = "config.toml", "provenance.json", "summary.json", "metrics.zarr"
WEIGHTS, LOG, FIGURES = "weights.safetensors", "log.txt", "figures"
CHECKSUMS, CHECKPOINTS, LOCK = "checksums.json", "checkpoints", "run.lock"
#: Of run folders: from 2 on they have checksums.
FORMAT = 2
#: What went wrong in a run that neurosim did not refuse, if it is one of many.
FAILURE = "failure.txt"

_PACKAGES = (
    "neurosim", "brian2", "jax", "jaxlib", "numpy", "pydantic", "scikit-learn", "sympy", "xarray", "zarr"
)  # fmt: skip


def default_folder(scheme: str, seed: int) -> Path:
    """``runs/<scheme>-<time>-seed<N>`` in the working directory."""
    return Path("runs") / f"{scheme}-{datetime.now():%Y%m%d-%H%M%S}-seed{seed}"


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into an error that names the file."""
    try:
        yield
    except OSError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error


def write_file(path: Path, data: bytes | str) -> None:
    """Write a file so that, whatever happens, either the old or the new one is there."""
    with writing(path):
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data.encode() if isinstance(data, str) else data)
                stream.flush()
                os.fsync(stream.fileno())
            # mkstemp makes files that only their owner can read.
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync(path.parent)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON that every reader takes: numbers that are not finite become null."""
    write_file(path, json_bytes(content))


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """What `write_json` writes."""
    return (json.dumps(_plain(content), indent=2, allow_nan=False) + "\n").encode()


def write_dataset(path: Path, dataset: xarray.Dataset) -> None:
    """Write a Dataset as a Zarr store, under another name until it is complete."""
    temporary = path.with_name(f".{path.name}.tmp")
    with writing(path):
        shutil.rmtree(temporary, ignore_errors=True)
        dataset.to_zarr(temporary, mode="w", zarr_format=2, consolidated=True)
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
        _sync(path.parent)


def provenance(seed: int, config_hash: str) -> dict[str, Any]:
    """Where a run comes from: versions, machine, command, seed, commit."""
    return {
        "run_folder": FORMAT,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "seed": seed,
        "config_hash": config_hash,
        "git": _git(),
        "python": platform.python_version(),
        "versions": {name: found for name in _PACKAGES if (found := installed_version(name))},
        "platform": platform.platform(),
        "machine": platform.machine(),
        "host": platform.node(),
        "cpus": os.cpu_count(),
    }


def installed_version(package: str) -> str | None:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git() -> dict[str, Any] | None:
    def ask(*command: str) -> str:
        return subprocess.run(["git", *command], capture_output=True, text=True, timeout=10, check=True).stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "changed": bool(ask("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _sync(folder: Path) -> None:
    """Make a rename durable, where the system lets folders be synchronised."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
