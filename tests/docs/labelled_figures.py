"""A backend of Matplotlib that refuses to show what has no labels, for notebooks that are run by tests.

An axis whose ticks have numbers has a label, and the label has a unit, in brackets, where the quantity has one.
"""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

#: Quantities that have a unit, as labels name them.
WITH_UNIT = ("time", "angle", "accuracy", "current", "firing rate", "duration", "weight (", "loss (")
FigureCanvas = FigureCanvasAgg


def faults(figure: Figure) -> list[str]:
    """What is wrong with a figure's axes, in words."""
    figure.draw_without_rendering()
    drawn = [ax for ax in figure.axes if ax.get_visible() and ax.axison]
    if not drawn and not figure.axes:
        return ["a figure without axes"]
    found = []
    for number, ax in enumerate(drawn):
        found += [f"axes {number} ({ax.get_title() or 'no title'}): {fault}" for fault in _faults(ax)]
    return found


def _faults(ax: Axes) -> list[str]:
    found = []
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        text = axis.get_label_text()
        if not text and _numbered(axis) and not _labelled_beside(ax, name):
            found.append(f"the {name} axis has numbers and no label")
        if any(word in text.lower() for word in WITH_UNIT) and "(" not in text:
            found.append(f"the {name} axis '{text}' has no unit")
    return found


def _numbered(axis: Axis) -> bool:
    """Whether ticks have numbers; names of categories explain themselves."""
    shown = [tick.label1 for tick in axis.get_major_ticks() if tick.label1.get_visible()]
    texts = [label.get_text().replace("\N{MINUS SIGN}", "-") for label in shown if label.get_text()]
    return bool(texts) and any(text.lstrip("-$").startswith(tuple("0123456789.m")) for text in texts)


def _labelled_beside(ax: Axes, name: str) -> bool:
    """Whether an axis that shares its scale and stands in the same row or column has the label."""
    shared = ax.get_shared_x_axes() if name == "x" else ax.get_shared_y_axes()
    return any(getattr(other, f"get_{name}label")() for other in shared.get_siblings(ax))


def show(*args: Any, **settings: Any) -> None:
    """Check all open figures and close them.

    Raises
    ------
    AssertionError
        Axes without a label or a unit.
    """
    opened = [plt.figure(number) for number in plt.get_fignums()]
    found = [fault for figure in opened for fault in faults(figure)]
    plt.close("all")
    assert not found, "\n".join(found)
