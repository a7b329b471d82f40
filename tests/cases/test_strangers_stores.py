"""Zarr stores from strangers: nothing runs, what is checked is what is read, and no more unpacked than is described."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pickle
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import xarray

from neurosim.errors import DataError
from neurosim.gate.limits import VARIABLE
from neurosim.gate.stores import dataset_of, open_store
from neurosim.recording.store import open_recording
from neurosim.runs.drawing import draw_all
from neurosim.runs.export import export

STEPS = 40
VALUES = np.random.default_rng(0).random((STEPS, 1, 2))


class Ran(Exception):
    """Raised by code that a stranger brought."""


class Bomb:
    def __reduce__(self) -> Any:
        return (_ran, ())


def _ran() -> None:
    raise Ran


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A recording without checksums, as any program could write it."""
    found = xarray.Dataset(
        {"v": (("time", "trial", "neuron"), VALUES, {"units": "1"})},
        coords={"time": ("time", np.arange(STEPS) * 1e-3, {"units": "second"})},
        attrs={"model": "cells", "dt": 1e-3},
    )
    codec = numcodecs.Zlib()
    found.to_zarr(tmp_path / "odd.zarr", zarr_format=2, consolidated=True, encoding={"v": {"compressors": (codec,)}})
    return tmp_path / "odd.zarr"


def _describe(store: Path, **changes: Any) -> None:
    file = store / "v" / ".zarray"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def _read(store: Path) -> np.ndarray:
    return dataset_of(open_store(store)).v.values


ROADS: list[Callable[[Path], Any]] = [
    lambda path: open_recording(path).v.values,
    draw_all,
    *(lambda path, to=to: export(path, to) for to in ("csv", "nwb", "neo")),
]


@pytest.mark.filterwarnings("ignore:.*no checksums")
@pytest.mark.parametrize("road", ROADS)
def test_a_consolidated_description_that_names_a_decoder_is_not_read(store, road):
    whole = json.loads((store / ".zmetadata").read_text())
    odd = {"dtype": "|O", "filters": [{"id": "vlen-utf8"}, {"id": "pickle"}], "compressor": None}
    whole["metadata"]["v/.zarray"] |= odd
    (store / ".zmetadata").write_text(json.dumps(whole))
    road(store)
    (store / ".zmetadata").write_text("[" * 10_000)
    np.testing.assert_array_equal(_read(store), VALUES)


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": "|O", "filters": [{"id": "pickle"}]},
        {"dtype": "|O", "filters": [{"id": "vlen-utf8"}]},
        {"dtype": "|O", "filters": [{"id": "vlen-bytes"}]},
        {"dtype": "|O", "filters": [{"id": "json2"}]},
        {"dtype": "|O", "filters": [{"id": "msgpack2"}]},
        {"dtype": "|O", "filters": [{"id": "categorize"}]},
        {"dtype": "|O", "filters": None},
        {"dtype": "|V8"},
        {"dtype": [["a", "<f8"]]},
        {"dtype": "<M8[ns]"},
        {"dtype": "object"},
        {"filters": [{"id": "pickle"}]},
        {"filters": [{"id": "delta", "dtype": "O"}]},
        {"compressor": {"id": "pickle"}},
        {"compressor": {"id": "lzma"}},
        {"compressor": {"id": "zfpy"}},
        {"compressor": {"id": ["zlib"]}},
        {"compressor": "zlib"},
        {"zarr_format": 3},
        {"dimension_separator": "/"},
        {"order": "K"},
        {"fill_value": {"a": 1}},
        {"chunks": [0, 1, 2]},
        {"chunks": [1]},
        {"shape": [True, 1, 2]},
        {"shape": [1e9, 1, 2]},
    ],
    ids=str,
)
def test_descriptions_that_want_what_is_not_allowed_are_refused_on_every_road(store, changes, road):
    _describe(store, **changes)
    (store / "v" / "0.0.0").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataError, match=r"odd\.zarr"):
        road(store)


def test_stores_of_format_3_are_refused_by_name(tmp_path, store):
    for place in (store, store / "v"):
        (place / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
        with pytest.raises(DataError, match="format 3, expected 2"):
            open_recording(store)
        (place / "zarr.json").unlink()
    xarray.Dataset({"v": ("time", [1.0])}).to_zarr(tmp_path / "new.zarr", zarr_format=3)
    for road in ROADS:
        with pytest.raises(DataError, match="format 3, expected 2"):
            road(tmp_path / "new.zarr")


LONG = 1 << 26
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "zlib": lambda data: zlib.compress(data, 1),
    "gzip": lambda data: gzip.compress(data, 1),
    "bz2": lambda data: bz2.compress(data, 1),
    "blosc": lambda data: numcodecs.Blosc("lz4", 1).encode(data),
    "zstd": lambda data: numcodecs.Zstd(1).encode(data),
    "lz4": lambda data: numcodecs.LZ4().encode(data),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_chunk_is_unpacked_only_to_the_size_that_is_described(store, name):
    import tracemalloc

    _describe(store, compressor={"id": name})
    chunk = store / "v" / "0.0.0"
    data = np.ascontiguousarray(VALUES).tobytes()
    chunk.write_bytes(PACKED[name](data))
    np.testing.assert_array_equal(_read(store), VALUES)
    long = PACKED[name](bytes(LONG))
    # Some of it looks as it should; too much follows.
    for odd in (long[: len(data) + 1000], PACKED[name](data + b"\0"), PACKED[name](data[:-8]), PACKED[name](b""), b""):
        chunk.write_bytes(odd)
        tracemalloc.start()
        with pytest.raises(DataError, match=r"0\.0\.0.*damaged"):
            _read(store)
        assert tracemalloc.get_traced_memory()[1] < LONG / 20
        tracemalloc.stop()
    chunk.write_bytes(long)
    with pytest.raises(DataError, match="expected at most" if len(long) > 100_000 else "another size"):
        _read(store)


@pytest.mark.parametrize("name", ["blosc", "zstd", "lz4"])
def test_a_size_that_a_stream_only_claims_is_not_believed(store, name):
    """The header says what is described, the stream holds far more; and the other way round."""
    _describe(store, compressor={"id": name})
    packed = bytearray(PACKED[name](bytes(LONG)))
    small = PACKED[name](bytes(VALUES.nbytes))
    for length in (8, 16, 40):
        (store / "v" / "0.0.0").write_bytes(small[:length] + packed[length : length + 1000])
        with pytest.raises(DataError, match="damaged"):
            _read(store)


def test_streams_with_more_than_one_part_are_refused(store):
    data = VALUES.tobytes()
    for name in ("zlib", "gzip", "bz2", "zstd"):
        _describe(store, compressor={"id": name})
        (store / "v" / "0.0.0").write_bytes(PACKED[name](data) + PACKED[name](data))
        with pytest.raises(DataError, match="damaged"):
            _read(store)


def test_lzma_has_no_place(store):
    _describe(store, compressor={"id": "lzma"})
    (store / "v" / "0.0.0").write_bytes(lzma.compress(VALUES.tobytes()))
    with pytest.raises(DataError, match="unknown here"):
        _read(store)


@pytest.mark.parametrize("changes", [{"shape": [1 << 40, 1, 2]}, {"chunks": [1 << 40, 1, 2]}, {"dtype": "<U999999"}])
def test_more_than_the_user_allows_is_refused_before_it_is_read(store, changes, monkeypatch):
    monkeypatch.setenv(VARIABLE, "64")
    fill = {"fill_value": None}
    _describe(store, **fill, **changes)
    with pytest.raises(DataError, match=f"expected at most 64 MiB.*{VARIABLE}"):
        open_store(store, whole=True)


def test_of_chunks_that_are_not_there_none_is_looked_for(store):
    """A short description has 2^40 of them."""
    (store / "v" / "0.0.0").unlink()
    (store / "v" / "7.0.1").write_bytes(VALUES[:1, 0, 0].tobytes())
    _describe(store, shape=[1 << 40, 1, 2], chunks=[1, 1, 1], compressor=None, fill_value=None)
    found = open_store(store).arrays["v"]
    assert found.read((slice(None, 1 << 22), 0, 1)).nonzero()[0].tolist() == [7]
    assert found.read((slice(3, 1 << 22, 2), 0, 1)).nonzero()[0].tolist() == [2]
    with pytest.raises(DataError, match="as it is asked for"):
        found.read((slice(None), 0, 0))


@pytest.mark.parametrize("what", ["v", "v/.zarray", "v/0.0.0", ".zattrs", "time"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_links_and_pipes_in_a_store_are_refused_and_nothing_hangs(store, tmp_path, what, kind):
    path, outside = store / what, tmp_path / "outside"
    shutil.move(path, outside)
    path.symlink_to(outside) if kind == "link" else os.mkfifo(path)
    with pytest.raises(DataError, match="a link" if kind == "link" else "no file"):
        open_recording(store)


def test_what_xarray_wrote_is_read_as_xarray_reads_it(tmp_path):
    generator = np.random.default_rng(1)
    found = xarray.Dataset(
        {
            "many": (("t", "u", "w"), generator.random((50, 7, 9)), {"units": "s"}),
            "holes": (("t", "u"), np.where(generator.random((50, 7)) > 0.5, np.nan, 1.0)),
            "zeros": ("t", np.zeros(50, int)),
            "one": ((), np.float32(3)),
            "flags": ("u", generator.random(7) > 0.5),
            "texts": ("u", np.array(list("abcdefg"))),
        },
        coords={"name": ("u", np.array(["x", "yy", "z", "", "a", "b", "c"])), "t": np.arange(50) * 0.1},
        attrs={"a": [1, 2]},
    )
    for codec in (None, numcodecs.Blosc("zstd"), numcodecs.Zstd(), numcodecs.LZ4(), numcodecs.GZip(), numcodecs.BZ2()):
        packing = {"chunks": (8, 3, 4), "compressors": None if codec is None else (codec,)}
        found.to_zarr(tmp_path / "a.zarr", mode="w", zarr_format=2, encoding={"many": packing})
        xarray.testing.assert_identical(dataset_of(open_store(tmp_path / "a.zarr")).load(), found)
    chosen: list[dict[str, Any]] = [
        {"t": 3}, {"t": [3, 40, 2], "w": [1, 8]}, {"t": slice(40, 2, -3)}, {"t": []}, {"w": -1, "u": slice(2, 2)},
        {"u": xarray.DataArray([1, 2], dims="q"), "w": xarray.DataArray([8, 0], dims="q")},
    ]  # fmt: skip
    for key in chosen:
        part = dataset_of(open_store(tmp_path / "a.zarr")).many.isel(key).load()
        xarray.testing.assert_identical(part, found.many.isel(key))
