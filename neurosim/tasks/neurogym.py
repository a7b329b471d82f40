"""Tasks of neurogym: cognitive tasks with periods, whose observations are inputs and whose right actions are targets.

Needs the optional packages of the extra ``tasks``. Trials are padded to the longest; padding does not count. Only tasks
that neurogym itself ships are read, and only those that say which action is right.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from neurosim.errors import ConfigError, DataError
from neurosim.gate.limits import check_size
from neurosim.installation import how_to_install
from neurosim.suggestions import did_you_mean
from neurosim.tasks._task import Task, _split_generator
from neurosim.tasks._temporal import Duration, constant_floors
from neurosim.tasks._timed import TimedSplit
from neurosim.units import parse_quantity

_BYTES_A_NUMBER = 12


class Config(BaseModel):
    """Settings of an environment of neurogym.

    Attributes
    ----------
    environment
        Its name, such as ``DelayMatchSample-v0``.
    dt
        Time between two grid steps.
    period
        The period in which outputs count, such as ``decision``; all of the trial if it is empty.
    outside
        How much other steps count, between 0 and 1.
    timing
        Lengths of periods, in place of the environment's own: ``{ delay = "500 ms" }``.
    options
        Further settings of the environment: numbers and truth values.
    steps
        Grid steps in a trial; by default those of the longest that is drawn.
    n_train, n_validation, n_test
        How many trials to draw.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: str = Field(min_length=1, max_length=200)
    dt: Duration = "100 ms"
    period: str = "decision"
    outside: float = Field(default=0.0, ge=0, le=1)
    timing: dict[str, Duration] = Field(default_factory=dict[str, str], max_length=100)
    options: dict[str, bool | int | float] = Field(default_factory=dict[str, bool | int | float], max_length=100)
    steps: int | None = Field(default=None, gt=0, le=1_000_000)
    n_train: PositiveInt = 256
    n_validation: int = Field(default=64, ge=0)
    n_test: PositiveInt = 64


@dataclass(frozen=True)
class DrawnTrial:
    """One trial of an environment.

    Attributes
    ----------
    inputs
        ``(T, d)``.
    targets
        ``(T, k)``: what is right, or a one at the right action.
    mask
        ``(T,)``.
    label
        The right action, if it is one of several and the same wherever outputs count.
    chosen
        Whether an action is one of several.
    """

    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray
    label: int | None
    chosen: bool


def load(config: Config, *, seed: int) -> Task:
    """Draw trials of an environment.

    Parameters
    ----------
    config
        The settings.
    seed
        Seeds the environment.

    Returns
    -------
    Task
        Actions that are chosen among several are classes, others numbers. If each trial has one right action where
        outputs count, that is its label and its type.

    Raises
    ------
    ConfigError
        An environment, a period or a setting that there is not.
    DataError
        neurogym is not installed, or the environment fails or has no right actions.
    """
    environment = _environment(config)
    counts = {"train": config.n_train, "validation": config.n_validation, "test": config.n_test}
    drawn: dict[str, list[DrawnTrial]] = {}
    for split, count in counts.items():
        own = int(_split_generator(seed, split).integers(2**32))
        drawn[split] = _drawn(config, environment, count, own)
    trials = [trial for each in drawn.values() for trial in each]
    longest = max(len(trial.mask) for trial in trials)
    if config.steps is not None and config.steps < longest:
        raise ConfigError.at("task.steps", f"got {config.steps}, expected at least {longest}, as the longest trial has")
    steps, first = config.steps or longest, trials[0]
    width = first.inputs.shape[1] + first.targets.shape[1] + 1
    check_size(_BYTES_A_NUMBER * len(trials) * steps * width, "task neurogym: what it draws")
    decided = all(trial.label is not None for trial in trials)
    dt = parse_quantity(config.dt, "second")
    splits = [_padded(each, steps, first, dt, decided=decided) for each in drawn.values()]
    loss = "cross_entropy" if first.chosen else "squared_error"
    kind = "classification" if decided else "regression"
    return Task("neurogym", *splits, kind=kind, loss=loss, floors=constant_floors(splits[0], loss))


def _environment(config: Config) -> Any:
    """The environment as neurogym makes it, without its wrappers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            neurogym = importlib.import_module("neurogym")
            known = list(importlib.import_module("neurogym.envs.registration").all_envs())
        except ImportError as error:
            raise DataError(
                f"task neurogym: needs neurogym, which cannot be imported ({error}); {how_to_install('tasks')}"
            ) from error
        # Other names would have gymnasium import the module that they name.
        if config.environment not in known:
            raise ConfigError.at(
                "task.environment", f"neurogym has no '{config.environment}'; {did_you_mean(config.environment, known)}"
            )
        milliseconds = {name: round(1e3 * parse_quantity(each, "second"), 9) for name, each in config.timing.items()}
        settings: dict[str, Any] = {**config.options, "dt": 1e3 * parse_quantity(config.dt, "second")}
        if milliseconds:
            settings["timing"] = milliseconds
        try:
            return neurogym.make(config.environment, **settings).unwrapped
        except Exception as error:  # an environment may refuse its settings in any way
            raise ConfigError.at(
                "task.options", f"'{config.environment}' cannot be made with these and dt, timing: {_said(error)}"
            ) from error


def _drawn(config: Config, environment: Any, count: int, seed: int) -> list[DrawnTrial]:
    """So many trials, from a seed of their own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            environment.seed(seed)
            environment.reset(seed=seed)
            _refuse_other_periods(config, environment)
            return [_trial(config, environment) for _ in range(count)]
        except (ConfigError, DataError):
            raise
        except Exception as error:  # likewise
            raise DataError(f"task neurogym: '{config.environment}' failed: {_said(error)}") from error


def _refuse_other_periods(config: Config, environment: Any) -> None:
    own = list(getattr(environment, "start_ind", ()))
    for name in config.timing:
        if name not in own:
            raise ConfigError.at("task.timing", f"'{config.environment}' has no '{name}'; {did_you_mean(name, own)}")


def _trial(config: Config, environment: Any) -> DrawnTrial:
    environment.new_trial()
    inputs, right = (np.asarray(getattr(environment, name, ())) for name in ("ob", "gt"))
    if inputs.ndim != 2 or len(right) != len(inputs):
        raise DataError(
            f"task neurogym: '{config.environment}' does not say at each step which action is right, so that it can "
            "only be learned by reward; expected another"
        )
    mask = np.full(len(inputs), config.outside)
    mask[_counted(config, environment)] = 1
    if right.ndim == 2:
        return DrawnTrial(inputs, right, mask, None, chosen=False)
    actions = np.arange(int(environment.action_space.n))
    asked = np.unique(right[mask == 1])
    label = int(asked[0]) if len(asked) == 1 else None
    return DrawnTrial(inputs, (right[:, None] == actions).astype(np.float32), mask, label, chosen=True)


def _counted(config: Config, environment: Any) -> slice:
    if not config.period:
        return slice(None)
    begins, ends = environment.start_ind, environment.end_ind
    if config.period not in begins:
        raise ConfigError.at(
            "task.period",
            f"'{config.environment}' has no '{config.period}'; {did_you_mean(config.period, list(begins))}, or nothing "
            "for the whole trial",
        )
    return slice(int(begins[config.period]), int(ends[config.period]))


def _padded(trials: Sequence[DrawnTrial], steps: int, like: DrawnTrial, dt: float, *, decided: bool) -> TimedSplit:
    """Trials of one length, whose last input and target stay, and do not count."""
    inputs = np.zeros((len(trials), steps, like.inputs.shape[1]), np.float32)
    targets = np.zeros((len(trials), steps, like.targets.shape[1]), np.float32)
    mask = np.zeros((len(trials), steps), np.float32)
    for place, trial in enumerate(trials):
        length = len(trial.mask)
        inputs[place, :length], targets[place, :length], mask[place, :length] = trial.inputs, trial.targets, trial.mask
        inputs[place, length:], targets[place, length:] = trial.inputs[-1], trial.targets[-1]
    if not decided:
        return TimedSplit(inputs, targets, dt, mask)
    labels = np.asarray([trial.label for trial in trials], np.int64)
    return TimedSplit(inputs, targets, dt, mask, labels, labels)


def _said(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__
