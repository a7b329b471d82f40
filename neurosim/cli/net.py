"""What becomes of errors: one sentence on stderr and an exit code, never a traceback, whatever happened.

Exit codes: 0 done; 1 a row that was not met, a run that failed, or output that could not be written; 2 refused; 130
interrupted. ``NEUROSIM_TRACEBACK=1`` shows the traceback instead, for reports of faults.
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
# Nobody reads a name of so many letters.
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
        What is run.
    keeps
        Whether what it found is in a folder, so that nothing is lost where output cannot be written.
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
            # Who closed the pipe, as `head` does, has seen enough.
            closed = isinstance(OUTPUT.failure, BrokenPipeError)
            sentence = "" if closed else f"the output could not be written ({_reason(OUTPUT.failure)})"
            _leave(sentence, 0 if keeps else 1)

    return wrapped


def _sentence(error: Exception) -> str:
    """What an error says to somebody who called a command."""
    if isinstance(error, NeurosimError):
        return str(error)
    ours = translation(error)
    if ours is not None:
        return str(ours)
    # Code of the user's own: a file that was registered, a plug-in.
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} (in {place.filename}, line {place.lineno})"


def _reason(error: BaseException | None) -> str:
    return str(getattr(error, "strerror", None) or error)


def _leave(sentence: str, code: int) -> None:
    if sentence:
        # Where nobody can be told, the exit code still tells.
        with contextlib.suppress(OSError, ValueError):
            typer.echo(f"neurosim: {_LONG.sub(_shortened, sentence)}", err=True)
    raise typer.Exit(code) from None


def _shortened(word: re.Match[str]) -> str:
    return f"{word[0][:150]}...{word[0][-50:]}"


def no_complaint_at_the_end() -> None:
    """Python complains on its way out of output that it cannot write, which has been reported by then."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except AttributeError:  # closed from the beginning
            continue
