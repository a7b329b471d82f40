"""Export runs and recordings to files of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from neurosim.border import PATH, public
from neurosim.errors import ConfigError, DataError
from neurosim.runs import folder as files

Format = Literal["nwb", "neo", "csv", "npz"]
#: Format -> suffix of the exported file or folder.
_SUFFIXES = {"nwb": ".nwb", "neo": ".mat", "csv": "-csv", "npz": ".npz"}


@public()
def export(source: str | Path, to: Format, out: str | Path | None = None) -> list[Path]:
    """Export a run or a recording.

    Parameters
    ----------
    source
        A recording's Zarr store (`neurosim.simulate` with ``out``), or a run folder.
    to
        ``nwb`` and ``neo`` (a ``.mat`` file, written by Neo) for recordings; ``csv`` for recordings and for the
        measurements of a run; ``npz`` for its weights.
    out
        The file, or for ``csv`` the folder; by default beside the source, named after it.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    ConfigError
        An unknown format, a missing package, or an existing target.
    DataError
        Nothing to export in that format, a damaged file, or a full disk.
    """
    if to not in _SUFFIXES:
        raise ConfigError(f"unknown format '{to}', expected one of {', '.join(_SUFFIXES)}")
    path = PATH("source", source)
    if not path.is_dir():
        raise DataError(f"{path}: there is no such folder")
    if out is None and not path.name:
        raise ConfigError(f"export: {path} has no name to call what is written by, expected one as --out")
    named = path.with_name(path.name.removesuffix(".zarr") + _SUFFIXES[to]) if out is None else PATH("out", out)
    if (path / files.SUMMARY).is_file():
        return _export_run(path, to, named)
    if to == "npz":
        raise DataError(f"{path}: no run folder, so there are no weights")
    _refuse_there(named)
    return [_export_recording(path, to, named)]


def _refuse_there(*targets: Path) -> None:
    """Refuse existing targets before anything is read; writing checks once more."""
    for target in targets:
        if target.exists() or target.is_symlink():
            raise ConfigError(f"{target} exists already; choose another name with --out, or remove it")


def _export_run(path: Path, to: Format, target: Path) -> list[Path]:
    recording = path / files.RECORDING
    with_recording = target.with_name(f"{target.name}-recording")
    _refuse_there(target, *([with_recording] if to == "csv" and recording.is_dir() else []))
    # Late, so that what is refused is refused at once.
    from neurosim.recording.to_csv import metrics_to_csv
    from neurosim.recording.weights import save_weights
    from neurosim.runs.run_result import open_run

    # Only runs whose checksums all pass are exported.
    run = open_run(path, figures=False)
    if to == "npz":
        if not run.state:
            raise DataError(f"{path}: this run measured and learned nothing, so there are no weights")
        return [save_weights(run.state, target)]
    if to == "csv":
        written = [metrics_to_csv(run.history, target)]
        if recording.is_dir():
            written.append(_export_recording(recording, to, with_recording))
        return written
    if not recording.is_dir():
        raise DataError(
            f"{path}: this run holds no recording, only measurements (--to csv) and weights (--to npz); "
            "a section [training.record] of its model makes one"
        )
    return [_export_recording(recording, to, target)]


def _export_recording(path: Path, to: Format, target: Path) -> Path:
    from neurosim.recording.store import open_recording

    recording = open_recording(path)
    if to == "nwb":
        from neurosim.recording.nwb import to_nwb

        return to_nwb(recording, target)
    if to == "neo":
        from neurosim.recording.to_neo import save_neo

        return save_neo(recording, target)
    from neurosim.recording.to_csv import to_csv

    return to_csv(recording, target)
