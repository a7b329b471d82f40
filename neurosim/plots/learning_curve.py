"""Loss or accuracy over the epochs, on the training and the validation split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import xarray
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurosim.plots._style import COLOURS, label, tidy

_SHOWN = {"train": "training", "validation": "validation"}
_LOOKS = {"train": ("--", COLOURS[4]), "validation": ("-", COLOURS[0])}


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
        Of a run: ``train_<quantity>`` and ``validation_<quantity>`` over ``epoch``.
    ax
        Where to draw.
    quantity
        What to draw.
    splits
        Of which splits.
    colour
        One colour for both lines, to draw several runs into the same Axes.
    name
        Of the run, for the legend.
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
