"""The training loop: epochs over a seeded order of the data, with evaluation and alignment in between.

(Over 300 lines: one loop, with its messages for failed learning.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import answer_of, reported_loss
from neurosim.circuit.description import Role
from neurosim.circuit.roles import drives, role
from neurosim.engines._engine import Engine
from neurosim.engines.slots import carried_shapes
from neurosim.engines.state import State, initial_state, learned_names
from neurosim.engines.stimuli import stimuli_of
from neurosim.errors import ConfigError, DataError, NumericalError
from neurosim.gradients.alignment import alignment
from neurosim.gradients.loops import check_loops
from neurosim.tasks._task import Task
from neurosim.training.activity import activity
from neurosim.training.config import Config
from neurosim.training.evaluation import Evaluation, evaluate, summarise
from neurosim.training.history import EpochReport, history_of
from neurosim.training.progress import EpochPart, Progress
from neurosim.training.streams import presented_split, to_measure
from neurosim.training.trial_order import (
    order_of,
    presented,
    refuse_other_trials,
    steps_in_memory,
    whole_split,
)

if TYPE_CHECKING:
    import xarray

# Most steps, and most products of a weight and a number, of one call of the engine. Calls are short to show progress
# and to notice numbers that are not finite; so many products take minutes. Where an epoch is cut may change last bits,
# so it depends on the model alone, not on a clock.
STEPS_PER_CALL, PRODUCTS_PER_CALL = 250, 2e12
#: How many times faster weights learn at most where there are few updates.
MOST_FASTER = 10.0


@dataclass(frozen=True)
class TrainingResult:
    """The result of training.

    Attributes
    ----------
    state
        Final weights and parameters.
    history
        Dims ``epoch`` and ``layer``; see `EpochReport`.
    test
        Loss and accuracy on the test split, evaluated only here unless `Config.evaluate_test` is set.
    """

    state: State
    history: xarray.Dataset
    test: Evaluation


def train(
    engine: Engine,
    task: Task,
    config: Config,
    *,
    seed: int,
    start: Progress | None = None,
    on_epoch: Sequence[Callable[[EpochReport], None]] = (),
    on_step: Callable[[int, int], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> TrainingResult:
    """Train a circuit on a task.

    Parameters
    ----------
    engine
        What runs the circuit, such as a `BatchedEngine`.
    task, config
        The data, and the settings of training.
    seed
        Random seed of initial weights, data order and noise.
    start
        Progress to resume from; the beginning by default.
    on_epoch
        Called with the report of each epoch, the first from before learning.
    on_step
        Called with the steps done in an epoch and their total.
    on_progress
        Called with the progress, from which training can resume, after each epoch and each call of the engine; all its
        numbers are finite.

    Raises
    ------
    ConfigError
        The batch is larger than the training split.
    CircuitError
        The task is over time and the circuit not, or the other way round, or phases are not as long as trials.
    NumericalError
        If a control loop does not settle with the initial weights, or if the loss, a weight or a state that carries
        over stops being finite, naming the epoch, the step, the pathways and populations.
    """
    refuse_large_batches(task, config)
    refuse_other_trials(engine, task, config)
    progress = start or Progress(initial_state(engine.circuit, seed, dtype=engine.setting.dtype))
    if not progress.reports:
        check_loops(engine.circuit, engine.setting, progress.state)
        progress = _report(progress, EpochReport(0, config.epochs), engine, task, config, seed, on_epoch, on_progress)
    data = whole_split(engine, task, config)
    while progress.epoch < config.epochs:
        progress, learned = _learn(progress, engine, data, task, config, seed, on_step, on_progress)
        progress = _report(progress, learned, engine, task, config, seed, on_epoch, on_progress)
    test = evaluate(engine, progress.state, task.test, chunk=config.evaluation_batch)
    return TrainingResult(progress.state, history_of(progress.reports), test)


def refuse_large_batches(task: Task, config: Config) -> None:
    """Refuse a batch that is larger than the training split.

    Raises
    ------
    ConfigError
        With both sizes.
    """
    if config.batch_size > len(task.train):
        raise ConfigError.at(
            "training.batch_size",
            f"got {config.batch_size}, expected at most the {len(task.train)} trials of the training split",
        )


def learning_rates(
    circuit: Circuit, state: Mapping[str, np.ndarray], config: Config, epoch: int, updates: int | None = None
) -> dict[str, np.ndarray]:
    """The learning rates of one epoch (counted from 0): decayed, and zero forward during the warm-up.

    Forward rates are larger where all of training has few `updates`, see `Config.few_updates`.
    """
    learning = {name.split(".")[0] for name in learned_names(circuit)}
    feedback = {name for name in learning if role(circuit, name) is Role.FEEDBACK}
    # Without learned feedback there is no warm-up.
    warming = epoch < config.feedback_warm_up and bool(feedback)
    decay = config.learning_rate_decay**epoch
    more = 1.0
    if config.few_updates is not None and updates is not None:
        more = min(max(config.few_updates / updates, 1.0), MOST_FASTER)
    rates = {}
    for pathway in sorted(learning):
        name = f"{pathway}.learning_rate"
        if name in state:
            factor = decay
            if drives(circuit, pathway):
                factor = 0.0 if warming else decay * more
            rates[name] = np.asarray(state[name] * factor, dtype=state[name].dtype)
    return rates


def _learn(
    progress: Progress,
    engine: Engine,
    data: Mapping[str, Any] | None,
    task: Task,
    config: Config,
    seed: int,
    on_step: Callable[[int, int], None] | None,
    on_progress: Callable[[Progress], None] | None = None,
) -> tuple[Progress, EpochReport]:
    """Learn for one epoch, or its remainder."""
    circuit, epoch, split = engine.circuit, progress.epoch, presented_split(task, config)
    order = order_of(config, epoch, len(split), seed)
    rates = learning_rates(circuit, progress.state, config, epoch, config.epochs * len(order))
    steps = _steps_per_call(engine, config.batch_size)
    if data is None:
        steps = min(steps, steps_in_memory(engine, task, config))
    for rows in _calls(order, progress.part.steps, steps):
        given, at = presented(engine, task, config, data, rows, seed, progress.presentations)
        progress = _advance(progress, engine, given, at, rates, seed, counted=split.labels is not None)
        if on_step is not None:
            on_step(progress.part.steps, len(order))
        if on_progress is not None:
            on_progress(progress)
    part = progress.part
    answers = np.concatenate(part.answers) if part.answers else None
    evaluation = summarise(np.concatenate(part.losses), answers, split, order.ravel())
    speed = order.size / part.seconds if part.seconds else np.nan
    report = EpochReport(epoch + 1, config.epochs, evaluation.loss, evaluation.accuracy, samples_per_second=speed)
    return replace(progress, epoch=epoch + 1, part=EpochPart()), report


def _steps_per_call(engine: Engine, batch_size: int) -> int:
    circuit, setting = engine.circuit, engine.setting
    times = 1 if setting.steady else sum(phase.steps(setting.dt) for phase in circuit.phases)
    products = times * batch_size * sum(_products(circuit, p.name) for p in circuit.pathways)
    return max(1, min(STEPS_PER_CALL, int(PRODUCTS_PER_CALL / max(1, products))))


def _products(circuit: Circuit, pathway: str) -> int:
    """An upper bound on the products of a weight and a number in a pathway."""
    return circuit.shape(pathway)[0] * circuit.fans(pathway)[0]


def _calls(order: np.ndarray, done: int, steps: int) -> list[np.ndarray]:
    """The remaining steps of an epoch, one array for each call of the engine.

    Raises
    ------
    DataError
        If what is done does not end where a call ends.
    """
    parts = np.array_split(order, -(-len(order) // steps))
    ends = [0, *np.cumsum([len(part) for part in parts]).tolist()]
    if done not in ends:
        raise DataError(f"{done} steps of an epoch are done, expected one of {ends}: made by another version?")
    return parts[ends.index(done) :]


def _advance(
    progress: Progress,
    engine: Engine,
    data: Mapping[str, Any],
    rows: np.ndarray,
    rates: Mapping[str, np.ndarray],
    seed: int,
    *,
    counted: bool,
) -> Progress:
    """Call the engine once, for some steps of an epoch."""
    circuit, base, part, first = engine.circuit, progress.state, progress.part, progress.presentations
    phase, answer = circuit.phases[0].name, answer_of(circuit)
    # Outputs are kept only to count correct classes; those of a regression could be large.
    asked = [answer] if counted else []
    began = time.perf_counter()
    state, outputs = engine.train(
        {**base, **rates, **progress.carried}, data, rows, seed=seed, first=first, report=asked
    )
    seconds = part.seconds + time.perf_counter() - began
    losses = outputs.ends[phase][reported_loss(circuit)]
    moving = [name for name in carried_shapes(circuit, engine.setting.dt) if name in state] if circuit.carry else []
    carried = {name: state[name] for name in moving}
    _refuse_broken(circuit, state, carried, losses, progress.epoch + 1, part.steps, rows.shape[1])
    if outputs.broken_batch is not None:
        variable, batch = outputs.broken_batch
        raise NumericalError(
            f"'{variable}' stopped being finite in epoch {progress.epoch + 1}, step {part.steps + batch + 1}, though "
            "the loss and the weights did not; is the time step too long for the method?"
        )
    kept = {name: array for name, array in base.items() if name.endswith(".learning_rate") or name in moving}
    return replace(
        progress,
        state={**state, **kept},
        presentations=first + rows.size,
        carried=carried,
        part=EpochPart(
            part.steps + len(rows),
            (*part.losses, losses),
            (*part.answers, *(outputs.ends[phase][name] for name in asked)),
            seconds,
        ),
    )


def _report(
    progress: Progress,
    report: EpochReport,
    engine: Engine,
    task: Task,
    config: Config,
    seed: int,
    on_epoch: Sequence[Callable[[EpochReport], None]],
    on_progress: Callable[[Progress], None] | None = None,
) -> Progress:
    """Add evaluation and alignment to a report and hand it on."""
    last = progress.epoch == config.epochs
    if last or progress.epoch % config.evaluate_every == 0:
        try:
            report = _evaluated(report, engine, progress.state, task, config)
        except NumericalError as error:
            raise NumericalError(f"after epoch {progress.epoch}: {error}") from error
    layers: Mapping[str, Mapping[str, float]] = {}
    if config.measure_every and (last or progress.epoch % config.measure_every == 0):
        rows, state = to_measure(task, config, progress, seed)
        stimuli = stimuli_of(engine.circuit, presented_split(task, config), rows, dt=engine.setting.dt)
        layers = alignment(engine.circuit, engine.setting, state, stimuli, seed=seed, gauss_newton=config.gauss_newton)
    report = replace(report, layers=layers, presentations=progress.presentations)
    progress = replace(progress, reports=(*progress.reports, report))
    for call in on_epoch:
        call(report)
    if on_progress is not None:
        on_progress(progress)
    return progress


def _evaluated(
    report: EpochReport, engine: Engine, state: Mapping[str, np.ndarray], task: Task, config: Config
) -> EpochReport:
    evaluation = evaluate(engine, state, task.validation, chunk=config.evaluation_batch)
    report = replace(report, validation_loss=evaluation.loss, validation_accuracy=evaluation.accuracy)
    if config.evaluate_perturbed:
        evaluation = evaluate(engine, state, task.validation, chunk=config.evaluation_batch, perturbed=True)
        report = replace(report, perturbed_loss=evaluation.loss, perturbed_accuracy=evaluation.accuracy)
    if config.evaluate_test:
        evaluation = evaluate(engine, state, task.test, chunk=config.evaluation_batch)
        report = replace(report, test_loss=evaluation.loss, test_accuracy=evaluation.accuracy)
    return replace(report, activity=activity(engine, state, task.validation or task.train))


def _refuse_broken(
    circuit: Circuit,
    state: Mapping[str, np.ndarray],
    carried: Mapping[str, np.ndarray],
    losses: np.ndarray,
    epoch: int,
    done: int,
    batch: int,
) -> None:
    pathways = dict.fromkeys(n.split(".")[0] for n in learned_names(circuit) if not np.isfinite(state[n]).all())
    moving = [name for name, array in carried.items() if not np.isfinite(array).all()]
    broken = np.flatnonzero(~np.isfinite(np.ravel(losses)))
    if not pathways and not moving and not len(broken):
        return
    what = "the loss is" if len(broken) else "weights are" if pathways else "the state is"
    # A loss has its step; of other values only the end of the call is known.
    where = f"step {done + int(broken[0]) // batch + 1}" if len(broken) else f"by step {done + len(losses) // batch}"
    raise NumericalError(
        f"{what} not finite in epoch {epoch}, {where}"
        + (f"; weights that are not finite: pathway {', '.join(pathways)}" if pathways else "")
        + (f"; state that is not finite: {', '.join(moving)}" if moving else "")
        + "; try smaller learning rates"
    )
