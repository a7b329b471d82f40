"""Data sets of 28x28 grey images in four IDX files: MNIST and Fashion-MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.errors import DataError
from neurosim.gate.limits import largest, remedy
from neurosim.tasks._files import contents, downloaded, searched
from neurosim.tasks._idx import read_idx
from neurosim.tasks._images import ImageConfig, Labelled, refuse_labels, split_images
from neurosim.tasks._task import FileRead, Task

# The largest official file has 47 MB unpacked.
_LARGEST = 1 << 26
# One as it is in the file, and four in single precision.
_BYTES_A_PIXEL = 5


class IdxConfig(ImageConfig):
    """Settings of a data set in IDX files, gzipped or not.

    Parameters
    ----------
    standardise
        Centre and scale all pixels by the training split's one mean and one standard deviation; otherwise
        pixels lie between 0 and 1.
    folder, n_train, n_test, validation, split_seed, verify
        See `neurosim.tasks._images.ImageConfig`.
    """

    standardise: bool = False


@dataclass(frozen=True)
class IdxSource:
    """The source of a data set.

    Attributes
    ----------
    name
        Of the task.
    mirror
        The address that the gzipped files are downloaded from, with a slash at its end.
    md5
        Of the gzipped files as the mirror serves them, by their names without ``.gz``.
    sha256
        Of the unpacked bytes, which are the same whoever gzipped them; empty if nobody published them.
    borrows_names
        Whether the files are called as those of another data set, so that only a subfolder of ``NEUROSIM_DATA`` counts.
    """

    name: str
    mirror: str
    md5: Mapping[str, str]
    sha256: Mapping[str, str]
    borrows_names: bool = False


def load_idx(source: IdxSource, config: IdxConfig) -> Task:
    """Read the files and split the training examples into training and validation.

    Parameters
    ----------
    source
        The data set.
    config
        The settings.

    Returns
    -------
    Task
        784 inputs, 10 one-hot outputs.

    Raises
    ------
    DataError
        A file is missing, broken, or not the official one.
    ConfigError
        More examples are asked for than there are.
    """
    (train, read), (test, read_too) = (_pair(source, part, config) for part in ("train", "t10k"))
    standard = _one_mean if config.standardise else None
    return split_images(source.name, config, train, test, 10, standard, files=[*read, *read_too])


def _one_mean(pixels: np.ndarray) -> tuple[float, float]:
    return float(pixels.mean()) / 255, max(float(pixels.std()) / 255, 1e-3)


def _pair(source: IdxSource, part: str, config: IdxConfig) -> tuple[Labelled, list[FileRead]]:
    """Images (n, 28, 28, 1) and labels (n,) of one part, both bytes, and the files they come from."""
    image_file, labels_file = (
        _find(source, f"{part}-{rest}", config.folder) for rest in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    (images, read), (labels, read_too) = (_read(source, path, config.verify) for path in (image_file, labels_file))
    if images.shape[1:] != (28, 28) or images.dtype != np.uint8:
        raise DataError(f"{image_file}: got {images.dtype} of shape {images.shape}, expected uint8 of (n, 28, 28)")
    if labels.shape != images.shape[:1] or labels.dtype != np.uint8:
        raise DataError(
            f"{labels_file}: got {labels.dtype} of shape {labels.shape}, expected uint8 of ({len(images)},), "
            f"one for each image in {image_file.name}"
        )
    refuse_labels(labels_file, labels, 10)
    return (images[..., None], labels), [read, read_too]


def _read(source: IdxSource, path: Path, verify: bool) -> tuple[np.ndarray, FileRead]:
    official = verify
    if verify and not source.sha256:
        if path.suffix != ".gz":
            raise DataError(
                f"{path}: got an unpacked file, but official checksums of {source.name} are those of the gzipped "
                f"ones; keep {path.name}.gz as it was served, or set task.verify=false"
            )
        contents(path, md5=source.md5[path.stem], largest=_LARGEST)
        verify = False
    sha256 = source.sha256[path.name.removesuffix(".gz")] if verify else None
    # A user's own images have no official size; the user's limits bound them.
    if official:
        return read_idx(path, sha256=sha256, largest=_LARGEST)
    return read_idx(path, sha256=sha256, largest=largest() // _BYTES_A_PIXEL, hint=remedy(largest()))


def _find(source: IdxSource, stem: str, folder: Path | None) -> Path:
    places = searched(folder, ["", source.name] if folder or not source.borrows_names else [source.name])
    for place in places:
        for name in (f"{stem}.gz", stem):
            if (place / name).is_file():
                return place / name
    if folder is not None:
        raise DataError(f"{stem}: got no such file, gzipped or not, in {places[0]} or {places[1]}")
    return downloaded(f"{source.mirror}{stem}.gz", source.md5[stem], source.name, places)[0]
