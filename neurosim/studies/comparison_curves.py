"""Learning curves of a comparison: against presentations, reward samples and time, as rows and as a Dataset."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray

from neurosim.studies.comparison_entry import Entry

#: What learning is drawn against, with a label.
COSTS = {
    "presentations": "presentations",
    "reward_samples": "reward samples",
    "seconds": "time of learning",
}
_CURVES = ("validation_accuracy", "validation_loss", "train_accuracy", "train_loss")


def curve_rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """A row for each model, seed and evaluated epoch: what it had cost by then, and the numbers measured."""
    rows = []
    for entry in entries:
        for seed, history in entry.histories.items():
            spent = costs(history, entry.reward_samples)
            for number, epoch in enumerate(history.epoch.values):
                row: dict[str, Any] = {"model": entry.name, "seed": seed, "epoch": int(epoch)}
                row |= {name: float(values[number]) for name, values in spent.items()}
                rows.append(row | {name: float(history[name].values[number]) for name in _CURVES})
    return rows


def costs(history: xarray.Dataset, rewards: float) -> dict[str, np.ndarray]:
    """What each epoch had cost.

    Parameters
    ----------
    history
        Of a run.
    rewards
        Reward samples of a presentation.

    Returns
    -------
    dict
        ``presentations``; ``reward_samples``, NaN for a scheme without; ``seconds`` of learning, without evaluation and
        measurement. The first epoch, which includes compilation, counts as fast as the median of the later ones.
    """
    presented = history.presentations.values.astype(float)
    speed = history.samples_per_second.values.copy()
    learned = np.flatnonzero(np.isfinite(speed))
    if len(learned) > 2:
        speed[learned[0]] = np.median(speed[learned[1:]])
    taken = np.divide(np.diff(presented, prepend=0.0), speed, out=np.zeros_like(presented), where=np.isfinite(speed))
    return {
        "presentations": presented,
        "reward_samples": presented * rewards if rewards else np.full_like(presented, math.nan),
        "seconds": np.cumsum(taken),
    }


def curves_of(entries: Sequence[Entry], quantity: str) -> xarray.Dataset:
    """`quantity` and costs for the figure, over ``model``, ``seed`` and ``epoch``; NaN where not measured."""
    seeds = sorted({seed for entry in entries for seed in entry.histories})
    epochs = sorted(
        {int(epoch) for entry in entries for each in entry.histories.values() for epoch in each.epoch.values}
    )
    names = (quantity, *COSTS)
    values = {name: np.full((len(entries), len(seeds), len(epochs)), math.nan) for name in names}
    for place, entry in enumerate(entries):
        for seed, history in entry.histories.items():
            at = place, seeds.index(seed), np.searchsorted(epochs, history.epoch.values)
            measured = {quantity: history[quantity].values, **costs(history, entry.reward_samples)}
            for name, numbers in measured.items():
                values[name][at] = numbers
    first = next(iter(entries[0].histories.values()))
    attributes: dict[str, dict[str, str]] = {quantity: dict(first[quantity].attrs)}
    attributes |= {
        name: {"long_name": text, "units": "s" if name == "seconds" else "1"} for name, text in COSTS.items()
    }
    dims = ("model", "seed", "epoch")
    return xarray.Dataset(
        {name: (dims, array, attributes[name]) for name, array in values.items()},
        coords={"model": [entry.label for entry in entries], "seed": seeds, "epoch": epochs},
    )
