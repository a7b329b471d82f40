"""Loss or accuracy over the epochs, on the training and the validation split."""

from __future__ import annotations

from typing import Literal

import xarray
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurosim.plots._style import COLOURS, label, tidy


def learning_curve(
    history: xarray.Dataset,
    ax: Axes,
    *,
    quantity: Literal["loss", "accuracy"] = "loss",
    colour: str | None = None,
    name: str = "",
) -> Axes:
    """Draw how a quantity changes over the epochs.

    Parameters
    ----------
    history
        Of a run: ``train_<quantity>`` and ``validation_<quantity>`` over ``epoch``.
    ax
        Where to draw.
    quantity
        What to draw.
    colour
        One colour for both lines, to draw several runs into the same Axes.
    name
        Of the run, for the legend.
    """
    train, validation = history[f"train_{quantity}"], history[f"validation_{quantity}"]
    prefix = f"{name}, " if name else ""
    lines = ((train, "training", "--", COLOURS[4]), (validation, "validation", "-", COLOURS[0]))
    for values, split, style, own in lines:
        if values.notnull().any():
            ax.plot(
                history.epoch, values, style, color=colour or own, label=f"{prefix}{split}", linewidth=1.8
            )
    if quantity == "accuracy":
        ax.set_ylim(0, 102)
    # "train accuracy (%)" -> "accuracy (%)": the legend says which split.
    ax.set_ylabel(label(train).replace("train ", ""))
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.legend(frameon=False)
    return tidy(ax)
