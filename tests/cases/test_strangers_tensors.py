"""Safetensors and JSON from strangers, and flipped bits in weights: refused, on every road that leads to them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from neurosim.engines.slots import Continuation
from neurosim.errors import DataError
from neurosim.gate.limits import VARIABLE
from neurosim.gate.tensors import read_tensors
from neurosim.gate.texts import read_json
from neurosim.recording.ends import End, read_end, store_end
from neurosim.recording.weights import load_weights, save_weights

STATE = {
    "W1.w": np.arange(6.0).reshape(2, 3),
    "scale": np.array(2.5),
    "counts": np.arange(4, dtype=">i4"),
    "turned": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "flags": np.array([True, False]),
    "none": np.zeros((0, 3), np.float16),
}


def _file(path: Path, header: Any, size: int = 8, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + bytes(size))
    return path


def _one(**changes: Any) -> dict[str, Any]:
    return {"w": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]} | changes}


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_weights_come_back_with_the_same_numbers_and_can_be_changed(tmp_path, suffix):
    found = load_weights(save_weights(STATE, tmp_path / f"state{suffix}"))
    assert found.keys() == STATE.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, STATE[name])
        assert array.shape == STATE[name].shape and array.dtype == STATE[name].dtype.newbyteorder("=")
        assert array.flags.writeable


def test_other_programs_read_what_is_written_and_the_other_way_round(tmp_path):
    save_weights(STATE, tmp_path / "ours.safetensors")
    theirs = load_file(tmp_path / "ours.safetensors")
    assert all(np.array_equal(theirs[name], array) for name, array in STATE.items())
    save_file({name: np.ascontiguousarray(array) for name, array in STATE.items()}, tmp_path / "theirs.safetensors")
    ours = load_weights(tmp_path / "theirs.safetensors")
    assert all(np.array_equal(ours[name].ravel(), array.ravel()) for name, array in STATE.items())


def test_the_same_weights_are_the_same_bytes(tmp_path):
    found = {save_weights(STATE, tmp_path / f"{n}.safetensors").read_bytes() for n in range(8)}
    assert len(found) == 1


@pytest.mark.parametrize(
    "header",
    [
        _one(shape=[10**15], data_offsets=[0, 8 * 10**15]),
        _one(shape=[10**15]),
        _one(shape=[2**61]),
        _one(shape=[2**62, 2**62, 0], data_offsets=[0, 0]),
        _one(shape=[-1]),
        _one(shape=[True]),
        _one(shape=["1"]),
        _one(shape=1),
        _one(shape=[1] * 40),
        _one(data_offsets=[0, -8]),
        _one(data_offsets=[8, 0]),
        _one(data_offsets=[0, 4]),
        _one(data_offsets=[0]),
        _one(data_offsets="08"),
        _one(dtype="BF16", shape=[4]),
        _one(dtype="O"),
        _one(dtype=["F64"]),
        _one() | {"v": _one()["w"]},
        {"w": None},
        {"w": []},
        {},
        [],
        _one() | {"__metadata__": {"a": 1}},
        _one() | {"__metadata__": "text"},
        b"[" * 1000,
        b'{"w": NaN}',
        b"\x80\x04\x95pickle",
        b"\xff\xfe",
    ],
    ids=str,
)
def test_headers_that_say_what_cannot_be_are_refused(tmp_path, header):
    path = _file(tmp_path / "w.safetensors", header)
    with pytest.raises(DataError, match="no valid safetensors"):
        read_tensors(path)
    with pytest.raises(DataError, match="no weights, or damaged ones"):
        load_weights(path)


@pytest.mark.parametrize("length", [0, 1, 10**9, 10**15, 2**64 - 1])
def test_files_that_are_mostly_holes_are_refused_before_they_are_read(tmp_path, length):
    path = _file(tmp_path / "w.safetensors", _one(), length=length)
    os.truncate(path, 8 << 30)  # sparse: it takes no room
    with pytest.raises(DataError, match=r"no valid safetensors|expected at most"):
        load_weights(path)


def test_numbers_beyond_what_the_user_allows_are_refused(tmp_path, monkeypatch):
    path = save_weights({"w": np.zeros(1 << 18)}, tmp_path / "w.safetensors")
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(DataError, match=f"at most 1 MiB here.*{VARIABLE}"):
        load_weights(path)
    monkeypatch.setenv(VARIABLE, "3")
    assert load_weights(path)["w"].size == 1 << 18


def test_truncated_and_longer_files_are_refused(tmp_path):
    path = save_weights(STATE, tmp_path / "w.safetensors")
    whole = path.read_bytes()
    for data in (*(whole[:length] for length in range(0, len(whole), 23)), whole + b"\0"):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"w\.safetensors"):
            load_weights(path)


def test_no_flipped_bit_gives_other_weights(tmp_path):
    path = save_weights(STATE, tmp_path / "w.safetensors")
    whole, noticed = path.read_bytes(), 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        try:
            found = load_weights(path)
        except DataError:
            noticed += 1
        else:
            assert all(np.array_equal(found[name], array) for name, array in STATE.items())
    assert noticed > 0.9 * len(whole)


def test_no_flipped_bit_gives_another_end_of_a_simulation(tmp_path):
    values = {name: np.arange(3.0) for name in ("cells.v", "cells|last_step", "cells.not_refractory")}
    going = Continuation(7, values, random=[{"key": np.arange(4, dtype=np.uint32)}])
    path = tmp_path / "end"
    store_end(path, End(going, {"W1.w": np.ones((2, 2))}, 1e-4, 3, 1))
    assert read_end(path).continuation.step == 7
    whole, noticed = path.read_bytes(), 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        try:
            found = read_end(path)
        except DataError as error:
            noticed += 1
            assert str(path) in str(error)
        else:
            assert (found.continuation.step, found.dt, found.seed, found.trials) == (7, 1e-4, 3, 1)
            assert np.array_equal(found.continuation.values["cells.v"], np.arange(3.0))
    assert noticed > 0.9 * len(whole)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{", "1" * 5000, "\0", "nul"])
def test_json_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


def test_json_that_is_long_is_refused_before_it_is_parsed(tmp_path):
    with (tmp_path / "a.json").open("wb") as stream:
        stream.truncate(1 << 33)  # sparse: it takes no room
    with pytest.raises(DataError, match="expected at most 16 MiB"):
        read_json(tmp_path / "a.json")
