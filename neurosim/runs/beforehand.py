"""Early checks that need no heavy import: missing files, folders in use.

Later steps check the same again, and more. These make a mistake on the command line visible at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from neurosim import registry
from neurosim.border import PATH
from neurosim.errors import ConfigError, DataError
from neurosim.model_files.model_file import Model
from neurosim.runs import folder as files
from neurosim.runs.free_folder import refuse_used

_STORES = (".zgroup", "zarr.json")


def look_at_data(model: Model) -> None:
    """Refuse missing data, if the task can tell without reading them.

    Raises
    ------
    DataError, ConfigError
        As reading them would.
    """
    look = getattr(registry.load("tasks", model.task_kind), "look", None) if model.task_kind else None
    if look is not None:
        look(model.task_config)


def before_run(model: Model, out: Path | None, *, resume: bool) -> None:
    """Refuse a run whose folder is in use or whose data are missing.

    Raises
    ------
    DataError, ConfigError
        As `neurosim.runs.run.train` would.
    """
    if resume and out is None:
        raise ConfigError("resume: got no run folder, expected the one to continue in: --out FOLDER")
    if out is None:
        look_at_data(model)
        return
    folder = PATH("out", out)
    if resume and (folder / files.SUMMARY).is_file():
        return  # a finished run can be shown without its data
    refuse_used(folder, resume=resume)
    look_at_data(model)


def before_many(models: Iterable[Model], out: Path | None) -> None:
    """Refuse many runs: `out` is no folder, a model does not train, or data are missing.

    Raises
    ------
    DataError, ConfigError
        As running them would.
    """
    if out is not None and PATH("out", out).exists() and not PATH("out", out).is_dir():
        raise ConfigError(f"{PATH('out', out)} holds no folder but a file; choose another --out, or remove it")
    for model in models:
        if model.probe_kind:
            raise ConfigError(f"{model.name} measures with a probe, expected models that are trained")
        look_at_data(model)


def before_reading(source: Path, *, recordings: bool) -> None:
    """Refuse a folder that holds no finished run and, if `recordings`, no recording either.

    Raises
    ------
    DataError
        As opening it would.
    """
    path = PATH("folder", source)
    if (path / files.SUMMARY).is_file() or (recordings and any((path / name).is_file() for name in _STORES)):
        return
    if not path.exists():
        raise DataError(f"{path}: there is no such folder")
    what = " and no recording" if recordings else ""
    raise DataError(f"{path}: no finished run{what} here, {files.SUMMARY} is missing")


def before_predicting(source: Path, file: Path, out: Path | None) -> None:
    """Refuse predictions without a run or without rows, or into an existing file or one that is no CSV.

    Raises
    ------
    DataError
        As predicting would.
    """
    before_reading(source, recordings=False)
    refuse_target(out)
    path = PATH("file", file)
    if not path.is_file():
        raise DataError(f"{path}: {'this is no file' if path.exists() else 'there is no such file'}")


def refuse_target(out: str | Path | None) -> None:
    """Refuse to write predictions into an existing file, or one that is not called .csv.

    Raises
    ------
    DataError
        Naming the file.
    """
    if out is None:
        return
    path = PATH("out", out)
    if path.exists() or path.is_symlink():
        raise DataError(f"{path} exists already; choose another --out or remove it")
    if path.suffix.lower() not in (".csv", ".txt", ""):
        raise DataError(f"{path}: got the suffix '{path.suffix}', expected .csv, which predictions are written as")
