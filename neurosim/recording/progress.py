"""How far a simulation is, shown once it takes long: a bar on a terminal, a line in a notebook or in a log."""

from __future__ import annotations

import math
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from neurosim.circuit.circuit import Circuit

if TYPE_CHECKING:
    from typing import Self

#: Seconds after which it is shown, and between two lines in a notebook and in a log.
PATIENCE, _NOTEBOOK, _LOG = 2.0, 0.5, 10.0
#: Rough costs in seconds, of a step, and in it of a neuron and of a weight: they only say into how many parts to cut.
_STEP, _NEURON, _WEIGHT = 4e-6, 4e-9, 3e-10
#: A simulation is cut if it is expected to last so many seconds, and into parts of about one second, but not into more.
_LONG, _PARTS = 4.0, 50


class _Display(Protocol):
    """Where progress is shown."""

    def show(self, done: float | None, seconds: float) -> None:
        """Show the share that is done, which may not be known, after so many seconds."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


class SimulationProgress:
    """Shows how far a simulation is, as a context around it.

    Parameters
    ----------
    asked
        Whether to show it; by default on a terminal and in a notebook.
    what
        What is simulated.
    patience
        Seconds after which it is shown.
    """

    def __init__(self, asked: bool | None, what: str, patience: float = PATIENCE) -> None:
        self.what, self.patience = what, patience
        self.notebook = asked is not False and _in_notebook()
        self.terminal = _is_terminal(sys.stderr) and not self.notebook
        self.shown = (self.notebook or self.terminal) if asked is None else asked
        self.done: float | None = None
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self.shown:
            self._thread = threading.Thread(target=self._watch, daemon=True, name="neurosim progress")
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def part(self, begin: float, share: float, done: float = 1.0) -> None:
        """Note how much is done of a part of the simulation, given as where it begins and its share of all."""
        self.done = begin + share * done

    def _watch(self) -> None:
        began = time.monotonic()
        if self._over.wait(self.patience):
            return
        display = self._display()
        pause = _NOTEBOOK if self.notebook or self.terminal else _LOG
        try:
            while True:
                display.show(self.done, time.monotonic() - began)
                if self._over.wait(pause):
                    return
        finally:
            display.close()

    def _display(self) -> _Display:
        if self.terminal:
            return _Bar(self.what)
        return _Line(self.what, sys.stdout, over="\r") if self.notebook else _Line(self.what, sys.stderr, over="")


class _Bar:
    """A bar on the terminal, beside the results, which go to standard output."""

    def __init__(self, what: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), TimeElapsedColumn())
        self.bar = Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task(what, total=None)
        self.bar.start()

    def show(self, done: float | None, seconds: float) -> None:
        if done is not None:
            self.bar.update(self.task, total=1.0, completed=done)

    def close(self) -> None:
        self.bar.stop()


class _Line:
    """A line of text, in place of the one before if there is something that goes back to its beginning."""

    def __init__(self, what: str, stream: TextIO, *, over: str) -> None:
        self.what, self.stream, self.over, self.width = what, stream, over, 0

    def show(self, done: float | None, seconds: float) -> None:
        text = f"{self.what}: {_words(done, seconds)}"
        self._write(f"{self.over}{text.ljust(self.width)}" if self.over else f"{text}\n")
        self.width = len(text)

    def close(self) -> None:
        if self.over:
            self._write(f"{self.over}{' ' * self.width}{self.over}")

    def _write(self, text: str) -> None:
        # A stream that is closed must not cost the simulation.
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):
            pass


def _words(done: float | None, seconds: float) -> str:
    if not done:
        return f"{seconds:.0f} s"
    return f"{100 * done:.0f} %, {seconds:.0f} s, about {seconds * (1 - done) / done:.0f} s left"


def parts_of(circuit: Circuit, steps: int, trials: int) -> int:
    """Into how many parts to cut a simulation whose progress is shown: one, if it is expected to be short."""
    neurons = sum(population.size for population in circuit.populations)
    weights = sum(math.prod(circuit.weights_shape(pathway.name)) for pathway in circuit.owners)
    seconds = steps * (_STEP + trials * (neurons * _NEURON + weights * _WEIGHT))
    return 1 if seconds < _LONG else min(_PARTS, steps, math.ceil(seconds))


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False  # there is none, or it is closed


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"
