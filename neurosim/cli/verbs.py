"""The command line: verbs, no logic. Everything heavy is imported by the verb that needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from neurosim import registry
from neurosim.cli.net import plainly
from neurosim.cli.printing import console_of, model_rows, print_table, show_run
from neurosim.errors import UnknownNameError
from neurosim.experiments.live import Live

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


def main() -> None:
    """Entry point of the command ``neurosim``."""
    # Brian2 imports all that plots only to hand it on to scripts, and does without where there is none.
    sys.modules["pylab"] = None  # pyright: ignore[reportArgumentType]
    app()


@app.command()
@plainly
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

    console = console_of()
    # Checked before JAX is imported, so that a slip is reported at once.
    checked = load(model, overrides or [], variant or [])
    from neurosim.experiments.run import train

    with Live(console) as live:
        found = train(checked, seed=seed, out=out, progress=live, resume=resume, checkpoint_every=checkpoint_every)
    show_run(console, found)


@app.command()
@plainly
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
@plainly
def reproduce(
    name: Annotated[str, typer.Argument(help="A folder of models, such as lansdell2020, or one model in it.")],
    *,
    slow: Annotated[bool, typer.Option("--slow", help="Run the rows that take long, too.")] = False,
    out: Annotated[Path | None, typer.Option(help="For the runs; finished ones in it are reused.")] = None,
) -> None:
    """Run models and hold them against their expected.toml; exit code 1 if a row that was run is not met."""
    from neurosim.experiments.reproduce import COLUMNS, tally
    from neurosim.experiments.reproduce import reproduce as judge_all

    console = console_of()
    with Live(console) as live:
        verdicts = judge_all(name, slow=slow, out=out, progress=live, say=live.say)
    print_table(console, COLUMNS, [verdict.cells for verdict in verdicts])
    console.print(tally(verdicts))
    if any(verdict.failed for verdict in verdicts):
        raise typer.Exit(1)


@app.command()
@plainly
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

    console = console_of()
    with Live(console) as live:
        found = compare_all(
            models, seeds=seeds, reach=reach, overrides=changes or [], out=out, progress=live, say=live.say
        )
    print_table(console, found.columns, found.rows)
    for note in found.notes:
        console.print(note)
    console.print(f"written to {found.folder}", soft_wrap=True)
    if not all(entry.runs for entry in found.entries):
        raise typer.Exit(1)


@app.command()
@plainly
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

    console = console_of()
    # Checked before JAX is imported, so that a slip is reported at once.
    with SweepLive(console) as live:
        plan = read_plan(file, on_check=live.checking)
        from neurosim.experiments.sweeps.driver import carry_out
        from neurosim.experiments.sweeps.table import COLUMNS, cells, failures

        outcome = carry_out(plan, scheduler=scheduler, workers=workers, out=out, progress=live)
    print_table(console, COLUMNS, cells(outcome))
    for line in failures(outcome):
        console.print(line, soft_wrap=True)
    console.print(f"written to {outcome.folder}", soft_wrap=True)
    if outcome.failed:
        raise typer.Exit(1)


@app.command("list")
@plainly
def list_(
    kind: Annotated[str | None, typer.Argument(help="One kind only, such as schemes.")] = None,
) -> None:
    """List what there is: models with their variants, schemes, rules, neurons, readouts, tasks, metrics, probes."""
    kinds = ("models", *registry.kinds)
    if kind is not None and kind not in kinds:
        raise UnknownNameError(f"unknown kind '{kind}': there are {', '.join(kinds)}")
    console = console_of()
    for each in kinds if kind is None else (kind,):
        table = Table("name", "description", title=each, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for name in registry.models() if each == "models" else registry.names(each):
            for row in model_rows(name) if each == "models" else [(name, registry.describe(each, name))]:
                table.add_row(*row)
        console.print(table)
        if kind is None:
            console.print()


@app.command()
@plainly
def plot(folder: Annotated[Path, typer.Argument(help="A run folder, or a recording's Zarr store.")]) -> None:
    """Draw the standard figures of a run, or of a recording."""
    from neurosim.experiments.drawing import draw_all

    for path in draw_all(folder):
        typer.echo(str(path))


@app.command()
@plainly
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
