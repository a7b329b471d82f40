"""The progress of training, from which it resumes, and its form for storage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from neurosim.engines.state import State
from neurosim.errors import DataError
from neurosim.training.activity import Activity
from neurosim.training.history import EpochReport


@dataclass(frozen=True)
class EpochPart:
    """The finished part of the epoch under way.

    Attributes
    ----------
    steps
        Number of mini-batches.
    losses, answers
        Of their presentations in order, one array ``(presentation, n)`` for each call of the engine; answers only
        where they are counted.
    seconds
        Seconds of learning.
    """

    steps: int = 0
    losses: tuple[np.ndarray, ...] = ()
    answers: tuple[np.ndarray, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Progress:
    """All that training resumes from: with the same seed, what follows has the same bits.

    Attributes
    ----------
    state
        See `neurosim.engines.state`; with the learning rates of the first epoch, and with initial values of neurons
        even where their state carries over, so that it can be evaluated.
    epoch, presentations
        Number of complete epochs, and of presented trials including the epoch under way.
    reports
        One report per epoch so far, the first from before learning.
    carried
        State of neurons and traces that carries over to the next presentation, for each trial of the batch; empty
        where every presentation starts from rest.
    part
        What is done of the epoch under way.
    """

    state: State
    epoch: int = 0
    presentations: int = 0
    reports: tuple[EpochReport, ...] = ()
    carried: State = field(default_factory=dict)
    part: EpochPart = EpochPart()


def packed(progress: Progress) -> tuple[State, dict[str, Any]]:
    """Split a progress into named arrays, and numbers that JSON holds exactly."""
    part = progress.part
    arrays = {f"state/{name}": array for name, array in progress.state.items()}
    arrays |= {f"carried/{name}": array for name, array in progress.carried.items()}
    calls = {"losses": part.losses, "answers": part.answers}
    arrays |= {f"part/{name}": np.concatenate(made) for name, made in calls.items() if made}
    numbers = {
        "epoch": progress.epoch,
        "presentations": progress.presentations,
        "steps": part.steps,
        "seconds": part.seconds,
        "reports": [_texts(asdict(report)) for report in progress.reports],
    }
    return {name: np.asarray(array) for name, array in arrays.items()}, numbers


def unpacked(arrays: Mapping[str, np.ndarray], numbers: Mapping[str, Any], like: Mapping[str, np.ndarray]) -> Progress:
    """Restore what `packed` split.

    Parameters
    ----------
    arrays, numbers
        As from `packed`.
    like
        A state of the trained circuit, such as the initial one.

    Raises
    ------
    DataError
        Something is missing, or does not fit the circuit.
    """
    named: dict[str, State] = {"state": {}, "carried": {}, "part": {}}
    try:
        for name, array in arrays.items():
            where, _, inner = name.partition("/")
            named[where][inner] = array
        _check_fits(named["state"], like)
        losses, answers = ((named["part"][name],) if name in named["part"] else () for name in ("losses", "answers"))
        part = EpochPart(int(numbers["steps"]), losses, answers, float(numbers["seconds"]))
        reports = tuple(_report(_numbers(report)) for report in numbers["reports"])
        counts = int(numbers["epoch"]), int(numbers["presentations"])
        if not all(0 <= count < 1 << 62 for count in (*counts, part.steps)) or not 0 <= part.seconds < math.inf:
            raise ValueError("counts that no training reaches")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(f"no progress of a training ({type(error).__name__}: {error})") from error
    return Progress(named["state"], *counts, reports, named["carried"], part)


def _report(fields: dict[str, Any]) -> EpochReport:
    populations = {name: Activity(**each) for name, each in fields["activity"].items()}
    return EpochReport(**{**fields, "activity": populations})


def _check_fits(state: State, like: Mapping[str, np.ndarray]) -> None:
    extra = [name for name in state if name not in like and not name.startswith("optimiser.")]
    missing = [name for name in like if name not in state]
    odd = [name for name in like if name in state and state[name].shape != np.shape(like[name])]
    if extra or missing or odd:
        raise DataError(
            f"the state is not that of this circuit: {', '.join(sorted([*extra, *missing, *odd])[:5])} "
            "missing, unknown or of another shape"
        )


def _texts(value: Any) -> Any:
    """Write numbers that are not finite as text, since JSON has none."""
    if isinstance(value, Mapping):
        return {name: _texts(inner) for name, inner in value.items()}
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    return value


def _numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _numbers(inner) for name, inner in value.items()}
    return float(value) if isinstance(value, str) else value
