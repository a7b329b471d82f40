"""Errors on the command line: one sentence on stderr and an exit code, never a traceback.

Exit codes: 0 success; 1 an expected value missed, a run that failed, or output that could not be written; 2 refused
input; 130 interrupted. ``NEUROSIM_TRACEBACK=1`` shows the traceback instead, for bug reports.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
import traceback
from collections.abc import Callable
from typing import Any, overload

import typer

from neurosim.border import translation
from neurosim.cli.printing import OUTPUT
from neurosim.errors import NeurosimError

_TRACEBACK = "NEUROSIM_TRACEBACK"
# Longer words are cut.
_LONG = re.compile(r"\S{500,}")


@overload
def plainly(verb: Callable[..., None]) -> Callable[..., None]: ...
@overload
def plainly(*, keeps: bool) -> Callable[[Callable[..., None]], Callable[..., None]]: ...
def plainly(verb: Callable[..., None] | None = None, *, keeps: bool = False) -> Any:
    """Run a verb so that every error is a message and an exit code.

    Parameters
    ----------
    verb
        The function to run.
    keeps
        Whether the verb writes its results to a folder. Then failing to print them loses nothing.
    """
    if verb is None:
        return functools.partial(plainly, keeps=keeps)

    @functools.wraps(verb)
    def wrapped(*args: Any, **settings: Any) -> None:
        OUTPUT.failure = None
        try:
            verb(*args, **settings)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except KeyboardInterrupt:
            _leave("interrupted", 130)
        except Exception as error:
            if os.environ.get(_TRACEBACK):
                raise
            _leave(_sentence(error), 2)
        if OUTPUT.failed():
            # A reader that closes the pipe, such as `head`, wants no complaint.
            closed = isinstance(OUTPUT.failure, BrokenPipeError)
            sentence = "" if closed else f"the output could not be written ({_reason(OUTPUT.failure)})"
            _leave(sentence, 0 if keeps else 1)

    return wrapped


def _sentence(error: Exception) -> str:
    """The message of an error on the command line."""
    if isinstance(error, NeurosimError):
        return str(error)
    ours = translation(error)
    if ours is not None:
        return str(ours)
    # The user's own code: a registered file or a plug-in. Its place helps.
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} (in {place.filename}, line {place.lineno})"


def _reason(error: BaseException | None) -> str:
    return str(getattr(error, "strerror", None) or error)


def _leave(sentence: str, code: int) -> None:
    if sentence:
        # If stderr is closed, only the exit code remains.
        with contextlib.suppress(OSError, ValueError):
            typer.echo(f"neurosim: {_LONG.sub(_shortened, sentence)}", err=True)
    raise typer.Exit(code) from None


def _shortened(word: re.Match[str]) -> str:
    return f"{word[0][:150]}...{word[0][-50:]}"


def no_complaint_at_the_end() -> None:
    """Silence Python's own complaint at exit about output it cannot write, which `plainly` has reported."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except AttributeError:  # stdout is closed from the start
            continue
