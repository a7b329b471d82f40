"""The command line: verbs, no logic. Everything heavy is imported by the verb that needs it."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from neurosim import registry
from neurosim.errors import NeurosimError, UnknownNameError
from neurosim.experiments.live import Live

if TYPE_CHECKING:
    from neurosim.experiments.model_file import Model
    from neurosim.experiments.run import Run

app = typer.Typer(
    name="neurosim",
    help="A laboratory for credit assignment: networks of rate and spiking neurons whose feedback learns.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ModelName = Annotated[str, typer.Argument(help="A TOML file or a shipped name, such as lansdell2020/digits.")]
Variants = Annotated[
    list[str] | None,
    typer.Option("--variant", metavar="NAME", help="A variant of the model; again for more. Also: MODEL+NAME."),
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings to change: training.epochs=5")
]
# Columns of text where there is no terminal.
_WIDE = 200


def main() -> None:
    """Entry point of the command ``neurosim``."""
    # Brian2 imports all that plots only to hand it on to scripts, and does without where there is none.
    sys.modules["pylab"] = None  # pyright: ignore[reportArgumentType]
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
    variant: Variants = None,
    seed: Annotated[int, typer.Option(help="Of initial weights, data order and noise.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The run folder; by default runs/<scheme>-<time>-seed<N>.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, if it was begun.")] = False,
    checkpoint_every: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Between two checkpoints; 0 for as often as can be.")
    ] = 60,
) -> None:
    """Train a model, or let it measure, show how that goes on, and write a run folder."""
    from neurosim.experiments.model_file import load

    console = _console()
    # Checked before JAX is imported, so that a slip is reported at once.
    checked = load(model, overrides or [], variant or [])
    from neurosim.experiments.run import train

    with Live(console) as live:
        found = train(checked, seed=seed, out=out, progress=live, resume=resume, checkpoint_every=checkpoint_every)
    _show(console, found, checked, model)


@app.command()
@_plainly
def check(model: ModelName, overrides: Overrides = None, *, variant: Variants = None) -> None:
    """Check a model and its variants, and print it: all settings, and the circuit with its equations."""
    from neurosim.experiments.model_file import load, load_variants

    checked = load(model, overrides or [], variant or [])
    load_variants(model)
    circuit = checked.circuit
    typer.echo(str(checked))
    if checked.variants:
        typer.echo("".join(f"# variant {name}: {title}\n" for name, title in checked.variants.items()))
    typer.echo(str(circuit))


@app.command()
@_plainly
def reproduce(
    name: Annotated[str, typer.Argument(help="A folder of models, such as lansdell2020, or one model in it.")],
    *,
    slow: Annotated[bool, typer.Option("--slow", help="Run the rows that take long, too.")] = False,
    out: Annotated[Path | None, typer.Option(help="For the runs; finished ones in it are reused.")] = None,
) -> None:
    """Run models and hold them against their expected.toml; exit code 1 if a row that was run is not met."""
    from neurosim.experiments.reproduce import COLUMNS, tally
    from neurosim.experiments.reproduce import reproduce as judge_all

    console = _console()
    with Live(console) as live:
        verdicts = judge_all(name, slow=slow, out=out, progress=live, say=live.say)
    _table(console, COLUMNS, [verdict.cells for verdict in verdicts])
    console.print(tally(verdicts))
    if any(verdict.failed for verdict in verdicts):
        raise typer.Exit(1)


@app.command()
@_plainly
def compare(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Names or files, with variants: MODEL+NAME.")],
    *,
    seeds: Annotated[int, typer.Option(help="How many seeds, from 0 on.")] = 3,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting to change in all; again for more.")
    ] = None,
    reach: Annotated[float, typer.Option(help="Count presentations to this validation accuracy in percent.")] = 90,
    out: Annotated[Path | None, typer.Option(help="For runs and table; finished runs in it are reused.")] = None,
) -> None:
    """Train several models with several seeds: one table and one figure."""
    from neurosim.experiments.compare import compare as compare_all

    console = _console()
    with Live(console) as live:
        found = compare_all(
            models, seeds=seeds, reach=reach, overrides=changes or [], out=out, progress=live, say=live.say
        )
    _table(console, found.columns, found.rows)
    for note in found.notes:
        console.print(note)
    console.print(f"written to {found.folder}", soft_wrap=True)
    if not all(entry.runs for entry in found.entries):
        raise typer.Exit(1)


@app.command()
@_plainly
def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP.toml", help="What to vary, and how.")],
    *,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Of a Dask scheduler; by default processes of this machine."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes; by default one for each core.")] = None,
    out: Annotated[Path | None, typer.Option(help="For runs and results; finished runs in it are reused.")] = None,
) -> None:
    """Run many configurations of a model: one table and one figure; exit code 1 if a run failed."""
    from neurosim.experiments.sweeps.live import SweepLive
    from neurosim.experiments.sweeps.plan import read_plan

    console = _console()
    # Checked before JAX is imported, so that a slip is reported at once.
    with SweepLive(console) as live:
        plan = read_plan(file, on_check=live.checking)
        from neurosim.experiments.sweeps.driver import carry_out
        from neurosim.experiments.sweeps.table import cells, columns, failures

        outcome = carry_out(plan, scheduler=scheduler, workers=workers, out=out, progress=live)
    _table(console, columns(outcome), cells(outcome))
    for line in failures(outcome):
        console.print(line, soft_wrap=True)
    console.print(f"written to {outcome.folder}", soft_wrap=True)
    if outcome.failed:
        raise typer.Exit(1)


@app.command("list")
@_plainly
def list_(
    kind: Annotated[str | None, typer.Argument(help="One kind only, such as schemes.")] = None,
) -> None:
    """List what there is: models with their variants, schemes, rules, neurons, readouts, tasks, metrics, probes."""
    kinds = ("models", *registry.kinds)
    if kind is not None and kind not in kinds:
        raise UnknownNameError(f"unknown kind '{kind}': there are {', '.join(kinds)}")
    console = _console()
    for each in kinds if kind is None else (kind,):
        table = Table("name", "description", title=each, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for name in registry.models() if each == "models" else registry.names(each):
            for row in _model_rows(name) if each == "models" else [(name, registry.describe(each, name))]:
                table.add_row(*row)
        console.print(table)
        if kind is None:
            console.print()


@app.command()
@_plainly
def plot(folder: Annotated[Path, typer.Argument(help="A run folder, or a recording's Zarr store.")]) -> None:
    """Draw the standard figures of a run, or of a recording."""
    from neurosim.experiments.drawing import draw_all

    for path in draw_all(folder, lambda text: typer.echo(text, err=True)):
        typer.echo(str(path))


@app.command()
@_plainly
def predict(
    folder: Annotated[Path, typer.Argument(help="A run folder.")],
    file: Annotated[Path, typer.Argument(help="New rows, with the columns of the run's own table.")],
    *,
    out: Annotated[
        Path | None, typer.Option(help="A CSV file for the predictions; by default they are printed.")
    ] = None,
) -> None:
    """Apply a trained network to new rows, scaled as the run scaled its own."""
    from neurosim.experiments.prediction import predictions_of

    text = predictions_of(folder, file, out)
    typer.echo(text, nl=False)


@app.command()
@_plainly
def export(
    folder: Annotated[Path, typer.Argument(help="A run folder, or a recording's Zarr store.")],
    *,
    to: Annotated[str, typer.Option("--to", help="nwb, neo or csv; npz for a run's weights.")],
    out: Annotated[Path | None, typer.Option(help="The file, or for csv the folder; by default beside it.")] = None,
) -> None:
    """Write recordings, measurements or weights for other tools."""
    from neurosim.experiments.export import export as write

    for path in write(folder, to, out):  # type: ignore[arg-type]
        typer.echo(str(path))


def _console() -> Console:
    # A file or a pipe has no width, and a table that is cut to that of a small terminal loses the names of models.
    free = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(markup=False, highlight=False, emoji=False, width=_WIDE if free else None)


def _model_rows(name: str) -> list[tuple[str, str]]:
    """A shipped model and its variants, each with its title."""
    from neurosim.experiments.sections import read_sections
    from neurosim.experiments.variants import variants_of

    sections = read_sections(name)[1]
    titles = variants_of(sections).items()
    return [(name, str(sections.get("model", {}).get("title", ""))), *((f"  +{each}", title) for each, title in titles)]


def _table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    # Cells that wrap want lines between them.
    table = Table(*columns, show_lines=any(len(" ".join(row)) > console.width - 10 for row in rows))
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _show(console: Console, run: Run, model: Model, source: str) -> None:
    """What a run found, at its end."""
    console.print()
    if "probe" in run.summary:
        from neurosim.experiments.probe_report import COLUMNS, description_of, lines_of

        console.print(description_of(model), soft_wrap=True)
        _table(console, COLUMNS, [line.cells for line in lines_of(run.summary["probe"], model, source)])
        console.print(f"written to {run.folder}", soft_wrap=True)
        return
    columns = {"signal": "signal_angle_deg", "update": "update_angle_deg", "weights": "weight_angle_deg"}
    table = Table("layer", title="angle to the true gradient, degrees", title_justify="left")
    for name in columns:
        table.add_column(name, justify="right")
    for layer, numbers in run.summary["layers"].items():
        values = (numbers.get(key, float("nan")) for key in columns.values())
        table.add_row(layer, *(f"{value:.1f}" if value == value else "-" for value in values))
    if run.summary["layers"]:
        console.print(table)
    accuracy = run.summary.get("test_accuracy")
    right = f"test accuracy {accuracy:.2f} %, " if accuracy is not None else ""
    console.print(
        f"{right}test loss {run.summary['test_loss']:.4g}, {run.summary['wall_s']:.1f} s, "
        f"{run.summary['samples_per_second']:.0f} presentations/s"
    )
    console.print(f"written to {run.folder}", soft_wrap=True)
