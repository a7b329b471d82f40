"""Settings and fixtures for all tests."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    # One thread per worker; these are read when NumPy and JAX are first imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import brian2
import jax
import pytest
from hypothesis import HealthCheck, settings

jax.config.update("jax_enable_x64", True)
# Small networks run faster than Cython compiles.
brian2.prefs.codegen.target = "numpy"
# Brian2 tells of each object that it makes, and pytest keeps it all.
logging.getLogger("brian2").setLevel(logging.INFO)
# How long an example takes is a matter of the machine, and of whether it is the first one to compile or import.
# CI draws the same examples every time; at the desk each run draws new ones and may find more.
settings.register_profile(
    "neurosim", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("neurosim")


#: Cases that take long, of kinds of which another case runs by default.
LONG_CASES = Path(__file__).with_name("long_cases.txt")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the cases that take long as slow; a listed case that is not there any more is an error."""
    lines = LONG_CASES.read_text(encoding="utf-8").splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    ids = {item.nodeid: item for item in items}
    for case in listed & ids.keys():
        ids[case].add_marker(pytest.mark.slow)
    if any("::" in argument for argument in config.args):
        return  # Files are not collected wholly.
    files = {nodeid.partition("::")[0] for nodeid in ids}
    stale = sorted(case for case in listed - ids.keys() if case.partition("::")[0] in files)
    if stale:
        raise pytest.UsageError(f"{LONG_CASES.name} lists cases that are no tests: {', '.join(stale)}")


#: Memory maps above which a process gives compiled code back. Linux allows 65,530 by default; these are some 1.5 GB.
MOST_MAPS = 12_000


@pytest.fixture(scope="module", autouse=True)
def _forget_compiled_code() -> Iterator[None]:
    """Give compiled code back after a file, where the process has many maps of memory: programs take some each.

    Otherwise files share it: much of what a file compiles, others have compiled before.
    """
    yield
    maps = Path("/proc/self/maps")
    if not maps.exists() or maps.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()


@pytest.fixture(scope="module")
def compiles_anew() -> Iterator[None]:
    """For files that count programs, or change what is compiled: they share no compiled code with others."""
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real MNIST files; skips where there is none."""
    repository = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("NEUROSIM_DATA") or repository.parent / "shared" / "data")
    stem = "train-images-idx3-ubyte"
    places = (folder / stem, folder / f"{stem}.gz", folder / "mnist" / stem, folder / "mnist" / f"{stem}.gz")
    if not any(place.is_file() for place in places):
        pytest.skip(f"no MNIST files in {folder}; set NEUROSIM_DATA to the folder that holds them")
    return folder
