"""NumPy's files from strangers: nothing runs, no memory is taken on their word, damage is noticed."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.errors import ConfigError, DataError
from neurosim.gate.limits import VARIABLE, largest
from neurosim.gate.npz import read_npy, read_npz


def _npy(array: np.ndarray, **settings: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **settings)
    return stream.getvalue()


def _header(text: str, version: int = 1) -> bytes:
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text.encode()


def _archive(path: Path, members: list[tuple[str, bytes]], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<i2", "bool", "<c8", "<U3", "S2", "u1"])
def test_what_numpy_wrote_is_read_as_numpy_reads_it(tmp_path, save, dtype):
    arrays = {
        "many": np.arange(6).reshape(2, 3).astype(dtype),
        "turned": np.asfortranarray(np.arange(6).reshape(2, 3).astype(dtype)),
        "one": np.asarray(1).astype(dtype),
        "none": np.zeros((0, 4), dtype),
    }
    save(tmp_path / "a.npz", **arrays)
    found = read_npz(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as expected:
        assert list(found) == expected.files
        for name, array in found.items():
            assert array.dtype == expected[name].dtype and array.shape == expected[name].shape
            assert (array == expected[name]).all() and array.flags.writeable
    np.save(tmp_path / "a.npy", arrays["turned"])
    assert (read_npy(tmp_path / "a.npy") == arrays["turned"]).all()


def test_a_member_that_is_no_array_is_named_and_not_unpacked(tmp_path):
    path = _archive(tmp_path / "a.npz", [("w.npy", _npy(np.ones(3))), ("README.txt", bytes(1 << 24))])
    with pytest.raises(DataError, match=r"README\.txt"):
        read_npz(path)


def test_what_unpacks_to_more_than_the_user_allows_is_refused(tmp_path, monkeypatch):
    path = _archive(tmp_path / "a.npz", [("w.npy", _npy(np.zeros(1 << 18)))])
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(DataError, match="at most 1 MiB"):
        read_npz(path)
    with pytest.raises(DataError, match="at most"):
        read_npz(path, largest=1 << 20)
    assert read_npz(path, largest=4 << 20)["w"].size == 1 << 18


def test_sizes_in_an_archives_directory_that_lie_are_refused(tmp_path):
    data = _npy(np.zeros(1 << 16))
    path = _archive(tmp_path / "a.npz", [("w.npy", data)])
    for told in (len(data) - 64, 200, 0):
        packed = bytearray(path.read_bytes())
        where = packed.rfind(b"PK\x01\x02")
        packed[where + 24 : where + 28] = struct.pack("<I", told)
        (tmp_path / "b.npz").write_bytes(packed)
        with pytest.raises(DataError):
            read_npz(tmp_path / "b.npz")


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2**60,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 99999999999999999999)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1," * 65 + ")}",
        "{'descr': '<f8', 'fortran_order': False}",
        "{'descr': 'nothing', 'fortran_order': False, 'shape': (1,)}",
        "(" * 5000,
        "__import__('os').system('false')",
    ],
)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_headers_that_ask_for_anything_but_numbers_that_are_there_are_refused(tmp_path, text, version):
    data = _header(text, version) + bytes(16)
    path = _archive(tmp_path / "a.npz", [("w.npy", data)])
    with pytest.raises(DataError, match=r"a\.npz"):
        read_npz(path)
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.npy"):
        read_npy(tmp_path / "a.npy")


def test_one_name_twice_is_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        path = _archive(tmp_path / "a.npz", [("w.npy", _npy(np.ones(3))), ("w.npy", _npy(np.zeros(3)))])
    with pytest.raises(DataError, match="twice"):
        read_npz(path)


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_packed_otherwise_than_by_numpy_are_refused(tmp_path, kind):
    path = _archive(tmp_path / "a.npz", [("w.npy", _npy(np.ones(3)))], kind)
    with pytest.raises(DataError, match="packed in another way"):
        read_npz(path)


def test_any_flipped_bit_of_the_numbers_is_noticed(tmp_path):
    array = np.arange(8.0)
    path = _archive(tmp_path / "a.npz", [("w.npy", _npy(array))], zipfile.ZIP_STORED)
    whole = path.read_bytes()
    begin = whole.find(array.tobytes())
    for place in range(begin, begin + array.nbytes):
        data = bytearray(whole)
        data[place] ^= 4
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"a\.npz"):
            read_npz(path)


def test_truncated_archives_are_refused(tmp_path):
    path = _archive(tmp_path / "a.npz", [("w.npy", _npy(np.ones(3)))])
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"a\.npz"):
            read_npz(path)


def test_a_directory_of_an_archive_that_takes_long_is_refused(tmp_path):
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, 64 << 20, 0, 0)
    with (tmp_path / "a.npz").open("wb") as stream:
        stream.truncate(64 << 20)  # sparse: it takes no room
        stream.seek(0, os.SEEK_END)
        stream.write(end)
    with pytest.raises(DataError, match="directory"):
        read_npz(tmp_path / "a.npz")


def test_what_is_no_file_is_refused_and_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    for path in (tmp_path / "pipe.npz", tmp_path, tmp_path / "missing.npz", Path(f"{tmp_path}/a\0.npz")):
        for read in (read_npz, read_npy):
            with pytest.raises(DataError):
                read(path)


def test_the_largest_size_is_the_users(monkeypatch):
    monkeypatch.setenv(VARIABLE, "3")
    assert largest() == 3 << 20
    for text in ("0", "-1", "many", "1e3", "9" * 20):
        monkeypatch.setenv(VARIABLE, text)
        with pytest.raises(ConfigError, match=VARIABLE):
            largest()
