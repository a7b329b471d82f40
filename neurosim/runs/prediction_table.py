"""Write predictions of a trained network for the rows of a file as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurosim.atomic import write_file
from neurosim.border import PATH, optional, public
from neurosim.runs.beforehand import refuse_target
from neurosim.runs.prediction import predictions
from neurosim.runs.run_result import open_run


@public(folder=PATH, file=PATH, out=optional(PATH))
def predictions_of(folder: str | Path, file: str | Path, out: str | Path | None = None) -> str:
    """Predictions for the rows of a file as CSV, one line a row.

    Parameters
    ----------
    folder, file
        As for `neurosim.runs.prediction.predictions`.
    out
        A new CSV file.

    Returns
    -------
    str
        The CSV, or a sentence that names the file written.

    Raises
    ------
    DataError
        As for `neurosim.runs.prediction.predictions`; or `out` exists, or is not called .csv.
    """
    folder = Path(folder)
    refuse_target(out)
    predicted, names = predictions(folder, open_run(folder, figures=False).state, Path(file))
    text = _csv(predicted, names)
    if out is None:
        return text
    write_file(Path(out), text, parents=True)
    return f"{len(predicted)} predictions written to {out}\n"


def _csv(predictions: np.ndarray, names: Sequence[str]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([value] if predictions.ndim == 1 else value for value in predictions.tolist())
    return stream.getvalue()
