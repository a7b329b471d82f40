"""Finished runs that are damaged or a stranger's: every road to their numbers passes the checksums."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from typer.testing import CliRunner

from neurosim.cli import app
from neurosim.errors import ConfigError, DataError, NeurosimError
from neurosim.gate.tensors import with_seal
from neurosim.recording.store import Recorded, RecordingWriter
from neurosim.recording.weights import load_weights
from neurosim.runs import folder as files
from neurosim.runs.claimed_folder import taken
from neurosim.runs.drawing import draw_all
from neurosim.runs.export import export
from neurosim.runs.lock import locked
from neurosim.runs.log import Log
from neurosim.runs.run_result import open_run, write_checksums

WEIGHTS = {"W1.w": np.arange(6.0).reshape(2, 3)}
SUMMARY: dict[str, Any] = {
    "model": "tiny", "title": "", "task": "digits", "scheme": "backpropagation", "seed": 0, "epochs": 1,
    "test_loss": 0.5, "test_accuracy": 90.0, "samples_per_second": 10.0, "wall_s": 1.0,
    "layers": {"hidden1": {"signal_angle_deg": 3.0}}, "firing": {"hidden1": {"rate_hz": 1.0, "highest_hz": None}},
}  # fmt: skip


def _run(path: Path, summary: dict[str, Any] = SUMMARY) -> Path:
    """A folder as a finished run leaves it, with a recording."""
    path.mkdir()
    (path / files.CONFIG).write_text("")
    files.write_json(path / files.PROVENANCE, {"run_folder": files.FORMAT})
    Log(path / files.LOG).line("done")
    (path / files.WEIGHTS).write_bytes(with_seal(WEIGHTS, {"format": "neurosim state 1"}))
    files.write_dataset(path / files.METRICS, xarray.Dataset({"train_loss": ("epoch", [1.0, 0.5])}))
    kinds = {"v": Recorded(("time", "trial", "neuron"), (4, 1, 2), np.dtype(float), "1")}
    with RecordingWriter(path / files.RECORDING, kinds, time=np.arange(4.0), attrs={"dt": 1.0}, piece=4) as writer:
        writer.write(0, {"v": np.ones((4, 1, 2))})
    files.write_json(path / files.SUMMARY, summary)
    write_checksums(path)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _run(tmp_path_factory.mktemp("made") / "run")


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


ROADS: dict[str, Callable[[Path], Any]] = {
    "open_run": open_run,
    "plot": draw_all,
    **{f"export to {to}": (lambda path, to=to: export(path, to)) for to in ("csv", "npz", "nwb", "neo")},
}


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("name", [files.WEIGHTS, f"{files.METRICS}/train_loss/0", f"{files.RECORDING}/v/0.0.0"])
def test_a_flipped_bit_anywhere_in_a_run_is_noticed_on_every_road(run, name, road):
    data = bytearray((run / name).read_bytes())
    data[-5] ^= 1
    (run / name).write_bytes(data)
    with pytest.raises(DataError, match="damaged"):
        ROADS[road](run)
    assert [path.name for path in run.parent.iterdir()] == ["run"]


@pytest.mark.parametrize("sealed", [True, False])
def test_weights_of_a_run_are_held_against_its_checksums_by_whoever_reads_them(run, sealed):
    """Also those that carry no checksum of their own, as from before."""
    if not sealed:
        from safetensors.numpy import save_file

        save_file(WEIGHTS, run / files.WEIGHTS)
        write_checksums(run)
    assert np.array_equal(load_weights(run)["W1.w"], WEIGHTS["W1.w"])
    data = bytearray((run / files.WEIGHTS).read_bytes())
    data[-5] ^= 1
    (run / files.WEIGHTS).write_bytes(data)
    for path in (run, run / files.WEIGHTS):
        with pytest.raises(DataError, match="damaged"):
            load_weights(path)
    (run / files.CHECKSUMS).unlink()
    with pytest.raises(DataError, match=r"checksums\.json: missing or damaged"):
        load_weights(run)


def test_numbers_that_were_none_come_back_as_none(tmp_path):
    odd = SUMMARY | {"test_loss": math.nan, "samples_per_second": math.inf, "layers": {"hidden1": {"a": math.nan}}}
    found = open_run(_run(tmp_path / "run", odd)).summary
    assert math.isnan(found["test_loss"]) and math.isnan(found["samples_per_second"])
    assert math.isnan(found["layers"]["hidden1"]["a"]) and math.isnan(found["firing"]["hidden1"]["highest_hz"])
    assert found["test_accuracy"] == 90.0 and found["wall_s"] == 1.0 and found["title"] == ""
    probe = {"model": "tiny", "probe": {"a": math.nan, "b": 2.0}, "wall_s": 1.0}
    found = open_run(_run(tmp_path / "probe", probe)).summary
    assert math.isnan(found["probe"]["a"]) and found["probe"]["b"] == 2.0


GONE = object()


@pytest.mark.parametrize("name", ["wall_s", "test_loss", "samples_per_second", "layers"])
@pytest.mark.parametrize("value", [GONE, "text", [1], {"a": "b"}, True, 10**400])
def test_a_summary_without_what_a_run_says_is_refused(run, name, value):
    changed = {key: inner for key, inner in (SUMMARY | {name: value}).items() if inner is not GONE}
    (run / files.SUMMARY).write_text(json.dumps(changed))
    write_checksums(run)
    with pytest.raises(DataError, match=rf"summary\.json: missing or damaged, expected.*'{name}"):
        open_run(run)


@pytest.mark.parametrize(
    "changes", [{"seed": "x"}, {"title": 7}, {"test_accuracy": "high"}, {"firing": [1]}, {"probe": 7}, {"phases": []}]
)
def test_an_odd_summary_is_refused(run, changes):
    (run / files.SUMMARY).write_text(json.dumps(SUMMARY | changes))
    write_checksums(run)
    with pytest.raises(DataError, match=r"summary\.json: missing or damaged"):
        open_run(run)


@pytest.mark.parametrize("to", ["csv", "npz", "nwb", "neo"])
@pytest.mark.parametrize("kind", ["file", "folder", "link", "link to nothing"])
@pytest.mark.parametrize("source", ["run", f"run/{files.RECORDING}"])
def test_what_is_there_already_is_not_overwritten_by_an_export(run, tmp_path, to, kind, source):
    if to == "npz" and source != "run":
        return
    suffix = {"csv": "", "npz": ".npz", "nwb": ".nwb", "neo": ".mat"}[to]
    target, precious = tmp_path / f"out{suffix}", tmp_path / "precious"
    precious.write_text("mine")
    if kind == "folder":
        target.mkdir()
    elif kind == "file":
        target.write_text("mine")
    else:
        target.symlink_to(precious if kind == "link" else tmp_path / "nothing")
    with pytest.raises(ConfigError, match="exists already"):
        export(tmp_path / source, to, target)
    found = CliRunner().invoke(app, ["export", str(tmp_path / source), "--to", to, "--out", str(target)])
    assert found.exit_code == 2 and "exists already" in found.stderr
    assert precious.read_text() == "mine" and not (tmp_path / "nothing").exists()


def test_the_second_folder_of_tables_is_not_overwritten_either(run, tmp_path):
    (tmp_path / "out-recording").mkdir()
    with pytest.raises(ConfigError, match="out-recording exists already"):
        export(run, "csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("to", ["nwb", "csv", "neo", "npz"])
@pytest.mark.parametrize("source", [".", "./", "../run", ".//../run/."])
def test_the_folder_one_is_in_is_exported_beside_itself(run, monkeypatch, to, source):
    monkeypatch.chdir(run)
    written = export(source, to)
    assert all(path.parent == run.parent and path.name.startswith("run") and path.exists() for path in written)
    monkeypatch.chdir("/")
    for odd in ("/", "", "nowhere", "\0"):
        with pytest.raises(NeurosimError):
            export(odd, to)


def _outside(path: Path, outside: Path, kind: str) -> None:
    outside.write_text("mine")
    path.unlink(missing_ok=True)
    os.link(outside, path) if kind == "hard link" else path.symlink_to(outside)


@pytest.mark.parametrize("kind", ["hard link", "link"])
def test_nothing_is_appended_to_a_file_that_is_elsewhere_too(tmp_path, kind):
    _outside(tmp_path / "log.txt", tmp_path / "outside", kind)
    with pytest.raises(DataError, match=r"log\.txt: this"):
        Log(tmp_path / "log.txt").line("text")
    assert (tmp_path / "outside").read_text() == "mine"


@pytest.mark.parametrize("kind", ["hard link", "link"])
def test_no_lock_is_written_into_a_file_that_is_elsewhere_too(tmp_path, kind):
    _outside(tmp_path / files.LOCK, tmp_path / "outside", kind)
    with pytest.raises(DataError, match=r"run\.lock"), locked(tmp_path):
        pass
    assert (tmp_path / "outside").read_text() == "mine"


class _Model:
    hash = "hash"

    def resolve(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize("kind", ["hard link", "link"])
@pytest.mark.parametrize(
    "name", [files.LOG, files.CONFIG, f"{files.CHECKPOINTS}/000001.json", f"{files.RECORDING}/v/0.0.0", "figures/a.png"]
)
def test_no_run_goes_on_in_a_folder_with_files_that_are_elsewhere_too(run, tmp_path, name, kind):
    (run / files.SUMMARY).unlink()
    (run / name).parent.mkdir(exist_ok=True)
    _outside(run / name, tmp_path / "outside", kind)
    model: Any = _Model()
    message = "this is a link" if kind == "link" else "has 2 names"
    with pytest.raises(DataError, match=message), taken(run, model, 0, (), resume=True):
        pass
    assert (tmp_path / "outside").read_text() == "mine"


def test_figures_are_not_drawn_through_a_link(run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (run / f"{files.RECORDING.removesuffix('.zarr')}-figures").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="this is a link"):
        draw_all(run / files.RECORDING)
    assert not list((tmp_path / "elsewhere").iterdir())
