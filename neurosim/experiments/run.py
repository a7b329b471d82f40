"""One model with one seed: trained, or measured by its probe, and written into a run folder."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from neurosim import registry
from neurosim.engines.state import State
from neurosim.errors import DataError, NeurosimError
from neurosim.experiments import folder as files
from neurosim.experiments.engine import make_engine
from neurosim.experiments.model_file import Model, load
from neurosim.plots.figures import save_probe_figures, save_run_figures
from neurosim.tasks._task import Task
from neurosim.training.history import EpochReport
from neurosim.training.loop import TrainingResult
from neurosim.training.loop import train as train_circuit

if TYPE_CHECKING:
    import xarray

_ANGLES = ("signal_angle_deg", "update_angle_deg", "weight_angle_deg")


class Watcher(Protocol):
    """Somebody who is told how a run goes on. A probe has no epochs, only steps."""

    def begin(self, model: Model, folder: Path) -> None:
        """The model is built and the folder is made."""

    def step(self, done: int, total: int) -> None:
        """So many steps of the epoch are done."""

    def epoch(self, report: EpochReport) -> None:
        """An epoch is over, or (number 0) learning is about to begin."""


@dataclass(frozen=True)
class Run:
    """What one model with one seed gave.

    Attributes
    ----------
    folder
        Where it is written.
    summary
        The numbers of ``summary.json``.
    history
        Dims ``epoch`` and ``layer``; of a probe, its curves.
    state
        Final weights and parameters; empty after a probe.
    """

    folder: Path
    summary: Mapping[str, Any]
    history: xarray.Dataset
    state: State

    def __str__(self) -> str:
        shown = ("model", "scheme", "task", "seed", "epochs", "test_accuracy", "test_loss", "wall_s")
        lines = [f"{name:<14} {_short(self.summary[name])}" for name in shown if name in self.summary]
        lines += [
            f"{layer:<14} "
            + ", ".join(f"{name.removesuffix('_deg')} {value:.1f} deg" for name, value in _known(numbers))
            for layer, numbers in self.summary.get("layers", {}).items()
        ]
        lines += [f"{name:<14} {_short(value)}" for name, value in self.summary.get("probe", {}).items()]
        return "\n".join([f"run in {self.folder}", *(f"  {line}" for line in lines)])

    def _repr_html_(self) -> str:
        import html

        return f"<pre>{html.escape(str(self))}</pre>"


def train(
    model: str | Path | Mapping[str, Any] | Model,
    *,
    seed: int = 0,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    progress: Watcher | None = None,
) -> Run:
    """Train a model, or let its probe measure, and write the run folder.

    Parameters
    ----------
    model
        A shipped name, the path of a TOML file, sections as a mapping, or a loaded model.
    seed
        Of initial weights, data order and noise.
    out
        The run folder, which must not exist or be empty; by default ``runs/<scheme or probe>-<time>-seed<N>``.
    overrides
        ``section.key=value`` each.
    progress
        Told about every epoch.

    Returns
    -------
    Run
        Also in the folder: ``config.toml``, ``provenance.json`` and ``log.txt`` from the start, then
        ``weights.safetensors``, ``metrics.zarr``, ``figures/`` and, last, ``summary.json``. A probe leaves no
        weights, and ``metrics.zarr`` holds its curves.

    Raises
    ------
    ConfigError, UnknownNameError, DataError
        A model that does not fit, missing data, or a folder that is in use.
    NumericalError
        If learning diverges.
    """
    import tomli_w

    checked = load(model, overrides)
    began = time.perf_counter()
    task = checked.load_task(seed=seed)
    engine = make_engine(checked.engine, checked.build(task), checked.training.optimiser)
    folder = files.new_folder(
        Path(out) if out is not None else files.default_folder(checked.probe_kind or checked.scheme_kind, seed)
    )
    files.write_file(folder / files.CONFIG, tomli_w.dumps(checked.resolve()))
    files.write_json(folder / files.PROVENANCE, files.provenance(seed, checked.hash))
    log = _Log(folder / files.LOG)
    log.line(f"{checked.name}, seed {seed}: {task}")
    if progress is not None:
        progress.begin(checked, folder)
    work = _measure if checked.probe_kind else _learn
    try:
        summary, history, state = work(checked, engine, task, seed, log, progress)
    except (NeurosimError, KeyboardInterrupt) as error:
        log.line(f"stopped: {str(error) or 'interrupted'}")
        raise
    summary |= {"wall_s": round(time.perf_counter() - began, 3)}
    if state:
        files.write_file(folder / files.WEIGHTS, _packed(state))
    files.write_dataset(folder / files.METRICS, history)
    found = Run(folder, summary, history, state)
    draw(found)
    shown = ("test_loss", "test_accuracy", "wall_s")
    log.line("; ".join(f"{name} {_short(summary[name])}" for name in shown if name in summary))
    # Last, so that a folder with a summary is complete.
    files.write_json(folder / files.SUMMARY, summary)
    return found


def _learn(
    model: Model, engine: Any, task: Task, seed: int, log: _Log, progress: Watcher | None
) -> tuple[dict[str, Any], xarray.Dataset, State]:
    hooks = [log.epoch] + ([progress.epoch] if progress is not None else [])
    on_step = progress.step if progress is not None else None
    result = train_circuit(engine, task, model.training, seed=seed, on_epoch=hooks, on_step=on_step)
    return _about(model, engine, seed) | _summary(model, result), result.history, result.state


def _measure(
    model: Model, engine: Any, task: Task, seed: int, log: _Log, progress: Watcher | None
) -> tuple[dict[str, Any], xarray.Dataset, State]:
    import xarray

    on_step = progress.step if progress is not None else None
    probe = registry.load("probes", model.probe_kind)
    # Most probes measure the model's own network and ask for no other.
    engines = {name: make_engine(m.engine, m.build(task)) for name, m in model.further.items()}
    asked = {"others": engines} if engines else {}
    findings = probe.measure(model.probe_config, engine, task, seed=seed, on_step=on_step, **asked)
    numbers = {str(name): float(value) for name, value in findings.numbers.items()}
    log.line(", ".join(f"{name} {_short(value)}" for name, value in numbers.items()))
    curves = findings.curves if findings.curves is not None else xarray.Dataset()
    return _about(model, engine, seed) | {"probe_kind": model.probe_kind, "probe": numbers}, curves, {}


def open_run(folder: str | Path) -> Run:
    """Read a finished run back.

    Raises
    ------
    DataError
        The folder holds no finished run, or a file in it is damaged.
    """
    import xarray
    from safetensors.numpy import load_file

    path = Path(folder)
    if not (path / files.SUMMARY).is_file():
        raise DataError(f"{path}: no finished run here, {files.SUMMARY} is missing")
    try:
        summary = json.loads((path / files.SUMMARY).read_text())
        history = xarray.open_zarr(path / files.METRICS).load()
        state = {} if "probe" in summary else load_file(path / files.WEIGHTS)
    except Exception as error:  # whatever these readers make of a damaged file
        raise DataError(f"{path}: a file of this run is missing or damaged ({error})") from error
    return Run(path, summary, history, state)


def draw(run: Run) -> list[Path]:
    """Draw the figures of a run; the files."""
    title = str(run.summary.get("title") or run.summary.get("model", ""))
    save = save_probe_figures if "probe" in run.summary else save_run_figures
    with files.writing(run.folder / files.FIGURES):
        return save(run.history, run.folder / files.FIGURES, title=title)


def _about(model: Model, engine: Any, seed: int) -> dict[str, Any]:
    """What both kinds of run say of themselves."""
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
        # The last epoch is always measured.
        last = history.isel(epoch=-1)
        for layer in history.layer.values:
            numbers = last.sel(layer=layer)
            layers[str(layer)] = {str(n): float(numbers[n]) for n in history if "layer" in history[n].dims}
    speeds = history.samples_per_second.values
    # The first epoch compiles.
    speed = float(np.nanmedian(speeds[2:] if len(speeds) > 2 else speeds))
    right = result.test.accuracy
    return {
        "epochs": model.training.epochs,
        "test_loss": result.test.loss,
        **({} if np.isnan(right) else {"test_accuracy": right}),
        "layers": layers,
        "samples_per_second": speed,
    }


def _packed(state: State) -> bytes:
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in state.items()}
    return save(arrays, metadata={"format": "neurosim state 1"})


def _known(numbers: Mapping[str, float | None]) -> list[tuple[str, float]]:
    """The three angles, those that exist."""
    found = ((name, numbers.get(name)) for name in _ANGLES)
    return [(name, value) for name, value in found if value is not None and value == value]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


class _Log:
    """Lines appended to a file as they come."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def line(self, text: str) -> None:
        with files.writing(self.path), self.path.open("a") as stream:
            stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")

    def epoch(self, report: EpochReport) -> None:
        self.line(report_line(report))


def report_line(report: EpochReport) -> str:
    """An epoch in one line of text."""
    parts = [f"epoch {report.epoch}/{report.epochs}"]
    numbers = {
        "loss": report.train_loss,
        "validation loss": report.validation_loss,
        "validation accuracy %": report.validation_accuracy,
    }
    parts += [f"{name} {value:.4g}" for name, value in numbers.items() if value == value]
    angles = {layer: found.get("signal_angle_deg", np.nan) for layer, found in report.layers.items()}
    parts += [f"{layer} {angle:.1f} deg" for layer, angle in angles.items() if angle == angle]
    return ", ".join(parts)
