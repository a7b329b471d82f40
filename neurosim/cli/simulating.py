"""The verb `simulate`: run a circuit file, and say what its neurons did."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.cli.net import plainly
from neurosim.cli.options import AsJson, CircuitName, Overrides, Quiet, Variants
from neurosim.cli.printing import console_of, print_table, say, say_json
from neurosim.errors import ConfigError

Engine = Annotated[str | None, typer.Option(metavar="NAME", help="Engine, in place of the file's: batched or brian.")]
Seed = Annotated[int | None, typer.Option(min=0, metavar="N", help="Random seed, in place of the file's.")]
Out = Annotated[Path | None, typer.Option(metavar="STORE", help="A new Zarr store for the recordings: rec.zarr.")]
Plot = Annotated[Path | None, typer.Option(metavar="FILE", help="Figure of what is recorded: .png, .pdf or .svg.")]


@plainly(keeps=True)
def simulate(
    circuit: CircuitName,
    overrides: Overrides = None,
    *,
    variant: Variants = None,
    engine: Engine = None,
    seed: Seed = None,
    out: Out = None,
    plot: Plot = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Simulate a circuit file; print rates of its populations, and write or draw what it records."""
    from neurosim.model_files.circuits.circuit_file import load_circuit, settled

    console = console_of(quiet=quiet or as_json)
    given = {"engine": engine, "seed": seed}
    changed = [*(overrides or []), *(f"simulation.{key}={value}" for key, value in given.items() if value is not None)]
    _refuse_targets(out, plot)
    # Checked before Brian2 and JAX are imported, so that a typing error is reported at once.
    settled(circuit, changed, variant or [])
    checked = load_circuit(circuit, changed, variant or [])
    console.print(checked.headline, soft_wrap=True)
    silent = {"progress": False} if quiet or as_json else {}
    recording = checked.simulate(**silent, **({} if out is None else {"out": out}))
    from neurosim.model_files.circuits.numbers import unit_texts
    from neurosim.model_files.circuits.summary import COLUMNS, rows_of

    rows = rows_of(recording)
    numbers = checked.measure(recording)
    if as_json:
        told = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        say_json({"name": checked.name, "rows": told, "numbers": numbers})
    elif rows:
        print_table(console, COLUMNS, [list(map(_shown, row)) for row in rows])
    if numbers and not as_json:
        units = unit_texts(checked.numbers, recording)
        print_table(console, ("number", "value", "unit"), [(n, _shown(v), units[n]) for n, v in numbers.items()])
    if out is not None:
        console.print(f"written to {out}", soft_wrap=True)
    if plot is not None:
        from neurosim.plots.overview import save_overview

        console.print(f"drawn to {save_overview(recording, plot, title=checked.about.title)}", soft_wrap=True)


def check_circuit(
    source: str, overrides: Sequence[str], variants: Sequence[str], *, as_json: bool, quiet: bool
) -> None:
    """Check a circuit file and its variants; print its sections and its circuit."""
    from neurosim.cli.listing import described_circuit
    from neurosim.model_files.circuits.circuit_file import load_circuit, load_circuit_variants, settled

    settled(source, overrides, variants)
    checked = load_circuit(source, overrides, variants)
    load_circuit_variants(source)
    if quiet:
        return
    if as_json:
        say_json(described_circuit(checked))
        return
    say(str(checked))
    if checked.variants:
        say("".join(f"# variant {name}: {title}\n" for name, title in checked.variants.items()))
    say(str(checked.circuit))


def _refuse_targets(out: Path | None, plot: Path | None) -> None:
    """Refuse targets that exist, or a figure in a format that is none, before anything is run."""
    if out is not None and out.exists():
        raise ConfigError(f"{out} exists already; choose another --out, or remove it")
    if plot is not None and plot.suffix not in (".png", ".pdf", ".svg"):
        raise ConfigError(f"{plot}: expected a figure .png, .pdf or .svg")


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return "-" if value != value else f"{value:.3g}"
    return str(value)
