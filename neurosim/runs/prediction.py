"""Predictions of a trained network for new rows, from its run folder alone; the training data may be gone.

``task.json`` in the folder holds the numbers of inputs and outputs, and how the task scaled and named them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.border import PATH, public
from neurosim.circuit.circuit import Circuit
from neurosim.errors import DataError
from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import Model, load
from neurosim.runs import folder as files
from neurosim.runs.integrity import read_json
from neurosim.tasks._encoding import checked, decode, encode
from neurosim.tasks._task import Sizes, Task
from neurosim.training.evaluation import answers

_LARGEST = 1 << 40


def write_task(folder: Path, task: Task) -> None:
    """Write ``task.json``: what predictions and figures need to know of the task."""
    sizes: dict[str, Any] = {"n_inputs": task.n_inputs, "n_outputs": task.n_outputs, "image": task.image}
    if task.dt is not None:
        sizes |= {"steps": task.steps, "dt": task.dt, "events": task.events}
    encoding = None if task.encoding is None else dict(task.encoding)
    files.write_json(folder / files.TASK, {"sizes": sizes, "encoding": encoding})


def circuit_of(folder: Path, model: Model) -> Circuit:
    """The circuit of a finished run; the data are read only if the run does not hold their sizes.

    Raises
    ------
    DataError
        The sizes are missing, and so are the data.
    """
    kept = _kept(folder)
    return model.build(_sizes(folder, kept)) if kept is not None else model.circuit


def can_predict(folder: Path, state: Mapping[str, np.ndarray]) -> bool:
    """Whether a finished run kept what predictions for new rows need."""
    try:
        kept = _kept(folder)
    except DataError:
        return False
    return bool(state) and kept is not None and isinstance(kept.get("encoding"), dict)


@public(file=PATH)
def predictions(folder: Path, state: Mapping[str, np.ndarray], file: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Predictions of a finished run's network for the rows of a file.

    Parameters
    ----------
    folder
        The run folder.
    state
        Its final weights and parameters.
    file
        ``.csv``, ``.npz`` or ``.npy``, as the task ``table`` reads it.

    Returns
    -------
    numpy.ndarray, tuple of str
        Classes (rows,), or numbers (rows, targets) in the units of the targets; and the names of the predicted columns.

    Raises
    ------
    DataError
        The run is a probe's or too old to predict; or the file cannot be read or does not fit.
    """
    if not state:
        raise DataError(f"{folder} holds a measurement, expected a trained network")
    kept = _kept(folder)
    if kept is not None and "dt" in (kept.get("sizes") or {}):
        raise DataError(
            f"{folder}: its task is over time, and rows of a file have no time; expected a run on a table or images. "
            "neurosim.open_run(folder).state has the weights, to run the circuit with courses of one's own"
        )
    if kept is None or not isinstance(kept.get("encoding"), dict):
        what = "this run is too old to have kept the scales" if kept is None else "its task has no scales"
        raise DataError(f"{folder}: new rows cannot be turned into inputs, {what}; train again, or use a table")
    model = load(folder / files.CONFIG)
    inputs = encode(kept["encoding"], file)
    sizes = _sizes(folder, kept)
    if inputs.shape[1] != sizes.n_inputs:
        raise DataError(f"{folder / files.TASK}: damaged, it has {sizes.n_inputs} inputs and {inputs.shape[1]} scales")
    engine = make_engine(model.engine, model.build(sizes), model.training.optimiser)
    outputs = answers(engine, state, inputs, chunk=model.training.evaluation_batch)
    how = checked(kept["encoding"])
    decoded = decode(kept["encoding"], outputs)
    count = 1 if decoded.ndim == 1 else decoded.shape[1]
    names = how.targets if len(how.targets) == count else tuple(f"output{n + 1}" for n in range(count))
    return decoded, names if count > 1 or how.targets else ("prediction",)


def _kept(folder: Path) -> dict[str, Any] | None:
    path = folder / files.TASK
    if not path.is_file():
        return None
    kept = read_json(path)
    if not isinstance(kept, dict):
        raise DataError(f"{path}: damaged, expected a table")
    return kept


def _sizes(folder: Path, kept: Mapping[str, Any]) -> Sizes:
    try:
        sizes = kept["sizes"]
        numbers = [int(sizes[name]) for name in ("n_inputs", "n_outputs")]
        image = None if sizes["image"] is None else [int(n) for n in sizes["image"]]
        if not all(0 < number < _LARGEST for number in (*numbers, *(image or ()))):
            raise ValueError("sizes are out of range")
        height, width, channels = image or (0, 0, 0)
        shape = (height, width, channels) if image else None
        if "dt" not in sizes:
            return Sizes(*numbers, image=shape)
        steps, dt = int(sizes["steps"]), float(sizes["dt"])
        if not (0 < steps < _LARGEST and 0 < dt < math.inf):
            raise ValueError("the grid is out of range")
        return Sizes(*numbers, image=shape, steps=steps, dt=dt, events=bool(sizes["events"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder / files.TASK}: damaged, it does not say how large inputs are ({error})") from error
