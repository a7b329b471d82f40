"""What a worker does: one run, from plain data to plain data, one at a time in each process."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim import registry
from neurosim.errors import NeurosimError
from neurosim.model_files.model_file import Model, load
from neurosim.runs import folder as files

if TYPE_CHECKING:
    from neurosim.training.history import EpochReport

#: Reports a second and run, at most: the scheduler passes them all on.
_REPORTS_PER_SECOND = 2
#: Seconds between two questions whether the sweep was given up.
_ASK_EVERY = 2.0

# Brian2's and JAX's settings belong to the process, so a worker with several threads still does one run at a time.
_ONE_RUN = threading.Lock()


class GivenUpError(KeyboardInterrupt):
    """The sweep that this run belongs to was stopped. No `Exception`, so that it is not taken for a fault."""


@dataclass(frozen=True)
class Order:
    """One run as it travels to a worker, in parts that any serialiser takes.

    Attributes
    ----------
    name, sections, config_hash, data, seed
        Of the model and the run; the hash tells whether the worker understands the sections in the same way, the
        checksum of the data whether it reads the same.
    root
        The folder for runs, on a file system that all workers see.
    version
        Of neurosim, which has to be the worker's.
    registered
        Kind and file of components that the user registered.
    topic
        Where to report; see `Reporter`.
    identity
        Of the model, by which reports name it.
    """

    name: str
    sections: Mapping[str, Any]
    config_hash: str
    data: str | None
    seed: int
    root: str
    version: str | None
    registered: tuple[tuple[str, str], ...]
    topic: str
    identity: str

    @property
    def key(self) -> str:
        """The run among those of the sweep."""
        return f"{self.identity}-seed{self.seed}"


def order_for(model: Model, seed: int, root: Path, topic: str) -> Order:
    """The order for a run."""
    own = tuple((kind, str(path)) for kind, path in registry.registered())
    version = files.installed_version("neurosim")
    sections, place = model.resolve(), str(root)
    return Order(model.name, sections, model.hash, model.data, seed, place, version, own, topic, model.identity)


def work(order: Order) -> dict[str, Any]:
    """Do a run, or find it finished.

    Returns
    -------
    dict
        ``message`` (empty if it is finished), ``diverged``, ``reused`` as in an `Attempt`; ``worker``, the machine and
        process; ``seconds`` that it took. The run itself is in its folder.
    """
    # Late: whoever only describes a sweep needs no engine.
    from neurosim.studies.collection import Attempt, attempt_run, finished

    with _ONE_RUN:
        began = time.perf_counter()
        try:
            model, root = _model(order), Path(order.root)
            # Between order and work another worker may have finished it.
            attempt = finished(model, order.seed, root) or attempt_run(model, order.seed, root, Reporter(order))
        except NeurosimError as error:
            attempt = Attempt(message=str(error))
        except GivenUpError:
            attempt = Attempt(message="the sweep was stopped")
        return {
            "message": attempt.message,
            "diverged": attempt.diverged,
            "reused": attempt.reused,
            "worker": f"{socket.gethostname()}:{os.getpid()}",
            "seconds": time.perf_counter() - began,
        }


class Reporter:
    """Tells the sweep how a run goes on; see `neurosim.runs.run.Watcher`.

    Reports are events of Dask under the sweep's topic: ``run``, ``done`` (the share), ``text``, ``pid``. Outside of a
    worker nobody is told.
    """

    def __init__(self, order: Order) -> None:
        self.order, self.last, self.asked = order, 0.0, time.monotonic()
        self.epochs, self.before, self.text = 1, 0, "compiling"
        self.tell, self.given_up = _connected(order.topic)

    def begin(self, model: Model, folder: Path) -> None:
        """See `Watcher`."""
        self.epochs = 1 if model.probe_kind else model.training.epochs
        self._report(0.0)

    def step(self, done: int, total: int) -> None:
        """See `Watcher`.

        Raises
        ------
        GivenUpError
            The sweep was stopped.
        """
        now = time.monotonic()
        if now - self.asked > _ASK_EVERY:
            self.asked = now
            if self.given_up():
                raise GivenUpError("the sweep was stopped")
        if now - self.last > 1 / _REPORTS_PER_SECOND:
            self._report((self.before + done / total) / self.epochs)

    def epoch(self, report: EpochReport) -> None:
        """See `Watcher`."""
        self.before = report.epoch
        right, loss = report.validation_accuracy, report.validation_loss
        number = f", accuracy {right:.1f} %" if right == right else f", loss {loss:.3f}" if loss == loss else ""
        self.text = f"epoch {report.epoch}/{report.epochs}{number}"
        self._report(report.epoch / report.epochs)

    def note(self, text: str) -> None:
        """See `Watcher`."""
        self.text = text

    def _report(self, done: float) -> None:
        self.last = time.monotonic()
        self.tell({"run": self.order.key, "done": done, "text": self.text, "pid": os.getpid()})


def dask_setup(worker: Any) -> None:
    """Prepare a worker process that a sweep started for itself (a preload of Dask).

    Ctrl-C reaches every process of the terminal; the sweep decides what then happens to its workers. What every run
    needs is imported before the first one.
    """
    import signal

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    import neurosim.studies.collection  # noqa: F401


def stop_name(topic: str) -> str:
    """The name of the event that says that a sweep was given up."""
    return f"{topic}-stop"


def _connected(topic: str) -> tuple[Callable[[dict[str, Any]], None], Callable[[], bool]]:
    """How to tell the sweep something, and how to ask whether it was given up."""
    try:
        from distributed import Event, get_worker

        worker = get_worker()
    except (ImportError, ValueError):
        return (lambda report: None), (lambda: False)
    event = Event(stop_name(topic))
    return (lambda report: worker.log_event(topic, report)), (lambda: bool(event.is_set()))


def _model(order: Order) -> Model:
    """The model of an order.

    Raises
    ------
    NeurosimError
        This process has another version, or reads the sections differently.
    """
    for kind, path in order.registered:
        registry.register(kind, path)
    here = files.installed_version("neurosim")
    if here != order.version:
        raise NeurosimError(f"the worker has neurosim {here}, the sweep {order.version}: install the same version")
    model = replace(load(order.sections), name=order.name, data=order.data)
    if model.hash != order.config_hash:
        raise NeurosimError("the worker reads this model differently: its neurosim, or a registered file, is another")
    return model
