"""Train one model with one seed, or run its probe, and write a run folder.

(Over 300 lines: one run, from its folder to its summary.)
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from neurosim import registry
from neurosim.atomic import discard, write_file
from neurosim.border import FLAG, NAMES, PATH, SEED, number, optional, public
from neurosim.engines._engine import Engine
from neurosim.engines.state import State
from neurosim.errors import ConfigError, DataError, NeurosimWarning, NumericalError
from neurosim.model_files.engine_section import make_engine
from neurosim.model_files.model_file import Model, load, numbers_of
from neurosim.recording.weights import FORMAT as WEIGHTS_FORMAT
from neurosim.runs import folder as files
from neurosim.runs.checkpoints import EVERY, Checkpoints, packed_arrays
from neurosim.runs.claimed_folder import ClaimedFolder, finished_run, taken, terminable
from neurosim.runs.data_identity import files_read
from neurosim.runs.integrity import check_size
from neurosim.runs.log import Log
from neurosim.runs.prediction import write_task
from neurosim.runs.recorder import SNAPSHOTS, TrainingRecorder
from neurosim.runs.resumption import going_on, kept_checkpoint
from neurosim.runs.run_result import Run, draw, short, write_checksums
from neurosim.runs.run_result import open_run as open_run
from neurosim.tasks._task import Task
from neurosim.training.activity import Activity
from neurosim.training.history import EpochReport, learned
from neurosim.training.loop import TrainingResult, refuse_large_batches
from neurosim.training.loop import train as train_circuit
from neurosim.training.progress import Progress
from neurosim.training.trial_order import refuse_other_trials
from neurosim.training.troubles import Troubles

if TYPE_CHECKING:
    import xarray


class RunWatcher(Protocol):
    """Receives progress events of a run. A probe has no epochs, only steps."""

    def begin(self, model: Model, folder: Path) -> None:
        """The model is built and its folder exists."""

    def step(self, done: int, total: int) -> None:
        """Some steps of the epoch are done."""

    def epoch(self, report: EpochReport) -> None:
        """An epoch is over, or (number 0) learning is about to begin."""

    def note(self, text: str) -> None:
        """A remark, such as where a run resumes."""


@public(seed=SEED, out=optional(PATH), overrides=NAMES, resume=FLAG, checkpoint_every=number(0))
def train(
    model: str | Path | Mapping[str, Any] | Model,
    *,
    seed: int = 0,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    progress: RunWatcher | None = None,
    resume: bool = False,
    checkpoint_every: float = EVERY,
) -> Run:
    """Train a model, or run its probe, and write the run folder.

    Parameters
    ----------
    model
        A shipped name, the path of a TOML file, sections as a mapping, or a loaded model.
    seed
        Random seed of initial weights, data order and noise.
    out
        The run folder, which must not exist or be empty; by default ``runs/<scheme or probe>-<time>-seed<N>``.
    overrides
        ``section.key=value`` each.
    progress
        Receives progress events.
    resume
        Continue the run of this model and seed in `out`, if there is one, from its newest intact checkpoint, to the
        same bits as if it had never stopped. A finished run is returned. Probes have no checkpoints and start anew.
    checkpoint_every
        Seconds between two checkpoints, 0 for as often as possible. They take at most a hundredth of the time. One is
        also written when a run is interrupted.

    Returns
    -------
    Run
        Also in the folder: ``config.toml``, ``provenance.json`` and ``log.txt`` from the start, ``checkpoints/`` until
        the end, then ``weights.safetensors``, ``task.json`` with what predictions need, ``metrics.zarr``,
        ``recording.zarr`` if the model asks for it, ``figures/``, ``checksums.json`` and, last, ``summary.json``. A
        probe leaves no weights, and ``metrics.zarr`` holds its curves.

    Raises
    ------
    ConfigError, UnknownNameError, DataError
        A model that does not fit, missing data, a folder that is in use (by which process), that holds another run,
        or that cannot be written.
    NumericalError
        If learning diverges; the last state whose numbers are finite is kept as a checkpoint.

    Examples
    --------
    >>> run = train("lansdell2020/digits", overrides=["training.epochs=1", "training.measure_every=0"], out="runs/one")
    >>> run.history.validation_accuracy.dims
    ('epoch',)
    """
    checked = load(model, overrides)
    if resume and out is None:
        raise ConfigError("resume: got no run folder, expected the one to continue in: --out FOLDER")
    default = files.default_folder(checked.probe_kind or checked.scheme_kind, seed)
    path = PATH("out", out if out is not None else default)
    if resume and (done := finished_run(path, checked, seed, lambda text: _note(progress, text))) is not None:
        _note(progress, f"{path} holds this run, finished before")
        Checkpoints(path / files.CHECKPOINTS, {}).clear()
        discard(path / SNAPSHOTS)
        return done
    task = checked.load_task(seed=seed)
    circuit = checked.build(task)
    # Weights before and after, increments, and the optimiser's memory.
    check_size(4 * np.dtype(checked.engine.dtype).itemsize * numbers_of(circuit), f"{checked.name}: the network")
    engine = make_engine(checked.engine, circuit, checked.training.optimiser)
    if not checked.probe_kind:
        refuse_large_batches(task, checked.training)
        refuse_other_trials(engine, task, checked.training)
    with taken(path, checked, seed, files_read(checked, task), resume=resume) as place:
        return _run(place, checked, engine, task, seed, progress, checkpoint_every)


def _run(
    place: ClaimedFolder, model: Model, engine: Engine, task: Task, seed: int, progress: RunWatcher | None, every: float
) -> Run:
    """Run in a claimed folder."""
    folder = place.folder
    log = Log(folder / files.LOG)
    job = _Job(model, engine, task, seed, log, progress)
    log.line(f"{model.name}, seed {seed}: {task}")
    if progress is not None:
        progress.begin(model, folder)
    checkpoints = Checkpoints(folder / files.CHECKPOINTS, {"config_hash": model.hash, "seed": seed}, every)
    signals: list[str] = []
    with terminable(signals.append):
        try:
            recorder = TrainingRecorder(folder, engine, task, model.training, seed) if model.training.record else None
            start = going_on(place, checkpoints, recorder, model, engine, seed, log, progress)
            if model.probe_kind:
                summary, history, state = _measure(job)
            else:
                summary, history, state = _learn(job, start, checkpoints, recorder)
            summary |= {"wall_s": round(checkpoints.elapsed, 3)}
            resumed = place.provenance.get("resumed")
            summary |= {"resumed": len(resumed)} if isinstance(resumed, list) else {}
            run = Run(folder, summary, history, state)
            write_task(folder, task)
            _finish(run, log, recorder)
        except BaseException as error:
            kept = kept_checkpoint(checkpoints)
            name = "interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__
            why = signals[0] if signals else str(error) or name
            with contextlib.suppress(DataError):
                log.line(f"stopped: {why}{kept}")
            if _refused(error, model, checkpoints):
                place.abandon()
            raise
    checkpoints.clear()
    discard(folder / SNAPSHOTS)
    return run


def _refused(error: BaseException, model: Model, checkpoints: Checkpoints) -> bool:
    """Whether a run failed before it produced anything worth keeping."""
    if not isinstance(error, Exception):
        return False
    # A probe has no checkpoints, but its log says where it failed.
    return not isinstance(error, NumericalError) if model.probe_kind else checkpoints.latest is None


def _finish(run: Run, log: Log, recorder: TrainingRecorder | None) -> None:
    """Write the results; the summary comes last and marks the folder as complete."""
    if run.state:
        write_file(run.folder / files.WEIGHTS, packed_arrays(run.state, WEIGHTS_FORMAT))
    files.write_dataset(run.folder / files.METRICS, run.history)
    if recorder is not None:
        recorder.finish()
    draw(run)
    shown = ("test_loss", "test_accuracy", "wall_s")
    log.line("; ".join(f"{name} {short(run.summary[name])}" for name in shown if name in run.summary))
    summary = files.json_bytes(run.summary)
    write_checksums(run.folder, summary)
    write_file(run.folder / files.SUMMARY, summary)


def _note(progress: RunWatcher | None, text: str) -> None:
    if progress is not None:
        progress.note(text)


@dataclass(frozen=True)
class _Job:
    """A training or a measurement, with the recipients of its progress."""

    model: Model
    engine: Engine
    task: Task
    seed: int
    log: Log
    progress: RunWatcher | None


def _learn(
    job: _Job, start: Progress | None, checkpoints: Checkpoints, recorder: TrainingRecorder | None
) -> tuple[dict[str, Any], xarray.Dataset, State]:
    model, progress = job.model, job.progress
    troubles, firing = Troubles(job.engine.circuit, model.training), dict[str, Activity]()
    for report in start.reports if start is not None else ():
        troubles.add(report)
        firing = {**report.activity}

    def warn(report: EpochReport) -> None:
        nonlocal firing
        firing = {**report.activity}
        for text in troubles.add(report):
            job.log.line(f"warning: {text}")
            if progress is not None:
                progress.note(f"warning: {text}")
            else:
                warnings.warn(text, NeurosimWarning, stacklevel=2)

    def keep(reached: Progress) -> None:
        # Recording comes first, so that it covers everything before the checkpoint.
        if recorder is not None:
            recorder(reached)
        checkpoints(reached)

    hooks = [job.log.epoch, warn] + ([progress.epoch] if progress is not None else [])
    on_step = progress.step if progress is not None else None
    told: dict[str, Any] = {"on_epoch": hooks, "on_step": on_step, "on_progress": keep}
    result = train_circuit(job.engine, job.task, model.training, seed=job.seed, start=start, **told)
    numbers = _summary(model, result) | learned(result.history, job.task.criterion)
    if firing:
        numbers["firing"] = {name: asdict(each) for name, each in firing.items()}
    if firing or troubles.texts:
        numbers["warnings"] = troubles.texts
    return _about(model, job.engine, job.seed) | numbers, result.history, result.state


def _measure(job: _Job) -> tuple[dict[str, Any], xarray.Dataset, State]:
    import xarray

    model, progress = job.model, job.progress
    on_step = progress.step if progress is not None else None
    probe = registry.load("probes", model.probe_kind)
    # Most probes need no network but the model's own.
    engines = {name: make_engine(m.engine, m.build(job.task)) for name, m in model.further.items()}
    asked = {"others": engines} if engines else {}
    findings = probe.measure(model.probe_config, job.engine, job.task, seed=job.seed, on_step=on_step, **asked)
    numbers = {str(name): float(value) for name, value in findings.numbers.items()}
    job.log.line(", ".join(f"{name} {short(value)}" for name, value in numbers.items()))
    curves = findings.curves if findings.curves is not None else xarray.Dataset()
    return _about(model, job.engine, job.seed) | {"probe_kind": model.probe_kind, "probe": numbers}, curves, {}


def _about(model: Model, engine: Engine, seed: int) -> dict[str, Any]:
    """Summary entries that training and probes share."""
    return {
        "model": model.name,
        "title": model.about.title,
        "task": model.task_kind,
        "scheme": model.scheme_kind,
        "local": engine.circuit.local,
        "phases": len(engine.circuit.phases),
        "global_scalar": engine.circuit.global_scalar,
        "engine": model.engine.kind,
        "level": model.engine.level,
        "seed": seed,
        "config_hash": model.hash,
    }


def _summary(model: Model, result: TrainingResult) -> dict[str, Any]:
    history = result.history
    layers = {}
    if "layer" in history.coords:
        # The last epoch is always evaluated.
        last = history.isel(epoch=-1)
        for layer in history.layer.values:
            numbers = last.sel(layer=layer)
            layers[str(layer)] = {str(n): float(numbers[n]) for n in history if "layer" in history[n].dims}
    speeds = history.samples_per_second.values
    # The first epoch includes compilation.
    speed = float(np.nanmedian(speeds[2:] if len(speeds) > 2 else speeds))
    right = result.test.accuracy
    return {
        "epochs": model.training.epochs,
        "test_loss": result.test.loss,
        **({} if np.isnan(right) else {"test_accuracy": right}),
        "layers": layers,
        "samples_per_second": speed,
    }
