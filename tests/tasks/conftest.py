"""Small files in the layouts of the image data sets."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


def _fashion_mnist(folder: Path, n: int = 40) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    for part in ("train", "t10k"):
        images = generator.integers(0, 256, (n, 28, 28), np.uint8)
        labels = np.arange(n, dtype=np.uint8) % 10
        header = struct.pack(">4B3I", 0, 0, 8, 3, n, 28, 28)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, n) + labels.tobytes())


def _cifar(folder: Path, files: list[str], labels: int, n: int = 12) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    for name in files:
        rows = generator.integers(0, 256, (n, labels + 3072), np.uint8)
        rows[:, :labels] = np.arange(n)[:, None] % 10
        (folder / name).write_bytes(rows.tobytes())


def _cifar10(folder: Path, n: int = 12) -> None:
    _cifar(folder, [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"], 1, n)


def _cifar100(folder: Path, n: int = 60) -> None:
    _cifar(folder / "cifar-100-binary", ["train.bin", "test.bin"], 2, n)


@pytest.fixture(scope="session")
def made_up() -> dict[str, Callable[..., None]]:
    """Writers of random examples, by the task that reads them."""
    return {"fashion_mnist": _fashion_mnist, "cifar10": _cifar10, "cifar100": _cifar100}


@pytest.fixture(scope="session")
def cifar10_folder(tmp_path_factory) -> Path:
    """Real images in the binary layout, made of JPEG copies beside the data; skips where there are none."""
    repository = Path(__file__).resolve().parents[2]
    data = Path(os.environ.get("NEUROSIM_DATA") or repository.parent / "shared" / "data")
    script = data / "make_cifar10.py"
    if not script.is_file() or not (data / "cifar10" / "cifar10-jpeg.zip").is_file():
        pytest.skip(f"no images of CIFAR-10 in {data}; set NEUROSIM_DATA to the folder that holds them")
    folder = tmp_path_factory.mktemp("cifar10")
    subprocess.run([sys.executable, str(script), str(folder)], check=True)
    return folder
