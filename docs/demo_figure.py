"""Draw the figure of the README: learned feedback beside feedback alignment, mean over seeds.

``python docs/demo_figure.py`` trains both models with three seeds (two minutes) and writes
``docs/images/demo.png``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import xarray
from matplotlib.figure import Figure

from neurosim.plots.alignment import alignment
from neurosim.plots.figures import save_figure
from neurosim.plots.learning_curve import learning_curve
from neurosim.runs.run import train

MODELS = {"learned feedback": "lansdell2020/digits", "feedback alignment": "lansdell2020/digits_fa"}
SEEDS = (0, 1, 2)


def mean_history(model: str) -> xarray.Dataset:
    """The history of a model, averaged over the seeds."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [train(model, seed=seed, out=Path(folder) / str(seed)).history for seed in SEEDS]
    return xarray.concat(runs, "seed", join="exact").mean("seed", keep_attrs=True)


def main() -> None:
    """Train and draw."""
    histories = {name: mean_history(model) for name, model in MODELS.items()}
    figure = Figure(figsize=(9.2, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (name, history), colour, dashes in zip(histories.items(), ("#000000", "#E69F00"), ("-", "--"), strict=True):
        learning_curve(history, left, quantity="accuracy", splits=("validation",), colour=colour, name=name)
        alignment(history.sel(layer=["hidden1", "hidden2"]), right, style=dashes, name=name)
    left.set_title("Digits: validation accuracy", fontsize=11)
    right.set_title("Delivered signal against the true gradient", fontsize=11)
    # Four lines at 25 to 60 degrees leave no room inside.
    right.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    print(save_figure(figure, Path(__file__).parent / "images" / "demo.png"))


if __name__ == "__main__":
    main()
