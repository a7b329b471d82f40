"""Checks that the targets of a task fit the loss of the readout."""

from __future__ import annotations

import numpy as np

from neurosim import registry
from neurosim.errors import ConfigError
from neurosim.tasks._task import Sizes, Task
from neurosim.tasks._timed import TimedSplit

# Precision of a sum of a thousand shares in single precision.
_TOLERANCE = 1e-3
_EXPECTED = {
    "shares": "shares of classes, which are not negative and add up to one in each row",
    "probabilities": "probabilities, from 0 to 1",
}


def refuse_targets(readout: str, task: Task | Sizes, *, name: str = "", section: str = "network") -> None:
    """Refuse targets that do not fit the loss, such as real numbers where cross-entropy needs shares of classes.

    Parameters
    ----------
    task
        The data, or what is known of them.
    name
        Name of the task, where only sizes are known.
    section
        Section of the model that names the readout.

    Raises
    ------
    ConfigError
        Naming the readout, what it wants, and what the targets are.
    """
    wanted = registry.load("readouts", readout).READOUT.targets
    if wanted == "numbers":
        return
    if isinstance(task, Sizes):
        if task.numbers:
            raise _refused(readout, wanted, name, "real numbers", section)
        return
    for split in (task.train, task.validation, task.test):
        # Over time, targets count where the mask does.
        targets = split.targets[split.mask > 0] if isinstance(split, TimedSplit) else split.targets
        if not len(targets):
            continue
        low, high = float(targets.min()), float(targets.max())
        fits = low >= 0 and high <= 1 + _TOLERANCE
        if wanted == "shares":
            fits = fits and bool(np.abs(targets.sum(axis=1, dtype=np.float64) - 1).max() <= _TOLERANCE)
        if not fits:
            raise _refused(readout, wanted, task.name, f"other numbers (from {low:.3g} to {high:.3g})", section)


def _refused(readout: str, wanted: str, task: str, given: str, section: str) -> ConfigError:
    return ConfigError.at(
        f"{section}.readout",
        f"got '{readout}', whose targets are {_EXPECTED[wanted]}, but those of the task '{task}' are {given}; "
        "expected 'squared_error' for a regression",
    )
