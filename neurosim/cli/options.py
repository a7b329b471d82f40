"""Arguments and options that several verbs share, with shell completion. Flags show no type in the help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from neurosim import registry
from neurosim.installation import __version__
from neurosim.model_files.sections import read_sections
from neurosim.model_files.variants import variants_of


class _BareFlags:
    """Help that shows no type for flags, since these take no value."""

    def get_params(self, ctx: Any) -> Any:
        """The parameters, flags without a type."""
        parameters = super().get_params(ctx)  # type: ignore[misc]
        for option in parameters:
            if getattr(option, "is_flag", False) and option.metavar is None:
                option.metavar = ""
        return parameters


class Command(_BareFlags, TyperCommand):
    """A verb."""


class Group(_BareFlags, TyperGroup):
    """All verbs."""


def _models(incomplete: str) -> list[str]:
    """Completions of a model: shipped names, variants after a plus sign, and files."""
    base, plus, _ = incomplete.rpartition("+")
    if plus and base in registry.models():
        return [f"{base}+{name}" for name in variants_of(read_sections(base)[1])]
    return [*(name for name in registry.models() if name.startswith(incomplete)), *_files(incomplete)]


def _circuits(incomplete: str) -> list[str]:
    """Completions of a circuit: shipped names, and files."""
    return [*(name for name in registry.circuits() if name.startswith(incomplete)), *_files(incomplete)]


def _files(incomplete: str) -> list[str]:
    """Completions that are TOML files or folders."""
    files = sorted(Path().glob(f"{incomplete}*")) if incomplete[:1] not in ("/", "~") else []
    return [f"{path}/" if path.is_dir() else str(path) for path in files if path.is_dir() or path.suffix == ".toml"]


def _kinds(incomplete: str) -> list[str]:
    return [kind for kind in kinds() if kind.startswith(incomplete)]


def _folders(incomplete: str) -> list[str]:
    known = [*dict.fromkeys(name.partition("/")[0] for name in registry.models()), *registry.models()]
    return [name for name in known if name.startswith(incomplete)]


def kinds() -> tuple[str, ...]:
    """Kinds that `list` accepts."""
    return ("models", "circuits", *registry.kinds)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"neurosim {__version__}")
        raise typer.Exit


ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A TOML file or a shipped name, such as lansdell2020/digits.", autocompletion=_models
    ),
]
CircuitName = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A TOML file of a circuit, or a shipped name, such as classics/cuba.",
        autocompletion=_circuits,
    ),
]
ModelNames = Annotated[
    list[str],
    typer.Argument(metavar="MODEL...", help="Names or files, with variants: MODEL+NAME.", autocompletion=_models),
]
Folder = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A folder of models, such as lansdell2020, or one model in it.", autocompletion=_folders
    ),
]
Kind = Annotated[
    str | None, typer.Argument(metavar="[KIND]", help="List one kind only, such as schemes.", autocompletion=_kinds)
]
Variants = Annotated[
    list[str] | None,
    typer.Option("--variant", metavar="NAME", help="Apply a variant of the model (repeatable). Also: MODEL+NAME."),
]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings to override, such as training.epochs=5.")
]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Random seed of initial weights, data order and noise.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Version = Annotated[
    bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
]
