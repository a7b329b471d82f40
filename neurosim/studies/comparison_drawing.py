"""The figure of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray

from neurosim.atomic import writing
from neurosim.plots.comparison import comparison_figure
from neurosim.plots.figures import save_figure
from neurosim.studies.comparison_curves import curves_of
from neurosim.studies.comparison_entry import Entry
from neurosim.studies.comparison_table import ANGLES, Comparison


def draw(comparison: Comparison, path: Path) -> None:
    """Draw the figure of all models with results."""
    entries = [entry for entry in comparison.entries if entry.runs]
    if not entries:
        return
    # Accuracy only if all models have one.
    quantity = "validation_accuracy" if all(entry.classifies for entry in entries) else "validation_loss"
    with writing(comparison.folder):
        figure = comparison_figure(
            curves_of(entries, quantity),
            _angles(entries, ANGLES[0]),
            quantity=quantity,
            angle=ANGLES[0],
            differences=_differences(comparison),
            chance=_chance(entries) if quantity == "validation_accuracy" else None,
        )
        save_figure(figure, path)


def _chance(entries: Sequence[Entry]) -> float | None:
    """Accuracy of a guess, in percent, if it is the same for all models."""
    circuits = [entry.model.circuit for entry in entries]
    outputs = {circuit.population[circuit.output_population].size for circuit in circuits if circuit.output_population}
    return 100 / outputs.pop() if len(outputs) == 1 else None


def _differences(comparison: Comparison) -> xarray.Dataset | None:
    """The differences of test results for the figure, over ``model`` and ``pair``."""
    shown = [each for each in comparison.differences if each.quantity.startswith("test_") and each.values]
    if not shown or len({each.quantity for each in shown}) > 1:
        return None
    pairs = np.full((len(shown), max(len(each.values) for each in shown)), np.nan)
    for place, each in enumerate(shown):
        pairs[place, : len(each.values)] = each.values
    labels = {entry.name: entry.label for entry in comparison.entries}
    percent = shown[0].quantity.endswith("percent")
    attributes = {
        "units": "points" if percent else "1",
        "long_name": f"test {'accuracy' if percent else 'loss'} minus {comparison.reference}",
    }
    ends = {name: ("model", [getattr(each, name) for each in shown]) for name in ("low", "high")}
    return xarray.Dataset(
        {"difference": (("model", "pair"), pairs, attributes), "mean": ("model", [e.mean for e in shown]), **ends},
        coords={"model": [labels[each.model] for each in shown]},
    )


def _angles(entries: Sequence[Entry], name: str) -> xarray.Dataset | None:
    """The final angles over ``model``, ``layer`` and ``seed``."""
    layers = list(dict.fromkeys(layer for entry in entries for layer in entry.layers))
    angles = np.array([[entry.angles(layer, name) for layer in layers] for entry in entries])
    if not np.isfinite(angles).any():
        return None
    attributes = {"units": "deg", "long_name": name.removesuffix("_deg").replace("_", " ")}
    coords = {"model": [entry.label for entry in entries], "layer": layers}
    return xarray.Dataset({name: (("model", "layer", "seed"), angles, attributes)}, coords=coords)
