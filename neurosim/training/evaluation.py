"""Evaluate a circuit: loss and accuracy on a split of a task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.composition import answer_of, reported_loss
from neurosim.circuit.noiseless import undisturbed
from neurosim.engines._engine import Engine
from neurosim.engines.over_time import for_whole_streams
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import NumericalError
from neurosim.metrics import accuracy
from neurosim.tasks._task import Split
from neurosim.tasks._timed import TimedSplit
from neurosim.tasks._windows import Windows
from neurosim.training.activity import potentials
from neurosim.training.trial_order import trials_in_memory


@dataclass(frozen=True)
class Evaluation:
    """Loss and accuracy on a split.

    Attributes
    ----------
    loss
        Mean over trials; nan for an empty split.
    accuracy
        In percent; nan for a regression.
    """

    loss: float
    accuracy: float


def evaluate(
    engine: Engine, state: Mapping[str, Any], split: Split | TimedSplit, *, chunk: int = 256, perturbed: bool = False
) -> Evaluation:
    """Evaluate a split without learning, from rest and, unless `perturbed`, in the first phase without noise.

    Streams are presented as a whole, each from rest.

    Parameters
    ----------
    engine
        What runs the circuit, such as a `BatchedEngine`.
    state
        See `neurosim.engines.state`.
    split
        The trials.
    chunk
        Number of trials at once.
    perturbed
        Whether to read the output at the end of all phases, with the noise of the last, instead of the first.

    Raises
    ------
    NumericalError
        If a potential is not finite, naming the population.
    """
    if not len(split):
        return Evaluation(math.nan, math.nan)
    answer, loss = answer_of(engine.circuit), reported_loss(engine.circuit)
    asked = [answer] if split.labels is not None else []
    ends = _ends(engine, state, split, [*asked, loss], chunk=chunk, perturbed=perturbed)
    return summarise(ends[loss], ends.get(answer), split, np.arange(len(split)))


def answers(engine: Engine, state: Mapping[str, Any], inputs: np.ndarray, *, chunk: int = 256) -> np.ndarray:
    """Outputs for inputs ``(n, d)``, presented as by `evaluate`; shape ``(n, k)``."""
    answer = answer_of(engine.circuit)
    size = engine.circuit.population[str(engine.circuit.output_population)].size
    if not len(inputs):
        return np.empty((0, size), dtype=engine.setting.dtype)
    split = Split(inputs, np.zeros((len(inputs), size)))
    # Asking for the unused loss shares the compiled code with evaluation.
    return _ends(engine, state, split, [answer, reported_loss(engine.circuit)], chunk=chunk)[answer]


def _ends(
    engine: Engine,
    state: Mapping[str, Any],
    split: Split | TimedSplit,
    asked: list[str],
    *,
    chunk: int,
    perturbed: bool = False,
) -> dict[str, np.ndarray]:
    """Variables at the end of each trial, ``(trial, n)``."""
    if isinstance(split, TimedSplit):
        engine = engine.with_circuit(for_whole_streams(engine.circuit, split, engine.setting.dt))
    if not perturbed:
        engine = engine.with_circuit(undisturbed(engine.circuit))
    circuit = engine.circuit
    names = [phase.name for phase in circuit.phases]
    phases = tuple(names if perturbed else names[:1])
    # With a potential that is not finite the loss can be finite: the neuron is silent or at its bound.
    watched = () if engine.setting.steady else potentials(circuit)
    pieces: dict[str, list[np.ndarray]] = {name: [] for name in asked}
    if isinstance(split, TimedSplit):
        chunk = min(chunk, trials_in_memory(engine, split))
    for start in range(0, len(split), chunk):
        rows = np.arange(start, min(start + chunk, len(split)))
        count = len(rows)
        if engine.compiles_each_size:
            # All chunks have one size, so that only one program compiles.
            rows = np.resize(rows, chunk)
        _, outputs = engine.run(
            state,
            stimuli_of(circuit, split, rows, dt=engine.setting.dt, phases=phases),
            report=[*asked, *watched],
            learn=False,
            phases=phases,
            first=start,
        )
        ends = outputs.ends[phases[-1]]
        broken = [name for name in watched if not np.isfinite(ends[name][:count]).all()]
        if broken:
            raise NumericalError(
                f"{', '.join(broken)} not finite at the end of phase '{phases[-1]}', in the evaluation of "
                f"trials {start} to {start + count - 1}; try smaller learning rates or a smaller engine.dt"
            )
        for name, parts in pieces.items():
            parts.append(ends[name][:count])
    return {name: np.concatenate(parts) for name, parts in pieces.items()}


def summarise(
    losses: np.ndarray, answers: np.ndarray | None, split: Split | TimedSplit | Windows, rows: np.ndarray
) -> Evaluation:
    """Mean loss and accuracy of answers ``(trial, n)``, if there are any, to the given rows of a split.

    Over time an answer is the mean output over the mask, and the right one the mean target. One output decides by its
    sign.
    """
    right = math.nan
    if answers is not None and not isinstance(split, Windows):
        wanted = split.wanted(rows) if isinstance(split, TimedSplit) else split.targets[rows]
        if isinstance(split, TimedSplit) and split.n_outputs == 1:
            answers, wanted = (np.concatenate([-each, each], axis=1) for each in (answers, wanted))
        right = float(accuracy.measure(answers, wanted))
    return Evaluation(float(np.mean(losses, dtype=np.float64)), right)
