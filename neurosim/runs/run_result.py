"""A finished run: its results, read from its folder after a check of the checksums, and its figures."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.atomic import write_file, writing
from neurosim.border import PATH, public
from neurosim.engines.state import State
from neurosim.errors import DataError, NeurosimWarning
from neurosim.folded import folded
from neurosim.gate.seals import RUN
from neurosim.gate.stores import dataset_of, open_store
from neurosim.runs import folder as files
from neurosim.runs.integrity import (
    digest_of,
    digest_of_file,
    files_in,
    read_arrays,
    read_json,
    run_checksums,
    sealed,
)
from neurosim.runs.run_numbers import read_summary

if TYPE_CHECKING:
    import numpy as np
    import xarray

_ANGLES = ("signal_angle_deg", "update_angle_deg", "weight_angle_deg")


@dataclass(frozen=True)
class Run:
    """The results of one model with one seed.

    Attributes
    ----------
    folder
        The run folder.
    summary
        The numbers of ``summary.json``.
    history
        Dims ``epoch`` and ``layer``; of a probe, its curves.
    state
        Final weights and parameters; empty after a probe, and of a simulated circuit.
    """

    folder: Path
    summary: Mapping[str, Any]
    history: xarray.Dataset
    state: State

    def __str__(self) -> str:
        shown = ("model", "scheme", "task", "seed", "epochs", "test_accuracy", "test_loss", "wall_s")
        lines = [f"{name:<14} {short(self.summary[name])}" for name in shown if name in self.summary]
        lines += [
            f"{layer:<14} "
            + ", ".join(f"{name.removesuffix('_deg')} {value:.1f} deg" for name, value in _known(numbers))
            for layer, numbers in self.summary.get("layers", {}).items()
        ]
        reported = {**self.summary.get("probe", {}), **self.summary.get("numbers", {})}
        lines += [f"{name:<14} {short(value)}" for name, value in reported.items()]
        return "\n".join([f"run in {self.folder}", *(f"  {line}" for line in lines)])

    def predict(self, file: str | Path) -> np.ndarray:
        """Predictions for the rows of a file, scaled like the training data.

        Parameters
        ----------
        file
            ``.csv``, ``.npz`` or ``.npy`` with the columns that the network was trained on; others are ignored.

        Returns
        -------
        numpy.ndarray
            Classes (rows,), or numbers (rows, targets) in the units of the targets.

        Raises
        ------
        DataError
            The run is a probe's or too old to predict, or the file does not fit.
        """
        # Late: predictions need the engines, reading a run does not.
        from neurosim.runs.prediction import predictions

        return predictions(self.folder, self.state, file)[0]  # pyright: ignore[reportArgumentType]

    def _repr_html_(self) -> str:
        head, _, body = str(self).partition("\n")
        return folded(head, body, opened=True)


@public(folder=PATH)
def open_run(folder: str | Path, *, figures: bool = True) -> Run:
    """Read a finished run.

    Parameters
    ----------
    folder
        The run folder; it may be a stranger's.
    figures
        Whether to check its figures, too. Missing figures are no fault.

    Raises
    ------
    DataError
        The folder holds no finished run, or a file in it is missing, damaged, or not what a run writes.
    """
    path = Path(folder)
    if not (path / files.SUMMARY).is_file():
        raise DataError(f"{path}: no finished run here, {files.SUMMARY} is missing")
    _check(path, figures=figures)
    summary = read_summary(path / files.SUMMARY)
    history = dataset_of(open_store(path / files.METRICS, whole=True)).load()
    state = {} if "probe" in summary or "numbers" in summary else read_arrays(path / files.WEIGHTS)
    return Run(path, summary, history, state)


def draw(run: Run) -> list[Path]:
    """Draw the figures of a run; the files written."""
    title = str(run.summary.get("title") or run.summary.get("model", ""))
    # Imported late: Matplotlib and xarray take a quarter of a second of a run's start.
    from neurosim.plots.figures import save_probe_figures, save_run_figures

    save = save_probe_figures if "probe" in run.summary else save_run_figures
    with writing(run.folder / files.FIGURES):
        return save(run.history, run.folder / files.FIGURES, title=title)


def write_checksums(folder: Path, summary: bytes | None = None) -> None:
    """Write ``checksums.json`` for all files of a run.

    Parameters
    ----------
    summary
        The coming content of ``summary.json``, which is written last.
    """
    checksums = {name: digest_of_file(path) for name, path in files_in(folder).items() if _counts(name)}
    if summary is not None:
        checksums[files.SUMMARY] = digest_of(summary)
    write_file(folder / files.CHECKSUMS, sealed({"files": checksums}, *RUN))


def _check(folder: Path, *, figures: bool) -> None:
    """Refuse links, and files that differ from ``checksums.json``."""
    present = files_in(folder)
    written = run_checksums(folder)
    if written is None:
        read_json(folder / files.PROVENANCE)
        warnings.warn(f"{folder} is from before checksums: damage in it cannot be seen", NeurosimWarning, stacklevel=3)
        return
    for name, digest in written.items():
        figure = name.startswith(f"{files.FIGURES}/")
        if figure and (not figures or name not in present):
            continue
        if name not in present or digest_of_file(present[name]) != digest:
            hint = "; draw it again with 'neurosim plot'" if figure else ""
            raise DataError(f"{folder}: {name[:200]} is missing or damaged, its checksum differs{hint}")
    stores = (f"{files.METRICS}/", f"{files.RECORDING}/")
    # An added chunk would be read as data.
    added = [name for name in present if name.startswith(stores) and name not in written]
    if added:
        raise DataError(f"{folder}: {added[0][:200]} is damaged, it was not there when the run ended")


def _counts(name: str) -> bool:
    """Whether a file is part of the finished run."""
    passing = name.startswith((".", f"{files.CHECKPOINTS}/"))
    return not passing and name not in (files.CHECKSUMS, files.LOCK)


def _known(numbers: Mapping[str, float | None]) -> list[tuple[str, float]]:
    """The angles that were measured, of three."""
    angles = ((name, numbers.get(name)) for name in _ANGLES)
    return [(name, value) for name, value in angles if value is not None and value == value]


def short(value: Any) -> str:
    """A number, shortened for a line of text."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
