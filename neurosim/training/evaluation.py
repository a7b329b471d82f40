"""Loss and accuracy of a trained circuit on a split of a task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurosim.circuit.undisturbed import undisturbed
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.metrics import accuracy
from neurosim.tasks._task import Split


@dataclass(frozen=True)
class Evaluation:
    """What a split gives.

    Attributes
    ----------
    loss
        Mean over trials; nan for an empty split.
    accuracy
        In percent; nan for a regression.
    """

    loss: float
    accuracy: float


def evaluate(engine: Any, state: Mapping[str, Any], split: Split, *, chunk: int = 256) -> Evaluation:
    """Present a split once, from rest, without learning and without noise, in the first phase alone.

    Parameters
    ----------
    engine
        A `BatchedEngine` or `BrianEngine`.
    state
        See `neurosim.engines.state`.
    split
        The trials.
    chunk
        How many are presented at once.
    """
    if not len(split):
        return Evaluation(math.nan, math.nan)
    circuit = undisturbed(engine.circuit)
    engine = replace(engine, circuit=circuit)
    phase, answer = circuit.phases[0].name, f"{circuit.output_population}.y"
    losses, answers = [], []
    for start in range(0, len(split), chunk):
        rows = np.arange(start, min(start + chunk, len(split)))
        count = len(rows)
        if isinstance(engine, BatchedEngine):
            # One shape for all chunks, so that nothing compiles twice.
            rows = np.resize(rows, chunk)
        _, outputs = engine.run(
            state, stimuli_of(circuit, split, rows), report=[answer, "loss"], learn=False, phases=(phase,)
        )
        losses.append(outputs.ends[phase]["loss"][:count])
        answers.append(outputs.ends[phase][answer][:count])
    return summarise(np.concatenate(losses), np.concatenate(answers), split, np.arange(len(split)))


def stimuli_of(circuit: Any, split: Split, rows: np.ndarray | slice) -> dict[str, np.ndarray]:
    """The chosen trials of a split as an engine takes them."""
    targets = {f"{circuit.output_population}.target": split.targets[rows]}
    return {"input.r": split.inputs[rows], **targets}


def summarise(losses: np.ndarray, answers: np.ndarray, split: Split, rows: np.ndarray) -> Evaluation:
    """Mean loss and accuracy of answers ``(trial, n)`` to the given rows of a split."""
    classified = split.labels is not None
    right = float(accuracy.measure(answers, split.targets[rows])) if classified else math.nan
    return Evaluation(float(np.mean(losses, dtype=np.float64)), right)
