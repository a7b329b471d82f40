"""Compare several models over several seeds, in one table and one figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray

from neurosim.atomic import write_file, writing
from neurosim.border import COUNT, NAMES, PATH, number, optional, public
from neurosim.errors import ConfigError
from neurosim.model_files.model_file import Model, load
from neurosim.model_files.variants import parted
from neurosim.plots.comparison import comparison_figure
from neurosim.plots.figures import save_figure
from neurosim.runs.data_identity import Identified
from neurosim.runs.run import RunWatcher
from neurosim.studies.collection import collect, key_of
from neurosim.studies.comparison_table import ANGLES, Comparison, Entry
from neurosim.studies.statistics import band
from neurosim.studies.study_folder import claimed
from neurosim.studies.tables import csv_text

DESCRIPTION, TABLE, PAGE, FIGURE = "compare.toml", "compare.csv", "compare.md", "compare.png"
_RESULTS = (TABLE, PAGE, FIGURE)


@public(seeds=COUNT, reach=number(0, 100), overrides=NAMES, out=optional(PATH))
def compare(
    models: Sequence[str | Path | Model],
    *,
    seeds: int = 3,
    reach: float = 90.0,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    progress: RunWatcher | None = None,
    say: Callable[[str], None] | None = None,
) -> Comparison:
    """Train every model with every seed and compare the results.

    Finished runs are reused: see `neurosim.studies.collection.collect`.

    Parameters
    ----------
    models
        Shipped names, paths of TOML files, or loaded models; text may have variants written after it,
        ``lansdell2020/mnist+fa``.
    seeds
        Number of seeds, counted from 0.
    reach
        Validation accuracy in percent up to which presentations are counted.
    overrides
        ``section.key=value`` each, for all models.
    out
        The folder for runs and table. It is new, or holds this comparison or a part of it; by default ``runs/compare``,
        or the first of ``runs/compare-2`` ... that fits.
    progress, say
        Receive the progress, and a line about every run.

    Raises
    ------
    ConfigError, UnknownNameError, DataError
        Before anything runs: faulty models, models that do not train or are given twice, or a folder with another
        comparison.
    """
    identified = Identified()
    loaded = [identified(load(model, overrides)) for model in models]
    for model in loaded:
        if model.probe_kind:
            raise ConfigError(f"{model.name} measures with a probe, expected models that are trained")
    if len({(model.name, model.identity) for model in loaded}) < len(loaded):
        raise ConfigError("a model was given twice")
    names = short_names([_full_name(given, model) for given, model in zip(models, loaded, strict=True)])
    described = {
        "seeds": seeds,
        "overrides": sorted(overrides),
        "models": {name: model.identity for name, model in zip(names, loaded, strict=True)},
    }
    root = claimed(out, Path("runs") / "compare", DESCRIPTION, described, includes=_includes, results=_RESULTS)
    attempts = collect([(m, seed) for m in loaded for seed in range(seeds)], root, progress=progress, say=say)
    entries = [
        Entry(name, model, tuple(attempts[key_of(model, seed)] for seed in range(seeds)))
        for name, model in zip(names, loaded, strict=True)
    ]
    comparison = Comparison(tuple(entries), reach, root)
    write_file(root / TABLE, csv_text(comparison.numbers))
    write_file(root / PAGE, str(comparison))
    _draw(comparison)
    return comparison


def _includes(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """The runs of a former comparison that this one lacks, in words; empty if it includes them all."""
    lost = [name for name, identity in dict(theirs["models"]).items() if identity not in ours["models"].values()]
    if lost:
        return f"it has {', '.join(lost)}, which this one has not, or with other settings or data"
    return "" if ours["seeds"] >= theirs["seeds"] else f"it has {theirs['seeds']} seeds, this one {ours['seeds']}"


def short_names(names: Sequence[str]) -> list[str]:
    """The shortest distinct ends of names, all of the same depth."""
    parts = [name.split("/") for name in names]
    for depth in range(1, max(map(len, parts), default=0) + 1):
        short = ["/".join(part[-depth:]) for part in parts]
        if len(set(short)) == len(short):
            return short
    return list(names)


def _full_name(given: str | Path | Model, model: Model) -> str:
    """The name of a model, with the folder of its file."""
    if isinstance(given, Model):
        return model.name
    path = parted(given)[0] if isinstance(given, str) else str(given)
    from_file = isinstance(given, Path) or path.endswith(".toml")
    return (Path(path).resolve().parent / model.name).as_posix() if from_file else model.name


def _draw(comparison: Comparison) -> None:
    """Draw the figure of all models with results."""
    entries = [entry for entry in comparison.entries if entry.runs]
    if not entries:
        return
    # Accuracy only if all models have one.
    quantity = "validation_accuracy" if all(entry.classifies for entry in entries) else "validation_loss"
    curves = xarray.concat([_curve(entry, quantity) for entry in entries], "model", join="outer")
    with writing(comparison.folder):
        figure = comparison_figure(curves, _angles(entries, ANGLES[0]), quantity=quantity, angle=ANGLES[0])
        save_figure(figure, comparison.folder / FIGURE)


def _curve(entry: Entry, quantity: str) -> xarray.Dataset:
    history = entry.runs[0].history
    mean, half = band(np.stack([run.history[quantity].values for run in entry.runs]))
    variables = {quantity: ("presentations", mean, history[quantity].attrs), "half_width": ("presentations", half)}
    return xarray.Dataset(variables, coords={"presentations": history.presentations.values, "model": entry.name})


def _angles(entries: Sequence[Entry], name: str) -> xarray.Dataset | None:
    layers = list(dict.fromkeys(layer for entry in entries for layer in entry.layers))
    angles = [[entry.angle(layer, name) for layer in layers] for entry in entries]
    mean = np.array([[each.mean for each in line] for line in angles])
    if not np.isfinite(mean).any():
        return None
    half = np.array([[each.half_width for each in line] for line in angles])
    attributes = {"units": "deg", "long_name": name.removesuffix("_deg").replace("_", " ")}
    dims = ("model", "layer")
    coords = {"model": [entry.name for entry in entries], "layer": layers}
    return xarray.Dataset({name: (dims, mean, attributes), "half_width": (dims, half)}, coords=coords)
