"""What becomes of errors: a message on stderr and an exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import typer

from neurosim.errors import NeurosimError


def plainly(verb: Callable[..., None]) -> Callable[..., None]:
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
