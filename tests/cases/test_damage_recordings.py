"""Damaged or odd recordings: every reader notices and says so in one sentence."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from typer.testing import CliRunner

from neurosim.errors import DataError, NeurosimError
from neurosim.gate.seals import CHECKSUMS
from neurosim.gate.stores import seal
from neurosim.recording.store import Recorded, RecordingWriter, complete, new_group, open_recording
from neurosim.runs.drawing import draw_all
from neurosim.runs.export import export

STEPS, PIECE = 40, 10
V = np.random.default_rng(0).random((STEPS, 2, 3))
SPIKES = V > 0.5
ATTRS = {"model": "cells", "dt": 1e-3}


def _recording(path: Path) -> Path:
    """As `simulate` writes them."""
    dims = ("time", "trial", "neuron")
    kinds = {"v": Recorded(dims, V.shape, V.dtype, "volt"), "spikes": Recorded(dims, V.shape, SPIKES.dtype, "1")}
    time = np.arange(STEPS) * 1e-3
    with RecordingWriter(path, kinds, time=time, attrs=ATTRS, piece=PIECE) as writer:
        for begin in range(0, STEPS, PIECE):
            part = slice(begin, begin + PIECE)
            writer.write(begin, {"v": V[part], "spikes": SPIKES[part]})
    return path


def _weights(path: Path) -> Path:
    """As a run leaves them, of weights alone."""
    dims = ("snapshot", "post_W1", "pre_W1")
    kinds = {"W1.w": Recorded(dims, (3, 2, 2), np.dtype(float), "1", (1, 2, 2))}
    epochs = np.arange(3)
    coords = {"snapshot": (Recorded(("snapshot",), (3,), epochs.dtype, "1"), epochs)}
    new_group(path, kinds, coords, ATTRS)["W1.w"][:] = np.ones((3, 2, 2))  # type: ignore[index]
    complete(path)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _recording(tmp_path_factory.mktemp("made") / "cells.zarr")


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "cells.zarr"))


def _use(path: Path) -> None:
    open_recording(path).load()


def test_what_was_recorded_is_read_without_a_warning(made):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = open_recording(made)
    assert list(found) == ["v", "spikes"] and found.attrs == ATTRS
    np.testing.assert_array_equal(found.v.values, V)
    np.testing.assert_array_equal(found.spikes.values, SPIKES)


def test_every_flipped_byte_is_noticed_and_its_file_is_named(store):
    """One byte of each file, three places; of the list of checksums only white space may pass."""
    for file in sorted(path for path in store.rglob("*") if path.is_file()):
        whole = file.read_bytes()
        for place in (0, len(whole) // 2, len(whole) - 1):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
            if file.name == ".zmetadata":
                continue  # for other programs; it is never read
            with pytest.raises(DataError, match=r"cells\.zarr") as caught:
                _use(store)
            assert file.name in str(caught.value) or file.name.startswith(".z")
        file.write_bytes(whole)
    _use(store)


def test_every_missing_file_is_noticed_and_named(store):
    for file in sorted(path for path in store.rglob("*") if path.is_file() and path.name != ".zmetadata"):
        whole = file.read_bytes()
        file.unlink()
        with pytest.raises(DataError, match=r"cells\.zarr"):
            _use(store)
        file.write_bytes(whole)
    shutil.move(store / "v", store.parent / "v")
    with pytest.raises(DataError, match=r"v: is missing"):
        _use(store)


def test_only_what_is_asked_for_has_to_be_whole(store):
    chunk = max((store / "v").glob("[0-9]*"))
    chunk.write_bytes(b"")
    found = open_recording(store)
    np.testing.assert_array_equal(found.v[:PIECE].values, V[:PIECE])
    for read in (lambda: found.v.values, lambda: found.load(), lambda: found.v[-1].values, lambda: found.v.mean()):
        with pytest.raises(DataError, match=f"{chunk.name}: damaged"):
            read()


def test_a_chunk_that_was_added_is_noticed(store):
    """A chunk of zeros is not written; one in its place would be other numbers."""
    first = next((store / "v").glob("[0-9]*"))
    sums = json.loads((store / CHECKSUMS).read_text())
    assert f"v/{first.name}" in sums["content"]["files"]
    first.unlink()
    seal(store)
    _use(store)
    first.write_bytes(b"chunk")
    with pytest.raises(DataError, match="was not there when the store was written"):
        _use(store)


def test_a_recording_without_checksums_says_so(store):
    attrs = json.loads((store / ".zattrs").read_text())
    (store / CHECKSUMS).unlink()
    with pytest.raises(DataError, match=r"checksums\.json: is missing"):
        open_recording(store)
    del attrs["checksums"]
    (store / ".zattrs").write_text(json.dumps(attrs))
    with pytest.warns(UserWarning, match="has no checksums"):
        np.testing.assert_array_equal(open_recording(store).v.values, V)


Change = Callable[[Path], Any]


def _json(name: str, **changes: Any) -> Change:
    def change(store: Path) -> None:
        found = json.loads((store / name).read_text()) | changes
        (store / name).write_text(json.dumps({key: value for key, value in found.items() if value != "gone"}))

    return change


def _chunk(data: bytes) -> Change:
    return lambda store: min((store / "v").glob("[0-9]*")).write_bytes(data)


ODD: dict[str, Change] = {
    **{f"dt of {value!r}"[:30]: _json(".zattrs", dt=value) for value in ("fast", None, 0, -1, True, [1], {}, "gone")},
    "dt of infinity": lambda store: (store / ".zattrs").write_text('{"dt": Infinity}'),
    "dt of many digits": lambda store: (store / ".zattrs").write_text('{"dt": 1' + "0" * 400 + "}"),
    "order of numbers": _json(".zattrs", variables=[1, 2]),
    "order of text": _json(".zattrs", variables="v"),
    "coordinates of numbers": _json(".zattrs", coordinates=7),
    "model of numbers": _json(".zattrs", model=[7]),
    "attributes of text": lambda store: (store / ".zattrs").write_text('"text"'),
    "unit of numbers": _json("v/.zattrs", units=7),
    "unit that is none": _json("v/.zattrs", units="parsec**x"),
    "dims of numbers": _json("v/.zattrs", _ARRAY_DIMENSIONS=[1, 2, 3]),
    "dims twice": _json("v/.zattrs", _ARRAY_DIMENSIONS=["time", "time", "neuron"]),
    "dims of another kind": _json("v/.zattrs", _ARRAY_DIMENSIONS=["neuron", "trial", "time"]),
    "dims too few": _json("v/.zattrs", _ARRAY_DIMENSIONS=["time"]),
    "no dims": _json("v/.zattrs", _ARRAY_DIMENSIONS="gone"),
    "another dtype": _json("v/.zarray", dtype="<f4"),
    "another dtype of the same size": _json("v/.zarray", dtype="<U2"),
    "complex numbers": _json("v/.zarray", dtype="<c16"),
    "another shape": _json("v/.zarray", shape=[STEPS, 2, 4]),
    "more trials than there can be": _json("v/.zarray", shape=[STEPS, 1 << 33, 3]),
    "no trials": _json("v/.zarray", shape=[STEPS, 0, 3]),
    "no shape": _json("v/.zarray", shape="gone"),
    "other chunks": _json("v/.zarray", chunks=[7, 2, 3]),
    "a fill value of text": _json("v/.zarray", fill_value="no"),
    "times of text": _json("time/.zarray", dtype="<U2"),
    "times of another shape": _json("time/.zarray", shape=[STEPS + 1]),
    "no times": lambda store: shutil.rmtree(store / "time"),
    "an empty chunk": _chunk(b""),
    "a short chunk": _chunk(bytes(40)),
    "a chunk of text": _chunk(b"chunk" * 100),
    "a folder for a chunk": lambda store: (store / "v" / "9.0.0").mkdir(),
    "a description of text": lambda store: (store / "v" / ".zarray").write_text("text"),
    "a description of a list": lambda store: (store / "v" / ".zarray").write_text("[]"),
    "a deep description": lambda store: (store / "v" / ".zarray").write_text("[" * 100_000),
    "a long description": lambda store: (store / "v" / ".zarray").write_text(" " * (1 << 21) + "{}"),
    "a group of text": lambda store: (store / ".zgroup").write_text("text"),
    "a group of format 3": lambda store: (store / ".zgroup").write_text('{"zarr_format": 3}'),
}  # fmt: skip
COMMANDS = [["plot"], *(["export", "--to", to] for to in ("csv", "nwb", "neo", "npz"))]


@pytest.mark.filterwarnings("ignore:.*no checksums")
@pytest.mark.parametrize("odd", ODD)
def test_odd_recordings_are_refused_in_a_sentence_by_every_command(store, odd):
    """With checksums that fit, which a stranger can compute."""
    ODD[odd](store)
    if "checksums" in (store / ".zattrs").read_text():
        seal(store)
    else:
        (store / CHECKSUMS).unlink()
    if odd == "a folder for a chunk":
        _use(store)  # nothing of it is read
        return
    if odd != "unit that is none":
        with pytest.raises(DataError, match=r"cells\.zarr"):
            _use(store)
    from neurosim.cli import app

    for command in COMMANDS:
        found = CliRunner().invoke(app, [command[0], str(store), *command[1:]])
        if found.exit_code == 0:
            # Figures show no other units than those that they know.
            assert odd == "unit that is none" and command == ["plot"]
            continue
        assert found.exit_code == 2 and found.stderr.startswith("neurosim: ") and "Traceback" not in found.stderr
        assert isinstance(found.exception, SystemExit) and len(found.stderr.strip().splitlines()) == 1


def test_odd_recordings_of_weights_are_refused(tmp_path):
    store = _weights(tmp_path / "weights.zarr")
    assert open_recording(store)["W1.w"].shape == (3, 2, 2)
    for name, changes in (("W1.w", {"chunks": [1, 1, 1]}), ("snapshot", {"dtype": "<f8"}), ("W1.w", {"dtype": "<U2"})):
        copy = Path(shutil.copytree(store, tmp_path / "copy.zarr"))
        _json(f"{name}/.zarray", **changes)(copy)
        seal(copy)
        for road in (_use, draw_all, lambda path: export(path, "csv")):
            with pytest.raises(DataError, match=r"copy\.zarr"):
                road(copy)
        shutil.rmtree(copy)


def test_names_and_texts_of_a_stranger_reach_figures_as_they_are(tmp_path):
    """What Matplotlib would take for a formula is refused or drawn, and never a traceback."""
    for name in ("$v$", "$\\frac{", "a/b", "x" * 300):
        found = xarray.Dataset(
            {"v": (("time", "trial", "neuron"), V, {"units": name, "long_name": name})},
            coords={"time": np.arange(STEPS) * 1e-3},
            attrs={"model": name, "dt": 1e-3},
        )
        found.to_zarr(tmp_path / "named.zarr", mode="w", zarr_format=2)
        for road in (draw_all, lambda path: export(path, "csv", tmp_path / "out")):
            with pytest.warns(UserWarning, match="no checksums"):
                try:
                    road(tmp_path / "named.zarr")
                except NeurosimError as error:
                    assert "fault of neurosim" not in str(error)
