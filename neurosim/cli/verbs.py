"""Verbs of the command line, without logic. Each imports what it needs when it runs, so that help is fast.

(Over 300 lines: one function for each verb, most of it the help of its options.)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli import listing
from neurosim.cli.net import no_complaint_at_the_end, plainly
from neurosim.cli.options import (
    AsJson,
    Command,
    Folder,
    Group,
    Kind,
    ModelName,
    ModelNames,
    Overrides,
    Quiet,
    Seed,
    Variants,
    Version,
)
from neurosim.cli.printing import console_of, name_table, print_table, say, say_json, show_run
from neurosim.cli.simulating import check_circuit, simulate
from neurosim.runs.live import Live

app = typer.Typer(
    name="neurosim",
    cls=Group,
    help="A laboratory for credit assignment: networks of rate and spiking neurons whose feedback learns.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Entry point of the command ``neurosim``."""
    # Brian2 imports pylab only to re-export it, and does without where it is missing.
    sys.modules["pylab"] = None  # pyright: ignore[reportArgumentType]
    try:
        app()
    finally:
        no_complaint_at_the_end()


@app.callback()
def _neurosim(version: Version = False) -> None:
    pass


@app.command(cls=Command)
@plainly(keeps=True)
def run(
    model: ModelName,
    overrides: Overrides = None,
    *,
    variant: Variants = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The run folder; by default runs/<scheme>-<time>-seed<N>.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out, if there is one.")] = False,
    checkpoint_every: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Time between checkpoints; 0 for as often as possible.")
    ] = 60,
    quiet: Quiet = False,
) -> None:
    """Train a model, or run its probe, show progress, and write a run folder."""
    from neurosim.model_files.model_file import load, settled
    from neurosim.runs.beforehand import before_run

    console = console_of(quiet=quiet)
    # Checked before Brian2 and JAX are imported, so that a typing error is reported at once.
    before_run(settled(model, overrides or [], variant or []), out, resume=resume)
    checked = load(model, overrides or [], variant or [])
    from neurosim.runs.run import train

    with Live(console) as live:
        finished = train(checked, seed=seed, out=out, progress=live, resume=resume, checkpoint_every=checkpoint_every)
    show_run(console, finished, checked, model)


app.command(cls=Command)(simulate)


@app.command(cls=Command)
@plainly
def check(
    model: ModelName,
    overrides: Overrides = None,
    *,
    variant: Variants = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Check a model or a circuit and its variants; print all settings and the circuit with its equations."""
    from neurosim.model_files.circuits.circuit_file import holds_circuit

    if holds_circuit(model):
        check_circuit(model, overrides or [], variant or [], as_json=as_json, quiet=quiet)
        return
    from neurosim.model_files.model_file import load, load_variants, settled
    from neurosim.runs.beforehand import look_at_data

    look_at_data(settled(model, overrides or [], variant or []))
    checked = load(model, overrides or [], variant or [])
    load_variants(model)
    circuit = checked.circuit
    if quiet:
        return
    if as_json:
        say_json(listing.described(checked))
        return
    say(str(checked))
    if checked.variants:
        say("".join(f"# variant {name}: {title}\n" for name, title in checked.variants.items()))
    say(str(circuit))


@app.command(cls=Command)
@plainly
def reproduce(
    name: Folder,
    *,
    slow: Annotated[bool, typer.Option("--slow", help="Also run the rows that take long.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder for the runs; finished ones in it are reused.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Run models and compare the results with their expected.toml; exit code 1 if a value is missed."""
    from neurosim.studies.expected import expected_beside

    # Checked before JAX is imported, so that a typing error is reported at once.
    expected_beside(name)
    from neurosim.studies.reproduce import COLUMNS, tally
    from neurosim.studies.reproduce import reproduce as judge_all

    console = console_of(quiet=quiet)
    with Live(console) as live:
        verdicts = judge_all(name, slow=slow, out=out, progress=live, say=live.say)
    print_table(console, COLUMNS, [verdict.cells for verdict in verdicts])
    console.print(tally(verdicts))
    if any(verdict.failed for verdict in verdicts):
        raise typer.Exit(1)


@app.command(cls=Command)
@plainly(keeps=True)
def compare(
    models: ModelNames,
    *,
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="Number of seeds, counted from 0.")] = 3,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting to change in all models (repeatable)."),
    ] = None,
    resample: Annotated[
        bool, typer.Option("--resample", help="Split the data anew for each seed, in the same way for all models.")
    ] = False,
    reference: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="The model that the others are compared with; by default the first."),
    ] = None,
    reach: Annotated[
        float,
        typer.Option(min=0, max=100, metavar="PERCENT", help="Count presentations up to this validation accuracy."),
    ] = 90,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder for runs and table; finished runs in it are reused.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train several models with several seeds, tuned if they say so; write tables, paired differences and a figure."""
    from neurosim.model_files.model_file import settled
    from neurosim.runs.beforehand import before_many
    from neurosim.studies.comparable import comparable

    console = console_of(quiet=quiet or as_json)
    # Checked before JAX is imported, so that a typing error is reported at once.
    checked = [settled(model, changes or []) for model in models]
    before_many(checked, out)
    comparable(models, checked, resample=resample, reference=reference)
    from neurosim.studies.compare import compare as compare_all

    asked = {"seeds": seeds, "resample": resample, "reference": reference, "reach": reach, "overrides": changes or []}
    with Live(console) as live:
        compared = compare_all(models, **asked, out=out, progress=live, say=live.say)
    if as_json:
        say_json(compared.for_json)
    print_table(console, compared.columns, compared.rows)
    if compared.difference_rows:
        print_table(console, compared.difference_columns, compared.difference_rows)
    for note in compared.notes:
        console.print(note)
    console.print(f"written to {compared.folder}", soft_wrap=True)
    if not all(entry.runs for entry in compared.entries):
        raise typer.Exit(1)


@app.command(cls=Command)
@plainly(keeps=True)
def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP.toml", help="The sweep: keys to vary, and their values.")],
    *,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Address of a Dask scheduler; by default local processes."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Number of processes; by default one per core.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder for runs and results; finished runs in it are reused.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Run many configurations of a model; write one table and one figure. Exit code 1 if a run failed."""
    from neurosim.runs.beforehand import before_many
    from neurosim.studies.sweeps.live import SweepLive
    from neurosim.studies.sweeps.plan import read_plan

    console = console_of(quiet=quiet)
    # Checked before JAX is imported, so that a typing error is reported at once.
    before_many((), out)
    with SweepLive(console) as live:
        plan = read_plan(file, on_check=live.checking)
        from neurosim.studies.sweeps.driver import carry_out
        from neurosim.studies.sweeps.table import cells, columns, failures

        outcome = carry_out(plan, scheduler=scheduler, workers=workers, out=out, progress=live)
    print_table(console, columns(outcome), cells(outcome))
    for line in failures(outcome):
        console.print(line, soft_wrap=True)
    console.print(f"written to {outcome.folder}", soft_wrap=True)
    if outcome.failed:
        raise typer.Exit(1)


@app.command("list", cls=Command)
@plainly
def list_(kind: Kind = None, *, as_json: AsJson = False) -> None:
    """List what is available: models, circuits, and variants such as neurons, rules, schemes, networks, engines."""
    asked = listing.chosen(kind)
    if as_json:
        say_json({each: listing.entries(each) for each in asked})
        return
    console = console_of()
    for each in asked:
        console.print(name_table(each, listing.rows(each)))
        if kind is None:
            console.print()


@app.command(cls=Command)
@plainly
def plot(folder: Annotated[Path, typer.Argument(help="A run folder, or a recording's Zarr store.")]) -> None:
    """Draw the standard figures of a run, or of a recording."""
    from neurosim.runs.beforehand import before_reading

    before_reading(folder, recordings=True)
    from neurosim.runs.drawing import draw_all

    for path in draw_all(folder, lambda text: typer.echo(text, err=True)):
        say(str(path))


@app.command(cls=Command)
@plainly
def predict(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A run folder.")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A table of new rows, with the same columns as the run's.")
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A CSV file for the predictions; by default they are printed.")
    ] = None,
) -> None:
    """Predict new rows with a trained network, scaled like the training data."""
    from neurosim.runs.beforehand import before_predicting

    before_predicting(folder, file, out)
    from neurosim.runs.prediction_table import predictions_of

    say(predictions_of(folder, file, out), end="")


@app.command(cls=Command)
@plainly
def export(
    folder: Annotated[Path, typer.Argument(help="A run folder, or a recording's Zarr store.")],
    *,
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="nwb, neo or csv; npz for the weights of a run.")],
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Output file, or folder for csv; by default beside the source.")
    ] = None,
) -> None:
    """Export recordings, measurements or weights to other tools."""
    from neurosim.runs.export import export as write

    for path in write(folder, to, out):  # type: ignore[arg-type]
        say(str(path))
