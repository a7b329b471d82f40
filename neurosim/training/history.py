"""The history of training: a report for each epoch, and all as one labelled Dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from neurosim.tasks._facts import Criterion

if TYPE_CHECKING:
    import xarray

    from neurosim.training.activity import Activity

#: Quantities of each epoch, without those by layer.
QUANTITIES = (
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "perturbed_loss",
    "perturbed_accuracy",
    "test_loss",
    "test_accuracy",
    "samples_per_second",
)

_UNITS = {
    "train_loss": "1",
    "validation_loss": "1",
    "perturbed_loss": "1",
    "test_loss": "1",
    "train_accuracy": "%",
    "validation_accuracy": "%",
    "perturbed_accuracy": "%",
    "samples_per_second": "1/s",
    "signal_sign_agreement": "%",
    "weight_sign_agreement": "%",
    "loop_abscissa": "1/s",
}


@dataclass(frozen=True)
class EpochReport:
    """The numbers after one epoch.

    Attributes
    ----------
    epoch, epochs
        Epochs done (0 before learning), and their total number.
    train_loss, train_accuracy
        Means over the epoch's presentations, while the weights changed.
    validation_loss, validation_accuracy
        After the epoch. Accuracies are in percent, nan for a regression.
    samples_per_second
        Presentations per second of learning, without evaluation and measurement.
    layers
        Layer -> number -> value of `neurosim.gradients.alignment`; empty if it was not measured.
    perturbed_loss, perturbed_accuracy
        On the validation split with noise, if evaluated.
    test_loss, test_accuracy
        On the test split, if evaluated.
    presentations
        Training trials presented so far, in all epochs.
    activity
        Firing rates of spiking populations after the epoch; empty without such populations or evaluation.
    """

    epoch: int
    epochs: int
    train_loss: float = math.nan
    train_accuracy: float = math.nan
    validation_loss: float = math.nan
    validation_accuracy: float = math.nan
    samples_per_second: float = math.nan
    layers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    perturbed_loss: float = math.nan
    perturbed_accuracy: float = math.nan
    test_loss: float = math.nan
    test_accuracy: float = math.nan
    presentations: int = 0
    activity: Mapping[str, Activity] = field(default_factory=dict)


def history_of(reports: Sequence[EpochReport]) -> xarray.Dataset:
    """Reports of all epochs as a Dataset with dims ``epoch`` and ``layer``; nan where not measured.

    The coordinate ``presentations`` counts the training trials so far.
    """
    import xarray

    layers = list(dict.fromkeys(layer for report in reports for layer in report.layers))
    numbers = list(dict.fromkeys(n for r in reports for of_layer in r.layers.values() for n in of_layer))
    variables = {name: ("epoch", [getattr(r, name) for r in reports], _attributes(name)) for name in QUANTITIES}
    for name in numbers:
        table = [[r.layers.get(layer, {}).get(name, math.nan) for layer in layers] for r in reports]
        variables[name] = (("epoch", "layer"), np.array(table), _attributes(name))  # type: ignore[assignment]
    presented = ("epoch", [report.presentations for report in reports], {"units": "1", "long_name": "presentations"})
    coords = {"epoch": [report.epoch for report in reports], "presentations": presented}
    coords |= {"layer": layers} if layers else {}
    return xarray.Dataset(variables, coords=coords)


def learned(history: xarray.Dataset, criterion: Criterion | None) -> dict[str, float]:
    """After which epoch, and how many training trials, the validation split first met a criterion; else nothing."""
    if criterion is None:
        return {}
    for place, epoch in enumerate(history.epoch.values):
        loss, accuracy = (float(history[f"validation_{name}"][place]) for name in ("loss", "accuracy"))
        if criterion.met(loss, accuracy):
            return {"learned_epoch": int(epoch), "learned_presentations": int(history.presentations[place])}
    return {}


def _attributes(name: str) -> dict[str, str]:
    unit = "deg" if name.endswith("_deg") else _UNITS.get(name, "1")
    return {"units": unit, "long_name": name.removesuffix("_deg").replace("_", " ")}
