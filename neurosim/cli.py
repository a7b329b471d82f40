"""The command line: verbs, no logic. Everything heavy is imported by the verb that needs it."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from neurosim import registry
from neurosim.errors import NeurosimError, UnknownNameError

if TYPE_CHECKING:
    from neurosim.experiments.model_file import Model
    from neurosim.experiments.run import Run
    from neurosim.training.history import EpochReport

app = typer.Typer(
    name="neurosim",
    help="A laboratory for credit assignment: networks of rate and spiking neurons whose feedback learns.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ModelName = Annotated[str, typer.Argument(help="A TOML file or a shipped name, such as lansdell2020/digits.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings to change: training.epochs=5")
]


def main() -> None:
    """Entry point of the command ``neurosim``."""
    app()


def _plainly(verb: Callable[..., None]) -> Callable[..., None]:
    """What neurosim refuses is a message on stderr and exit code 2, never a traceback."""

    @functools.wraps(verb)
    def wrapped(*args: Any, **settings: Any) -> None:
        try:
            verb(*args, **settings)
        except NeurosimError as error:
            typer.echo(f"neurosim: {error}", err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            typer.echo("neurosim: interrupted", err=True)
            raise typer.Exit(130) from None

    return wrapped


@app.command()
@_plainly
def run(
    model: ModelName,
    overrides: Overrides = None,
    *,
    seed: Annotated[int, typer.Option(help="Of initial weights, data order and noise.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The run folder; by default runs/<scheme>-<time>-seed<N>.")] = None,
) -> None:
    """Train a model, show how it learns, and write a run folder."""
    from neurosim.experiments.model_file import load

    console = _console()
    # Checked before JAX is imported, so that a slip is reported at once.
    checked = load(model, overrides or [])
    from neurosim.experiments.run import train

    with _Live(console) as live:
        found = train(checked, seed=seed, out=out, progress=live)
    _show(console, found)


@app.command()
@_plainly
def check(model: ModelName, overrides: Overrides = None) -> None:
    """Check a model and print it: all settings, and the circuit with its equations."""
    from neurosim.experiments.model_file import load

    checked = load(model, overrides or [])
    circuit = checked.circuit
    typer.echo(str(checked))
    typer.echo(str(circuit))


@app.command("list")
@_plainly
def list_(
    kind: Annotated[str | None, typer.Argument(help="One kind only, such as schemes.")] = None,
) -> None:
    """List what there is: models, schemes, rules, neurons, readouts, tasks, metrics."""
    kinds = ("models", *registry.kinds)
    if kind is not None and kind not in kinds:
        raise UnknownNameError(f"unknown kind '{kind}': there are {', '.join(kinds)}")
    console = _console()
    for each in kinds if kind is None else (kind,):
        table = Table("name", "description", title=each, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for name in registry.models() if each == "models" else registry.names(each):
            table.add_row(name, _model_title(name) if each == "models" else registry.describe(each, name))
        console.print(table)
        if kind is None:
            console.print()


@app.command()
@_plainly
def plot(folder: Annotated[Path, typer.Argument(help="A run folder.")]) -> None:
    """Draw the figures of a run again."""
    from neurosim.experiments.run import draw, open_run

    for path in draw(open_run(folder)):
        typer.echo(str(path))


def _console() -> Console:
    return Console(markup=False, highlight=False, emoji=False)


def _model_title(name: str) -> str:
    import tomllib

    with registry.model_path(name).open("rb") as stream:
        return str(tomllib.load(stream).get("model", {}).get("title", ""))


def _show(console: Console, run: Run) -> None:
    """The table at the end of a run."""
    columns = {"signal": "signal_angle_deg", "update": "update_angle_deg", "weights": "weight_angle_deg"}
    table = Table("layer", title="angle to the true gradient, degrees", title_justify="left")
    for name in columns:
        table.add_column(name, justify="right")
    for layer, numbers in run.summary["layers"].items():
        values = (numbers.get(key, float("nan")) for key in columns.values())
        table.add_row(layer, *(f"{value:.1f}" if value == value else "-" for value in values))
    console.print()
    if run.summary["layers"]:
        console.print(table)
    accuracy = run.summary.get("test_accuracy")
    right = f"test accuracy {accuracy:.2f} %, " if accuracy is not None else ""
    console.print(
        f"{right}test loss {run.summary['test_loss']:.4g}, {run.summary['wall_s']:.1f} s, "
        f"{run.summary['samples_per_second']:.0f} presentations/s"
    )
    console.print(f"written to {run.folder}", soft_wrap=True)


class _Live:
    """A progress bar on a terminal, a line per epoch elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console, self.bar, self.task = console, None, None
        self.last, self.done, self.epochs = 0.0, 0, 1

    def __enter__(self) -> _Live:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def begin(self, model: Model, folder: Path) -> None:
        """See `neurosim.experiments.run.Watcher`."""
        title = f"{model.name}: {model.scheme_kind} on {model.task_kind}, {model.engine.level} level"
        self.console.print(title)
        self.epochs = model.training.epochs
        if not self.console.is_terminal:
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"), BarColumn(bar_width=20))
        columns += (TextColumn("{task.fields[numbers]}"), TimeRemainingColumn())
        self.bar = Progress(*columns, console=self.console)
        self.task = self.bar.add_task("", total=self.epochs, epoch=0, epochs=self.epochs, numbers="compiling")
        self.bar.start()

    def step(self, done: int, total: int) -> None:
        """See `neurosim.experiments.run.Watcher`."""
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=self.done + done / total)

    def epoch(self, report: EpochReport) -> None:
        """See `neurosim.experiments.run.Watcher`."""
        self.done = report.epoch
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=report.epoch, epoch=report.epoch, numbers=_numbers(report))
            return
        # A log file wants to be read: at most a line a second, and the first and the last one.
        now = time.monotonic()
        if report.epoch in (0, report.epochs) or now - self.last > 1:
            self.last = now
            print(f"epoch {report.epoch}/{report.epochs}  {_numbers(report)}", file=sys.stdout, flush=True)


def _numbers(report: EpochReport) -> str:
    parts = []
    if report.train_loss == report.train_loss:
        parts.append(f"loss {report.train_loss:.3f}")
    if report.validation_accuracy == report.validation_accuracy:
        parts.append(f"accuracy {report.validation_accuracy:.1f} %")
    elif report.validation_loss == report.validation_loss:
        parts.append(f"validation loss {report.validation_loss:.3f}")
    angles = [
        f"{value:.0f}°"
        for numbers in report.layers.values()
        if (value := numbers.get("signal_angle_deg", float("nan"))) == value
    ]
    return "  ".join([*parts, *(["angle " + " ".join(angles)] if angles else [])])
