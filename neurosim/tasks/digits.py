"""Handwritten digits of 8x8 pixels, 1,797 of them, embedded in scikit-learn.

Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosim.tasks._encoding import image_encoding
from neurosim.tasks._files import file_read
from neurosim.tasks._task import FileRead, Sizes, Split, Task, _one_hot, _split_generator, _stratified


class Config(BaseModel):
    """Settings of the digits.

    Parameters
    ----------
    test_fraction
        Share of each class that is held out for the test.
    validation_fraction
        Share of each class, of what remains, that is held out for validation.
    split_seed
        Which examples are held out; apart from the seed of the run, so that runs are judged by the same test.
    standardise
        Centre and scale each pixel by the training split; otherwise pixels lie between 0 and 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    test_fraction: float = Field(default=0.2, gt=0, lt=1)
    validation_fraction: float = Field(default=0.1, ge=0, lt=1)
    split_seed: int = Field(default=0, ge=0, lt=2**64)
    standardise: bool = False


def sizes(config: Config) -> Sizes:
    """Numbers of pixels and classes, without the data."""
    return Sizes(64, 10, image=(8, 8, 1))


def load(config: Config, *, seed: int) -> Task:
    """Split the digits, with every class in its share.

    Parameters
    ----------
    config
        The settings.
    seed
        The seed of the run; these data do not depend on it.

    Returns
    -------
    Task
        64 inputs, 10 one-hot outputs.
    """
    pixels, labels, files = _pixels()
    images = pixels.astype(np.float32) / 16
    generator = _split_generator(config.split_seed)
    rest, test = _stratified(np.arange(len(labels)), labels, config.test_fraction, generator, "task.test_fraction")
    train, validation = _stratified(rest, labels, config.validation_fraction, generator, "task.validation_fraction")
    mean, spread = np.zeros(1), np.ones(1)
    if config.standardise:
        mean = images[train].mean(axis=0)
        # Some pixels are nearly always blank; dividing by their spread would inflate the few that are not.
        spread = np.maximum(images[train].std(axis=0), 0.1)
        images = (images - mean) / spread

    def split(rows: np.ndarray) -> Split:
        return Split(images[rows], _one_hot(labels[rows], 10), labels[rows])

    parts = [split(rows) for rows in (train, validation, test)]
    encoding = image_encoding((8, 8), range(10), mean, spread, full=16)
    return Task("digits", *parts, kind="classification", shape=(8, 8, 1), files=files, encoding=encoding)


def _pixels() -> tuple[np.ndarray, np.ndarray, tuple[FileRead, ...]]:
    """Pixels (n, 64) from 0 to 16 and labels (n,), as `sklearn.datasets.load_digits` gives them, and their file."""
    # Read from scikit-learn's files without importing it, which takes longer than everything else before learning.
    installed = importlib.util.find_spec("sklearn")
    for folder in (installed.submodule_search_locations or ()) if installed else ():
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            text = gzip.decompress(file.read_bytes())
            rows = np.loadtxt(io.BytesIO(text), delimiter=",")
            return rows[:, :-1], rows[:, -1].astype(int), (file_read(file.with_suffix(""), text),)
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return np.asarray(pixels), np.asarray(labels), ()
