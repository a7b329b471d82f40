"""Trials of a task as an engine takes them."""

from __future__ import annotations

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.tasks._task import Split


def stimuli_of(circuit: Circuit, split: Split, rows: np.ndarray | slice) -> dict[str, np.ndarray]:
    """The chosen trials of a split, ``population.variable -> (trial, n)``."""
    targets = {f"{circuit.output_population}.target": split.targets[rows]}
    return {"input.r": split.inputs[rows], **targets}
