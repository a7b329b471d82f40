"""An unfinished run of a stranger: what it recorded is checked before a run goes on in it, and described anew."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numcodecs
import numpy as np
import pytest

from neurosim.errors import DataError
from neurosim.recording.store import open_recording
from neurosim.runs import folder as files
from neurosim.runs.checkpoints import Checkpoints
from neurosim.runs.recorder import SNAPSHOTS, UNFINISHED, TrainingRecorder
from neurosim.training.progress import Progress

NAME = "W1.trace"


@dataclass(frozen=True)
class Kept:
    """What of a training's settings is recorded."""

    variables: tuple[str, ...] = (NAME,)
    split: str = "train"


def _state(epoch: int) -> dict[str, np.ndarray]:
    return {NAME: np.arange(6.0).reshape(2, 3) + epoch}


def _recorder(folder: Path) -> TrainingRecorder:
    """One that records an array of synapses after each of three epochs; no network is made for it."""
    found: Any = object.__new__(TrainingRecorder)
    found.record, found.path, found.temporary, found.list = (
        Kept(), folder / files.RECORDING, folder / UNFINISHED, folder / SNAPSHOTS
    )  # fmt: skip
    setting = SimpleNamespace(dt=1e-3, dtype=np.dtype(float))
    found.engine = SimpleNamespace(circuit=SimpleNamespace(name="tiny", phases=()), setting=setting)
    found.epochs, found.rows, found.weights, found.traces = [0, 1, 2], np.asarray([0]), [NAME], []
    found.digests, found.group = {}, None
    found.split = None
    return found


def _reached(epoch: int) -> Progress:
    return Progress(_state(epoch), epoch=epoch)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run folder in which two of three snapshots were recorded."""
    recorder = _recorder(tmp_path)
    recorder.begin(_state(0))
    for epoch in (0, 1):
        recorder(_reached(epoch))
    return tmp_path


def _finish(folder: Path) -> np.ndarray:
    recorder = _recorder(folder)
    recorder.resume(_reached(1))
    recorder(_reached(2))
    recorder.finish()
    return open_recording(folder / files.RECORDING)[NAME].values


def test_a_recording_goes_on_where_it_stopped_with_the_same_files(stopped, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    recorder = _recorder(folder)
    recorder.begin(_state(0))
    for epoch in (0, 1, 2):
        recorder(_reached(epoch))
    recorder.finish()
    np.testing.assert_array_equal(_finish(stopped), np.stack([_state(epoch)[NAME] for epoch in (0, 1, 2)]))
    assert _bytes(stopped) == _bytes(folder)


def _bytes(folder: Path) -> dict[str, bytes]:
    store = folder / files.RECORDING
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def _zarray(folder: Path, **changes: Any) -> None:
    path = folder / UNFINISHED / NAME / ".zarray"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": "|O", "filters": [{"id": "pickle"}]},
        {"dtype": "|O", "filters": [{"id": "vlen-utf8"}, {"id": "pickle"}]},
        {"filters": [{"id": "pickle"}]},
        {"compressor": {"id": "pickle"}},
        {"compressor": {"id": "zlib", "level": 1}},
        {"dtype": "<f4"},
        {"shape": [1 << 40, 2, 3]},
        {"chunks": [1, 2, 1]},
        {"fill_value": 1.0},
        {"order": "F"},
    ],
    ids=str,
)
def test_what_describes_itself_otherwise_than_this_run_is_not_gone_on_in(stopped, changes):
    _zarray(stopped, **changes)
    with pytest.raises(DataError, match=r"unfinished"):
        _recorder(stopped).resume(_reached(1))


def test_a_chunk_that_unpacks_to_far_more_is_refused(stopped):
    chunk = stopped / UNFINISHED / NAME / "1.0.0"
    described = json.loads((stopped / UNFINISHED / NAME / ".zarray").read_text())
    codec = numcodecs.get_codec(described["compressor"])
    chunk.write_bytes(codec.encode(bytes(1 << 26)))
    with pytest.raises(DataError, match=r"damaged|expected at most"):
        _recorder(stopped).resume(_reached(1))


def test_a_consolidated_description_and_what_was_not_recorded_wholly_are_removed(stopped):
    store = stopped / UNFINISHED
    (store / ".zmetadata").write_text(
        '{"metadata": {"W1.trace/.zarray": {"dtype": "|O", "filters": [{"id": "pickle"}]}}}'
    )
    (store / NAME / "2.0.0").write_bytes(b"half a chunk")
    (store / NAME / ".zattrs").write_text((store / NAME / ".zattrs").read_text() + " ")
    np.testing.assert_array_equal(_finish(stopped)[2], _state(2)[NAME])


@pytest.mark.parametrize("kind", ["link", "hard link"])
@pytest.mark.parametrize("name", [f"{NAME}/0.0.0", f"{NAME}/2.0.0", ".zattrs"])
def test_nothing_outside_the_folder_is_written_to(stopped, tmp_path_factory, name, kind):
    outside, path = tmp_path_factory.mktemp("outside") / "file", stopped / UNFINISHED / name
    before = path.read_bytes() if path.exists() else b"mine"
    outside.write_bytes(before)
    path.unlink(missing_ok=True)
    os.link(outside, path) if kind == "hard link" else path.symlink_to(outside)
    with pytest.raises(DataError, match="a link" if kind == "link" else "has 2 names"):
        _recorder(stopped).resume(_reached(1))
    assert outside.read_bytes() == before


@pytest.mark.parametrize("what", ["wall_s", "progress", "arrays", "epoch", "seconds", "reports"])
@pytest.mark.parametrize("value", [None, "text", [1], 10**400], ids=["none", "text", "list", "large"])
def test_an_odd_checkpoint_is_left_out(tmp_path, what, value):
    from neurosim.runs.integrity import sealed, unsealed

    checkpoints = Checkpoints(tmp_path, {"seed": 0}, every=0)
    checkpoints(Progress({"W1.w": np.ones(3)}, epoch=1))
    path, kind = tmp_path / "000001.json", ("neurosim checkpoint", 1)
    content = unsealed(path, *kind)
    (content if what in content else content["progress"])[what] = value
    path.write_bytes(sealed(content, *kind))
    notes: list[str] = []
    assert Checkpoints(tmp_path, {"seed": 0}).newest({"W1.w": np.ones(3)}, notes.append) is None
    assert len(notes) == 1 and notes[0].startswith("checkpoint 1 is left out: ")
