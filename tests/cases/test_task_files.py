"""Files of tasks: their entries in provenance, and refusals before memory is allocated."""

from __future__ import annotations

import gzip
import hashlib
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest

from neurosim import registry
from neurosim.errors import ArgumentError, DataError
from neurosim.tasks import cifar10, digits, fashion_mnist, linear_regression, mnist, table
from neurosim.tasks._idx import read_idx


def _idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def _images(folder: Path, n: int = 20, **packed: Any) -> dict[str, bytes]:
    """The four files of MNIST with made-up images: what each holds unpacked."""
    folder.mkdir(parents=True, exist_ok=True)
    generator, found = np.random.default_rng(0), {}
    for part in ("train", "t10k"):
        found[f"{part}-images-idx3-ubyte"] = _idx(generator.integers(0, 256, (n, 28, 28), np.uint8))
        found[f"{part}-labels-idx1-ubyte"] = _idx(np.arange(n, dtype=np.uint8) % 10)
    for name, data in found.items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data, **packed))
        else:
            (folder / name).write_bytes(data)
    return found


def _said(name: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def test_a_table_is_known_by_its_bytes_and_not_by_its_folder(tmp_path: Path) -> None:
    text = "x,y\n" + "".join(f"{row},{row / 7}\n" for row in range(20))
    found = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        (folder / "own.csv").write_text(text)
        found.append(table.load(table.Config(path=folder / "own.csv", target="y"), seed=0).files)
    assert found[0] == found[1] == (_said("own.csv", text.encode()),)


@pytest.mark.parametrize("task", [mnist, fashion_mnist])
def test_images_in_idx_files_are_known_by_their_unpacked_bytes(tmp_path: Path, task: Any) -> None:
    settings = {"validation": 5, "verify": False}
    held = _images(tmp_path / "plain")
    _images(tmp_path / "fast", compresslevel=1)
    _images(tmp_path / "best", compresslevel=9)
    for folder in ("plain", "fast", "best"):
        made = task.load(task.Config(folder=tmp_path / folder, **settings), seed=0)
        assert list(made.files) == [_said(name, data) for name, data in held.items()]


def test_cifar_names_each_batch(tmp_path: Path) -> None:
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(bytes([number]) * 3073 * 2)
    made = cifar10.load(cifar10.Config(folder=tmp_path, validation=2, verify=False), seed=0)
    assert list(made.files) == [_said(name, (tmp_path / name).read_bytes()) for name in names]


def test_digits_name_the_file_of_scikit_learn_and_drawn_tasks_name_none() -> None:
    (read,) = digits.load(digits.Config(), seed=0).files
    assert read["name"] == "digits.csv" and read["bytes"] > 0 and len(read["sha256"]) == 64
    assert linear_regression.load(linear_regression.Config(n_train=5), seed=0).files == ()


def _packed_zeros(path: Path, header: bytes, n_bytes: int) -> None:
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(header)
        for _ in range(n_bytes >> 20):
            stream.write(bytes(1 << 20))


@pytest.mark.parametrize("verify", [True, False])
def test_images_that_unpack_to_too_much_are_refused_before_they_are_read(
    tmp_path: Path, verify: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    _images(tmp_path)
    count = (100 << 20) // 784
    # Honest: the header says what follows.
    _packed_zeros(tmp_path / "train-images-idx3-ubyte.gz", struct.pack(">4B3I", 0, 0, 8, 3, count, 28, 28), 100 << 20)
    monkeypatch.setenv("NEUROSIM_LARGEST_MIB", "400")
    tracemalloc.start()
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: axes .* need 100 MiB, expected at most"):
        mnist.load(mnist.Config(folder=tmp_path, validation=5, verify=verify), seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


@pytest.mark.parametrize("axes", [(0, 2**32 - 1), (0,), (3, 0, 28), (1,) * 65, (1,) * 9])
def test_idx_axes_that_no_array_has_are_refused(tmp_path: Path, axes: tuple[int, ...]) -> None:
    path = tmp_path / "odd"
    path.write_bytes(bytes([0, 0, 8, len(axes)]) + struct.pack(f">{len(axes)}I", *axes) + b"\1")
    with pytest.raises(DataError, match=r"odd: got axes .*expected 1 to 8 axes, each with at least one entry"):
        read_idx(path, largest=1 << 20)


@pytest.mark.parametrize("kind", ["linear_regression", "nonlinear_regression", "teacher_student"])
@pytest.mark.parametrize(
    "sizes",
    [{"n_train": 10**8}, {"n_test": 10**12}, {"n_validation": 10**9}, {"n_inputs": 10**9}, {"n_outputs": 10**10}],
)
def test_drawn_tasks_are_bounded_alike_by_all_that_they_draw(kind: str, sizes: dict[str, int]) -> None:
    with pytest.raises(pydantic.ValidationError, match=r"got sizes that make .* numbers, expected at most 1e\+09"):
        registry.load("tasks", kind).Config(**sizes)


@pytest.mark.parametrize("kind", ["linear_regression", "nonlinear_regression", "teacher_student"])
def test_drawn_tasks_take_no_more_than_the_user_allows(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = registry.load("tasks", kind)
    monkeypatch.setenv("NEUROSIM_LARGEST_MIB", "1")
    with pytest.raises(DataError, match=r"what it draws: would take .*NEUROSIM_LARGEST_MIB"):
        module.load(module.Config(n_train=10_000), seed=0)


@pytest.mark.parametrize("kind", ["linear_regression", "nonlinear_regression", "teacher_student"])
@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, True, None])
def test_seeds_that_are_none_are_refused(kind: str, seed: Any) -> None:
    module = registry.load("tasks", kind)
    with pytest.raises(ArgumentError, match="seed: got"):
        module.load(module.Config(n_train=5), seed=seed)
