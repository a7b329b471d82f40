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

from neurosim.engines.batched.host import program
from tests.compiling import OPTIMISED, UNOPTIMISED

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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the whole run compile as users' programs are compiled: `make test-all` does."""
    parser.addoption("--optimised", action="store_true", help="compile with all optimisations, as users do")


def pytest_configure(config: pytest.Config) -> None:
    """Set how XLA compiles, in this process and in those that tests start, before its first program."""
    if not config.getoption("--optimised"):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {UNOPTIMISED}".strip()


@pytest.fixture
def compiles_optimised(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests whose numbers depend on the last bit: programs are compiled as users' are."""
    given = program.options()
    monkeypatch.setattr(program, "options", lambda: None if given is None else {**given, **OPTIMISED})


#: Cases that take long, and whole tests that do.
LONG_CASES = Path(__file__).with_name("long_cases.txt")


def long_cases() -> tuple[set[str], set[str]]:
    """The listed cases of tests of which others run by default, and those of whole tests."""
    parts = LONG_CASES.read_text(encoding="utf-8").split("# Whole tests\n")
    some, whole = ({line for line in part.splitlines() if line and not line.startswith("#")} for part in parts)
    return some, whole


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the cases that take long as slow.

    An error is a listed case that is not there any more, and a test that has no other case, unless that is said.
    """
    some, whole = long_cases()
    for item in items:
        if item.nodeid in some | whole:
            item.add_marker(pytest.mark.slow)
    if any("::" in argument for argument in config.args):
        return  # Files are not collected wholly.
    ids = {item.nodeid for item in items}
    files = {nodeid.partition("::")[0] for nodeid in ids}
    stale = {case for case in (some | whole) - ids if case.partition("::")[0] in files}
    left = {item.nodeid.partition("[")[0] for item in items if item.get_closest_marker("slow") is None}
    missing = {case for case in some & ids if case.partition("[")[0] not in left}
    if stale or missing:
        faults = [f"no test any more: {', '.join(sorted(stale))}"] if stale else []
        faults += [f"no case is left by default of: {', '.join(sorted(missing))}"] if missing else []
        raise pytest.UsageError(f"{LONG_CASES.name}: {'; '.join(faults)}")


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
