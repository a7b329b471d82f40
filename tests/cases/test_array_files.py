"""Files with arrays beside a circuit: their content is part of its configuration, their place is not."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import tomli_w
import xarray

import neurosim
from neurosim.errors import ConfigError, DataError
from neurosim.model_files.circuits.array_files import array_files, by_content
from neurosim.runs import folder as files
from neurosim.runs.circuit_run import simulate_run
from neurosim.runs.run import train
from neurosim.studies.reproduce import reproduce
from tests.model_files.test_trained_circuits import TRAINED

TEXT = """
[populations.A]
size = 3
equations = "dv/dt = (g - v)/ms : 1\\ng : 1"
[pathways.AA]
source = "A.v"
target = "A.g"
initial = { file = "weights.npz", array = "w" }
connectivity = { kind = "explicit", pre = { file = "pre.npy" }, post = [0, 1] }
[state]
"A.v" = { file = "start.zarr", array = "v" }
[simulation]
duration = "5 ms"
dt = "1 ms"
record = ["mean(A.v)"]
[numbers]
level = { metric = "mean_value", of = "mean(A.v)" }
"""


def write(folder: Path, *, weight: float = 1.0, pre: int = 0, start: float = 2.0) -> Path:
    """A circuit with its files."""
    folder.mkdir(exist_ok=True)
    (folder / "mine.toml").write_text(TEXT)
    np.savez(folder / "weights.npz", w=[weight, 2.0], b=[0.0])
    np.save(folder / "pre.npy", [pre, 1])
    store = folder / "start.zarr"
    xarray.Dataset({"v": ("n", [start, 1.0, 1.0])}).to_zarr(store, zarr_format=2, mode="w")
    return folder / "mine.toml"


@pytest.mark.parametrize("change", [{"weight": 3.0}, {"pre": 2}, {"start": 5.0}])
def test_the_content_of_every_file_is_part_of_the_hash(change, tmp_path):
    first = neurosim.load_circuit(write(tmp_path / "a"))
    assert [path.name for path in array_files(first.given)] == ["weights.npz", "pre.npy", "start.zarr"]
    assert neurosim.load_circuit(write(tmp_path / "b")).hash == first.hash
    assert neurosim.load_circuit(write(tmp_path / "a", **change)).hash != first.hash


def test_sections_without_files_keep_their_hash():
    sections = {"neurons": {"a": {"file": "10 ms", "values": [1, {"file": 3}]}}, "x": ({"file": "weights.txt"},)}
    assert json.dumps(by_content(sections)) == json.dumps(sections)
    assert by_content({"file": "/nowhere/missing.npy"}) == {"file": "/nowhere/missing.npy"}


def test_reproduce_runs_anew_what_has_other_arrays(tmp_path):
    folder = write(tmp_path / "study").parent
    row = {"fact": "It ends there.", "model": "mine", "name": "numbers.level", "low": -100.0, "seeds": [0]}
    row |= {"source": "derived"}
    (folder / "expected.toml").write_text(tomli_w.dumps({"expected": [row]}))
    said: list[str] = []

    def level() -> float:
        (verdict,) = reproduce(folder, out=tmp_path / "runs", say=said.append)
        return verdict.values[0]

    before = level()
    assert level() == before and "finished before" in said[-1]
    write(folder, weight=3.0)
    assert level() != before and "finished before" not in said[-1]
    write(folder)
    assert level() == before and "finished before" in said[-1]
    provenance = next((tmp_path / "runs").glob("mine-*-seed0")) / files.PROVENANCE
    listed = json.loads(provenance.read_text())["data"]
    assert [each["name"] for each in listed] == ["weights.npz", "pre.npy", "start.zarr"]
    assert all(len(each["sha256"]) == 64 and each["bytes"] > 0 for each in listed)


def test_what_changes_while_it_is_simulated_is_no_result(tmp_path):
    circuit = neurosim.load_circuit(write(tmp_path / "a"))
    write(tmp_path / "a", weight=3.0)
    with pytest.raises(DataError, match=r"weights\.npz.* changed since it was loaded; load the circuit again"):
        simulate_run(circuit, seed=0, out=tmp_path / "run")
    assert not (tmp_path / "run" / files.SUMMARY).exists()


def test_a_trained_circuit_is_not_taken_up_with_other_arrays(tmp_path):
    weights = np.full((10, 30), 0.1)
    np.save(tmp_path / "w.npy", weights)
    sections = tomllib.loads(TRAINED)
    sections["pathways"]["W"]["initial"] = {"file": str(tmp_path / "w.npy")}
    done = train(sections, out=tmp_path / "run")
    assert train(sections, out=tmp_path / "run", resume=True).summary["test_loss"] == done.summary["test_loss"]
    before = neurosim.load(sections).hash
    np.save(tmp_path / "w.npy", 2 * weights)
    assert neurosim.load(sections).hash != before
    with pytest.raises(ConfigError, match=r"holds a run on other data: it read w\.npy"):
        train(sections, out=tmp_path / "run", resume=True)
