"""IDX files, whole and broken, and the errors that name them."""

from __future__ import annotations

import gzip
import hashlib
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim.errors import DataError
from neurosim.tasks import _idx_images, mnist
from neurosim.tasks._idx import read_idx

LARGEST = 1 << 28
CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx_bytes(array, code="u1"):
    return (
        bytes([0, 0, CODES[code], array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.astype(code).tobytes()
    )


IMAGES = np.arange(2 * 28 * 28).reshape(2, 28, 28) % 256
WHOLE = idx_bytes(IMAGES)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_reads_every_type(tmp_path, code, pack):
    array = np.arange(24).reshape(2, 3, 4)
    path = tmp_path / "file"
    path.write_bytes(pack(idx_bytes(array, code)))
    found, read = read_idx(path, largest=LARGEST)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == np.dtype(code).newbyteorder("=")
    unpacked = idx_bytes(array, code)
    assert read == {"name": "file", "sha256": hashlib.sha256(unpacked).hexdigest(), "bytes": len(unpacked)}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "truncated, got 0 bytes of the magic number, expected 4"),
        (b"\0\0\x08", "truncated, got 3 bytes of the magic number"),
        (WHOLE[:10], "truncated, got 6 bytes of the axes, expected 12"),
        (b"\0\0\x07\x03" + WHOLE[4:], "got the magic number 0x00000703"),
        (b"\0\0\x08\0" + WHOLE[4:], "no IDX file"),
        (b"\1\0\x08\x03" + WHOLE[4:], "no IDX file"),
        (b"<html>not found</html>", "no IDX file"),
        (WHOLE + b"x", "trailing bytes after the 1568 bytes"),
        (b"\0\0\x08\x03" + b"\xff" * 12 + WHOLE[16:], "its header lies"),
        (b"\0\0\x0e\xff" + b"\xff" * 1020 + WHOLE[16:], "its header lies"),
    ],
)
def test_broken_files_are_named(tmp_path, pack, content, message):
    path = tmp_path / "broken-idx3-ubyte"
    path.write_bytes(pack(content))
    tracemalloc.start()
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path, largest=LARGEST)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(path) in str(caught.value)
    assert peak < 10e6


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(0, len(WHOLE) - 1))
def test_every_truncation_is_noticed(tmp_path, length):
    path = tmp_path / "cut"
    path.write_bytes(WHOLE[:length])
    with pytest.raises(DataError, match="cut: truncated"):
        read_idx(path, largest=LARGEST)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_every_truncation_and_bit_flip_of_a_gzip_is_noticed(tmp_path, data):
    packed = bytearray(gzip.compress(WHOLE, mtime=0))
    path = tmp_path / "packed.gz"
    path.write_bytes(packed[: data.draw(st.integers(0, len(packed) - 1))])
    with pytest.raises(DataError, match=r"packed\.gz"):
        read_idx(path, largest=LARGEST)
    # Bytes 3 to 9 hold flags, time and system, which do not touch the data.
    packed[data.draw(st.integers(10, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(packed)
    with pytest.raises(DataError, match=r"packed\.gz"):
        read_idx(path, largest=LARGEST)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match="absent"):
        read_idx(tmp_path / "absent", largest=LARGEST)
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path, largest=LARGEST)


def write_mnist(folder, *, n=20, pack=bytes, suffix="", **replaced):
    """Four small files in MNIST's shape; `replaced` gives one file's bytes by its stem up to the dash."""
    folder.mkdir(exist_ok=True)
    for part in ("train", "t10k"):
        images = np.random.default_rng(0).integers(0, 256, (n, 28, 28))
        labels = np.arange(n) % 10
        content = {f"{part}-images-idx3-ubyte": images, f"{part}-labels-idx1-ubyte": labels}
        for stem, array in content.items():
            given_bytes = replaced.get(stem.rsplit("-", 2)[0].replace("-", "_"))
            (folder / f"{stem}{suffix}").write_bytes(pack(given_bytes or idx_bytes(array)))


def load(folder, **changes):
    return mnist.load(mnist.Config(folder=folder, **({"validation": 5, "verify": False} | changes)), seed=0)


@pytest.mark.parametrize("place", ["", "mnist"])
@pytest.mark.parametrize(("pack", "suffix"), [(bytes, ""), (gzip.compress, ".gz")])
def test_mnist_files_are_found(tmp_path, monkeypatch, place, pack, suffix):
    write_mnist(tmp_path / place, pack=pack, suffix=suffix)
    assert len(load(tmp_path).train) == 15
    monkeypatch.setenv("NEUROSIM_DATA", str(tmp_path))
    assert len(load(None).test) == 20


def test_checksum_that_does_not_match(tmp_path):
    write_mnist(tmp_path)
    with pytest.raises(
        DataError, match=r"train-images-idx3-ubyte: the checksum does not match, got sha256 .*expected ba89"
    ):
        load(tmp_path, verify=True)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"train_images": idx_bytes(np.zeros((20, 8, 8)))}, r"train-images.*expected uint8 of \(n, 28, 28\)"),
        (
            {"train_labels": idx_bytes(np.zeros(19))},
            r"train-labels.*shape \(19,\), expected uint8 of \(20,\)",
        ),
        ({"t10k_labels": idx_bytes(np.full(20, 10))}, "t10k-labels.*the label 10, expected 0 to 9"),
        ({"t10k_images": WHOLE[:-1]}, "t10k-images.*"),
    ],
)
def test_files_that_do_not_fit_together(tmp_path, replaced, message):
    write_mnist(tmp_path, **replaced)
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def test_a_named_folder_without_the_files_downloads_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(_idx_images, "downloaded", lambda *_: pytest.fail("downloaded"))
    with pytest.raises(DataError, match="train-images-idx3-ubyte: got no such file"):
        load(tmp_path)


def test_a_failed_download_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROSIM_DATA", str(tmp_path))

    def fail(**_):
        raise OSError("no network")

    monkeypatch.setattr("pooch.retrieve", fail)
    with pytest.raises(DataError, match=r"no network.*is not in .*Set NEUROSIM_DATA"):
        load(None)
