"""Compiled programs are kept on disk, for the next process, with the same result to the bit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neurosim.engines.batched.host import cache

pytestmark = pytest.mark.usefixtures("compiles_anew")

#: Trains a little, and tells what JAX found on disk, what it compiled, where it looked, and what came out.
_SCRIPT = """
import json, sys
import jax
events = []
jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
if len(sys.argv) > 1:
    jax.config.update("jax_compilation_cache_dir", sys.argv[1])
from types import SimpleNamespace
import numpy as np
from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.networks.layered import Config as Network
scheme = registry.load("schemes", "node_perturbation")
circuit = scheme.build(scheme.Config(), Network(hidden=(8,)), SimpleNamespace(n_inputs=6, n_outputs=3))
generator = np.random.default_rng(0)
data = {"input.r": generator.random((20, 6)), "output.target": np.eye(3)[generator.integers(0, 3, 20)]}
engine = BatchedEngine(circuit, Setting("rate", 1e-3, "float32"))
state, _ = engine.train(initial_state(circuit, 0), data, np.arange(20).reshape(4, 5), seed=0, first=0)
print(json.dumps({
    "hits": events.count("/jax/compilation_cache/cache_hits"),
    "misses": events.count("/jax/compilation_cache/cache_misses"),
    "folder": jax.config.jax_compilation_cache_dir,
    "weights": state["W1.w"].tobytes().hex(),
}))
"""


def trained(variable: Path | str, *arguments: str, **environment: str) -> dict[str, Any]:
    """What the script tells in a new process."""
    given = {**os.environ, **environment, "NEUROSIM_CACHE": str(variable)}
    command = [sys.executable, "-c", _SCRIPT, *arguments]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("cache")
    return folder, trained(folder)


def test_the_next_process_compiles_nothing_large(first: tuple[Path, dict[str, Any]]) -> None:
    folder, before = first
    assert before["hits"] == 0
    # What compiles in no time is not kept.
    kept = list(folder.rglob("jit_train_batches-*-cache"))
    assert len(kept) == 1
    after = trained(folder)
    assert after["hits"] >= 1
    assert after["folder"] == before["folder"] == str(kept[0].parent)
    assert after["weights"] == before["weights"]


@pytest.mark.slow
def test_it_can_be_turned_off(first: tuple[Path, dict[str, Any]]) -> None:
    off = trained("off")
    assert off["folder"] is None and off["hits"] == off["misses"] == 0
    assert off["weights"] == first[1]["weights"]


@pytest.mark.slow
def test_a_folder_that_the_user_chose_stays(first: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    chosen = trained(first[0], str(tmp_path / "mine"))
    assert chosen["folder"] == str(tmp_path / "mine")
    assert chosen["hits"] == 0 and chosen["weights"] == first[1]["weights"]


@pytest.mark.slow
def test_no_folder_can_be_written(first: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    found = trained(blocked)
    assert found["folder"] is None and found["weights"] == first[1]["weights"]


def test_only_the_user_may_write_there(first: tuple[Path, dict[str, Any]]) -> None:
    folder = Path(first[1]["folder"])
    assert folder.stat().st_mode & 0o077 == 0


def test_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        path = tmp_path / f"program{number}"
        path.write_bytes(bytes(100))
        os.utime(path, (number, number))
    monkeypatch.setattr(cache, "MOST_BYTES", 250)
    cache._throw_away(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["program3", "program4"]
    cache._throw_away(tmp_path / "missing")


@pytest.mark.slow
def test_a_broken_entry_is_compiled_anew(first: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    shutil.copytree(first[0], tmp_path, dirs_exist_ok=True)
    for entry in tmp_path.rglob("*-cache"):
        entry.write_bytes(entry.read_bytes()[: entry.stat().st_size // 2])
    assert trained(tmp_path)["weights"] == first[1]["weights"]
