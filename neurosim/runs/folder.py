"""Files of a run folder: their names, provenance, and how JSON and Zarr are written."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.atomic import replacing, write_file
from neurosim.gate.seals import CHECKSUMS as CHECKSUMS
from neurosim.gate.seals import PROVENANCE as PROVENANCE
from neurosim.installation import __version__

if TYPE_CHECKING:
    import xarray

CONFIG, SUMMARY, METRICS = "config.toml", "summary.json", "metrics.zarr"
WEIGHTS, LOG, FIGURES = "weights.safetensors", "log.txt", "figures"
TASK = "task.json"
RECORDING = "recording.zarr"
CHECKPOINTS, LOCK = "checkpoints", "run.lock"
#: Version of the folder's format; from 2 on there are checksums.
FORMAT = 2
#: The error of a run among many that failed without a refusal.
FAILURE = "failure.txt"

_PACKAGES = (
    "neurosim", "brian2", "jax", "jaxlib", "numpy", "pydantic", "scikit-learn", "sympy", "xarray", "zarr"
)  # fmt: skip


def default_folder(scheme: str, seed: int) -> Path:
    """``runs/<scheme>-<time>-seed<N>`` in the working directory."""
    return Path("runs") / f"{scheme}-{datetime.now():%Y%m%d-%H%M%S}-seed{seed}"


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write strict JSON: numbers that are not finite become null."""
    write_file(path, json_bytes(content))


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """The bytes that `write_json` writes."""
    return (json.dumps(_plain(content), indent=2, allow_nan=False) + "\n").encode()


def write_dataset(path: Path, dataset: xarray.Dataset) -> None:
    """Write a Dataset as a Zarr store, under another name until it is complete."""
    with replacing(path) as temporary:
        dataset.to_zarr(temporary, mode="w", zarr_format=2, consolidated=True)


def provenance(seed: int, config_hash: str) -> dict[str, Any]:
    """Provenance of a run: versions, machine, command, seed, commit."""
    return {
        "run_folder": FORMAT,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "seed": seed,
        "config_hash": config_hash,
        "git": _git(),
        "python": platform.python_version(),
        "versions": {name: version for name in _PACKAGES if (version := installed_version(name))},
        "platform": platform.platform(),
        "machine": platform.machine(),
        "host": platform.node(),
        "cpus": os.cpu_count(),
    }


def installed_version(package: str) -> str | None:
    """The version of an installed package; for neurosim its own, whatever else is installed under the name."""
    if package == "neurosim":
        return __version__
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
