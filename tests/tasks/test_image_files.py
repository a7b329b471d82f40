"""Files of CIFAR-10, CIFAR-100 and Fashion-MNIST: whole and broken ones, downloads, and what becomes of pixels."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import ConfigError, DataError
from neurosim.tasks import _cifar, cifar10, cifar100, fashion_mnist
from neurosim.tasks._images import Augmentation

BATCHES = [f"data_batch_{number}.bin" for number in range(1, 6)]


def load(task, folder, **changes):
    return task.load(task.Config(folder=folder, **({"validation": 5, "verify": False} | changes)), seed=0)


def test_pixels_are_in_the_order_height_width_channel(tmp_path, made_up):
    made_up["cifar10"](tmp_path)
    task = load(cifar10, tmp_path, standardise="none")
    assert (len(task.train), len(task.validation), len(task.test)) == (55, 5, 12)
    data = (tmp_path / "test_batch.bin").read_bytes()
    images = task.test.inputs.reshape(-1, 32, 32, 3)
    for number, height, width, channel in [(0, 0, 0, 0), (1, 3, 7, 2), (11, 31, 31, 1), (5, 16, 2, 0)]:
        # As its authors describe it: a label, then the red, green and blue plane, row by row.
        byte = data[number * 3073 + 1 + channel * 1024 + height * 32 + width]
        assert images[number, height, width, channel] == np.float32(byte) / 255
    np.testing.assert_array_equal(task.test.labels, [data[number * 3073] for number in range(12)])


def test_coarse_and_fine_labels(tmp_path, made_up):
    made_up["cifar100"](tmp_path)
    path = tmp_path / "cifar-100-binary" / "test.bin"
    rows = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 3074).copy()
    rows[:, 0], rows[:, 1] = np.arange(60) % 20, 99 - np.arange(60)
    path.write_bytes(rows.tobytes())
    fine, coarse = (load(cifar100, tmp_path, labels=kind) for kind in ("fine", "coarse"))
    np.testing.assert_array_equal(fine.test.labels, 99 - np.arange(60))
    np.testing.assert_array_equal(coarse.test.labels, np.arange(60) % 20)
    assert (fine.n_outputs, coarse.n_outputs) == (100, 20)
    np.testing.assert_array_equal(fine.test.inputs, coarse.test.inputs)


def test_the_layout_for_python_is_not_read_because_its_files_are_pickles(tmp_path):
    python = tmp_path / "cifar-10-batches-py"
    python.mkdir()
    for name in (*BATCHES, "test_batch.bin"):
        (python / name.removesuffix(".bin")).write_bytes(b"\x80\x04}.")
    with pytest.raises(DataError, match=r"unpack cifar-10-binary.tar.gz there.*pickle may run code"):
        load(cifar10, tmp_path)


@pytest.mark.parametrize("by", ["channel", "pixel"])
def test_standardised_by_the_training_split(tmp_path, made_up, by):
    made_up["cifar10"](tmp_path)
    plain, made = (load(cifar10, tmp_path, standardise=kind) for kind in ("none", by))
    images = plain.train.inputs.reshape(-1, 32, 32, 3).astype(float)
    axes = (0, 1, 2) if by == "channel" else 0
    mean, spread = images.mean(axis=axes), images.std(axis=axes)
    for name in ("train", "test"):
        expected = (getattr(plain, name).inputs.reshape(-1, 32, 32, 3) - mean) / spread
        np.testing.assert_allclose(getattr(made, name).inputs, expected.reshape(-1, 3072), atol=1e-5)


def test_a_pixel_that_never_changes_stays_finite(tmp_path, made_up):
    made_up["cifar10"](tmp_path)
    for name in (*BATCHES, "test_batch.bin"):
        rows = np.frombuffer((tmp_path / name).read_bytes(), np.uint8).reshape(-1, 3073).copy()
        rows[:, 7] = 200
        (tmp_path / name).write_bytes(rows.tobytes())
    made = load(cifar10, tmp_path, standardise="pixel")
    assert np.abs(made.train.inputs[:, 6 * 3]).max() < 1e-3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got 0 bytes, expected a multiple of 3073"),
        (b"\1" * 3072, "got 3072 bytes, expected a multiple of 3073, for each image 1 of labels"),
        (b"\1" * 3074, "got 3074 bytes"),
        (b"\x0a" * 3073, "got the label 10, expected 0 to 9"),
    ],
)
def test_broken_files_are_named(tmp_path, made_up, content, message):
    made_up["cifar10"](tmp_path)
    (tmp_path / "data_batch_3.bin").write_bytes(content)
    with pytest.raises(DataError, match=f"data_batch_3.bin: {message}"):
        load(cifar10, tmp_path)


@settings(max_examples=20)
@given(length=st.integers(1, 12 * 3073 - 1).filter(lambda n: n % 3073))
def test_every_truncation_is_noticed(tmp_path_factory, made_up, length):
    folder = tmp_path_factory.mktemp("cut")
    made_up["cifar10"](folder)
    (folder / "test_batch.bin").write_bytes((folder / "test_batch.bin").read_bytes()[:length])
    with pytest.raises(DataError, match=rf"test_batch\.bin: got {length} bytes"):
        load(cifar10, folder)


@pytest.mark.parametrize("task", [cifar10, cifar100])
def test_files_that_are_not_official_are_refused_unless_wanted(tmp_path, made_up, task):
    made_up[task.__name__.rpartition(".")[2]](tmp_path)
    with pytest.raises(DataError, match=r"not the official file, got md5 .*, expected .*set task.verify=false"):
        load(task, tmp_path, verify=True)


def test_official_files_pass(tmp_path, made_up, monkeypatch):
    made_up["cifar10"](tmp_path)
    sums = {name: hashlib.md5((tmp_path / name).read_bytes()).hexdigest() for name in (*BATCHES, "test_batch.bin")}
    test = {"test_batch.bin": sums.pop("test_batch.bin")}
    monkeypatch.setattr(cifar10, "SOURCE", replace(cifar10.SOURCE, train=sums, test=test))
    assert len(load(cifar10, tmp_path, verify=True).test) == 12


def test_fashion_mnist_is_checked_as_it_was_served(tmp_path, made_up, monkeypatch):
    made_up["fashion_mnist"](tmp_path)
    with pytest.raises(DataError, match=r"got an unpacked file.*keep train-images-idx3-ubyte.gz as it was served"):
        load(fashion_mnist, tmp_path, verify=True)
    sums = {}
    for path in list(tmp_path.iterdir()):
        packed = gzip.compress(path.read_bytes(), mtime=0)
        path.with_name(f"{path.name}.gz").write_bytes(packed)
        sums[path.name] = hashlib.md5(packed).hexdigest()
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: this is not the official file"):
        load(fashion_mnist, tmp_path, verify=True)
    monkeypatch.setattr(fashion_mnist, "SOURCE", replace(fashion_mnist.SOURCE, md5=sums))
    assert len(load(fashion_mnist, tmp_path, verify=True).test) == 40


def test_files_of_mnist_are_not_taken_for_others(tmp_path, made_up, monkeypatch):
    made_up["fashion_mnist"](tmp_path)
    monkeypatch.setenv("NEUROSIM_DATA", str(tmp_path))
    monkeypatch.setattr("pooch.retrieve", lambda **_: (_ for _ in ()).throw(OSError("no network")))
    with pytest.raises(DataError, match="no network"):
        load(fashion_mnist, None)


def test_a_named_folder_without_the_files_downloads_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(_cifar, "downloaded", lambda *_, **__: pytest.fail("downloaded"))
    with pytest.raises(DataError, match=r"cifar10: got no folder with data_batch_1.bin.*unpack cifar-10-binary.tar.gz"):
        load(cifar10, tmp_path)


def test_what_is_missing_is_downloaded_and_unpacked(tmp_path, made_up, monkeypatch):
    made_up["cifar100"](tmp_path)
    archive = tmp_path / "cifar-100-binary.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(tmp_path / "cifar-100-binary", "cifar-100-binary")
        stray = tarfile.TarInfo("cifar-100-binary/../../stray")
        stray.size = 3
        packed.addfile(stray, io.BytesIO(b"out"))
    source = replace(
        cifar100.SOURCE,
        archive="https://nowhere.invalid/cifar-100-binary.tar.gz",
        archive_md5=hashlib.md5(archive.read_bytes()).hexdigest(),
    )
    monkeypatch.setattr(cifar100, "SOURCE", source)
    monkeypatch.delenv("NEUROSIM_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)

    fetch = pooch.retrieve

    def copied(url: str, output: Any, *_: Any, check_only: bool | None = None) -> None:
        Path(output).write_bytes(archive.read_bytes())

    # Pooch knows no addresses of files, so that one of its downloaders stands in; all else is Pooch's.
    monkeypatch.setattr("pooch.retrieve", lambda **settings: fetch(**settings, downloader=copied))  # pyright: ignore
    task = load(cifar100, None)
    assert len(task.test) == 60
    assert not list(tmp_path.rglob("stray"))
    wrong = replace(source, archive_md5="0" * 32)
    monkeypatch.setattr(cifar100, "SOURCE", wrong)
    with pytest.raises(DataError, match=r"cifar-100-binary\.tar\.gz: could not be downloaded .*hash"):
        load(cifar100, None)


def test_parts_and_their_limits(tmp_path, made_up):
    made_up["cifar10"](tmp_path)
    task = load(cifar10, tmp_path, n_train=7, n_test=3, validation=2)
    assert [len(split) for split in (task.train, task.validation, task.test)] == [7, 2, 3]
    with pytest.raises(ConfigError, match=r"task.n_train: got 56 with task.validation 5, .* no more than 60 in all"):
        load(cifar10, tmp_path, n_train=56)


@settings(max_examples=30)
@given(
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3)),
    st.booleans(),
    st.integers(0, 3),
    st.integers(0, 2**32 - 1),
)
def test_every_augmented_image_is_a_shift_of_the_image_or_of_its_mirror(shape, flips, crops, first):
    generator = np.random.default_rng(first)
    inputs = generator.standard_normal((4, int(np.prod(shape)))).astype(np.float32)
    found = Augmentation(shape, flips, crops)(inputs, 3, first + np.arange(4)).reshape(4, *shape)
    height, width, _ = shape
    for image, seen in zip(inputs.reshape(4, *shape), found, strict=True):
        possible = []
        for start in (image, image[:, ::-1]) if flips else (image,):
            padded = np.pad(start, ((crops, crops), (crops, crops), (0, 0)))
            shifts = range(2 * crops + 1)
            possible += [padded[down : down + height, right : right + width] for down in shifts for right in shifts]
        assert any(np.array_equal(seen, each) for each in possible)


def test_flips_and_shifts_are_equally_frequent():
    count = 20_000
    centre = np.zeros((count, 25), np.float32)
    centre[:, 12] = 1
    where = Augmentation((5, 5, 1), False, 2)(centre, 0, np.arange(count)).argmax(axis=1)
    # Five standard errors.
    np.testing.assert_allclose(np.bincount(where, minlength=25) / count, 0.04, atol=5 * np.sqrt(0.0384 / count))
    left = np.tile(np.array([1, 0], np.float32), (count, 1))
    mirrored = Augmentation((1, 2, 1), True, 0)(left, 0, np.arange(count))[:, 1]
    assert mirrored.mean() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(count))


def test_an_augmented_image_depends_on_seed_and_presentation_alone():
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((50, 48)).astype(np.float32)
    augment = Augmentation((4, 4, 3), True, 2)
    whole = augment(inputs, 7, np.arange(50))
    again = np.concatenate([augment(inputs[:20], 7, np.arange(20)), augment(inputs[20:], 7, np.arange(20, 50))])
    np.testing.assert_array_equal(whole, again)
    assert not np.array_equal(whole, augment(inputs, 8, np.arange(50)))
    assert not np.array_equal(whole, augment(inputs, 7, 50 + np.arange(50)))


@pytest.mark.slow  # 40 s, most of them to unpack JPEG
def test_real_images(cifar10_folder):
    task = load(cifar10, cifar10_folder, validation=0, standardise="none")
    assert (len(task.train), len(task.test)) == (50_000, 10_000)
    # The well-known means of the training images' channels; these are JPEG copies, which keep them.
    mean = task.train.inputs.reshape(-1, 3).mean(axis=0, dtype=float)
    np.testing.assert_allclose(mean, [0.4914, 0.4822, 0.4465], atol=5e-4)
    assert task.train.targets.sum(axis=0).tolist() == [5000] * 10
    assert task.test.targets.sum(axis=0).tolist() == [1000] * 10
