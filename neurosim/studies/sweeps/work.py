"""The work of a Dask worker: one run at a time, from plain data to plain data."""

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

#: Most reports a second and run; the scheduler relays them all.
_REPORTS_PER_SECOND = 2
#: Seconds between checks whether the sweep was stopped.
_ASK_EVERY = 2.0

# Brian2's and JAX's settings belong to the process, so a worker with several threads still does one run at a time.
_ONE_RUN = threading.Lock()


class GivenUpError(KeyboardInterrupt):
    """The sweep of this run was stopped. No `Exception`, so that it does not count as a failure."""


@dataclass(frozen=True)
class Order:
    """One run, as plain data to send to a worker.

    Attributes
    ----------
    name, sections, config_hash, data, seed
        The model and the run. The hash verifies that the worker reads the sections in the same way, the checksum
        that it reads the same data.
    root
        The folder for runs, on a file system that all workers see.
    version
        Version of neurosim; the worker must have the same.
    registered
        Kind and file of each registered component.
    topic
        Topic for reports; see `Reporter`.
    identity
        Identity of the model, used in reports.
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
        """The key of the run within the sweep."""
        return f"{self.identity}-seed{self.seed}"


def order_for(model: Model, seed: int, root: Path, topic: str) -> Order:
    """The order for a run."""
    own = tuple((kind, str(path)) for kind, path in registry.registered())
    version = files.installed_version("neurosim")
    sections, place = model.resolve(), str(root)
    return Order(model.name, sections, model.hash, model.data, seed, place, version, own, topic, model.identity)


def work(order: Order) -> dict[str, Any]:
    """Do a run, unless it is finished.

    Returns
    -------
    dict
        ``message`` (empty if it is finished), ``diverged``, ``reused`` as in an `Attempt`; ``worker``, the machine and
        process; ``seconds`` that it took. The run itself is in its folder.
    """
    # Late: describing a sweep needs no engine.
    from neurosim.studies.collection import Attempt, attempt_run, finished

    with _ONE_RUN:
        began = time.perf_counter()
        try:
            model, root = _model(order), Path(order.root)
            # Another worker may have finished it meanwhile.
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
    """Reports the progress of a run to the sweep; see `neurosim.runs.run.RunWatcher`.

    Reports are Dask events under the sweep's topic: ``run``, ``done`` (fraction), ``text``, ``pid``. Outside a worker
    they go nowhere.
    """

    def __init__(self, order: Order) -> None:
        self.order, self.last, self.asked = order, 0.0, time.monotonic()
        self.epochs, self.before, self.text = 1, 0, "compiling"
        self.tell, self.given_up = _connected(order.topic)

    def begin(self, model: Model, folder: Path) -> None:
        """See `RunWatcher`."""
        self.epochs = 1 if model.probe_kind else model.training.epochs
        self._report(0.0)

    def step(self, done: int, total: int) -> None:
        """See `RunWatcher`.

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
        """See `RunWatcher`."""
        self.before = report.epoch
        right, loss = report.validation_accuracy, report.validation_loss
        number = f", accuracy {right:.1f} %" if right == right else f", loss {loss:.3f}" if loss == loss else ""
        self.text = f"epoch {report.epoch}/{report.epochs}{number}"
        self._report(report.epoch / report.epochs)

    def note(self, text: str) -> None:
        """See `RunWatcher`."""
        self.text = text

    def _report(self, done: float) -> None:
        self.last = time.monotonic()
        self.tell({"run": self.order.key, "done": done, "text": self.text, "pid": os.getpid()})


def dask_setup(worker: Any) -> None:
    """Prepare a worker process that a sweep started for itself (a preload of Dask).

    Ctrl-C reaches every process of the terminal, so workers ignore it; the sweep stops them itself. Imports that every
    run needs come before the first run.
    """
    import signal

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    import neurosim.studies.collection  # noqa: F401


def stop_name(topic: str) -> str:
    """The name of the event that signals a stopped sweep."""
    return f"{topic}-stop"


def _connected(topic: str) -> tuple[Callable[[dict[str, Any]], None], Callable[[], bool]]:
    """Functions that report to the sweep, and that ask whether it was stopped."""
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
