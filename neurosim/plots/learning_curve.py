"""Loss or accuracy over the epochs, on the training and the validation split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import xarray
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurosim.errors import DataError
from neurosim.plots._arguments import drawing
from neurosim.plots._style import COLOURS, label, tidy

_SHOWN = {"train": "training", "validation": "validation"}
_LOOKS = {"train": ("--", COLOURS[4]), "validation": ("-", COLOURS[0])}


@drawing()
def seed_bands(
    histories: Sequence[xarray.Dataset],
    ax: Axes,
    *,
    quantity: str = "validation_loss",
    colour: str = COLOURS[0],
    name: str = "",
) -> Axes:
    """Draw the mean of runs that differ in their seed, with its 95 % confidence interval as a band.

    Parameters
    ----------
    histories
        One of each run; `quantity` over ``epoch``. A single one is drawn without a band.
    ax
        Where to draw.
    quantity
        A variable of the histories, such as ``validation_accuracy``.
    colour
        Colour of line and band, to draw several groups of runs into the same Axes.
    name
        Name of the group, for the legend; how many seeds is added.

    Raises
    ------
    DataError
        No history, or one without the quantity.
    """
    import numpy as np
    from scipy.stats import t as student

    if not histories or any(quantity not in history for history in histories):
        raise DataError(f"seed_bands needs at least one history, each with '{quantity}'")
    joined = xarray.concat([history[quantity] for history in histories], "seed").dropna("epoch", how="all")
    mean, count = joined.mean("seed"), len(histories)
    seeds = f"{count} seed" + ("s" if count > 1 else "")
    text = f"{name}, {seeds}" if name else seeds
    ax.plot(joined.epoch, mean, color=colour, linewidth=1.8, label=text)
    if count > 1:
        half = student.ppf(0.975, count - 1) * joined.std("seed", ddof=1) / np.sqrt(count)
        ax.fill_between(joined.epoch, mean - half, mean + half, color=colour, alpha=0.2, linewidth=0)
    if quantity.endswith("accuracy"):
        # With few seeds, intervals exceed the range of percentages.
        ax.set_ylim(0, 102)
    ax.set_xlabel("epoch")
    ax.set_ylabel(label(histories[0][quantity]))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.legend(frameon=False)
    return tidy(ax)


@drawing()
def learning_curve(
    history: xarray.Dataset,
    ax: Axes,
    *,
    quantity: Literal["loss", "accuracy"] = "loss",
    splits: Sequence[Literal["train", "validation"]] = ("train", "validation"),
    colour: str | None = None,
    name: str = "",
) -> Axes:
    """Draw how a quantity changes over the epochs.

    Parameters
    ----------
    history
        History of a run: ``train_<quantity>`` and ``validation_<quantity>`` over ``epoch``.
    ax
        Where to draw.
    quantity
        What to draw.
    splits
        The splits to draw.
    colour
        One colour for both lines, to draw several runs into the same Axes.
    name
        Name of the run, for the legend.
    """
    for split in splits:
        values = history[f"{split}_{quantity}"]
        dashes, own = _LOOKS[split]
        text = ", ".join(part for part in (name, _SHOWN[split] if len(splits) > 1 else "") if part)
        looks: dict[str, Any] = {"color": colour or own, "linewidth": 1.8, "label": text or _SHOWN[split]}
        if values.notnull().any():
            ax.plot(history.epoch, values, dashes, **looks)
    if quantity == "accuracy":
        ax.set_ylim(0, 102)
    # "train accuracy (%)" -> "accuracy (%)": the legend says which split.
    ax.set_ylabel(label(history[f"train_{quantity}"]).replace("train ", ""))
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.legend(frameon=False)
    return tidy(ax)
