"""Dask workers: local processes, or those of an existing cluster."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurosim.errors import ConfigError, EngineError
from neurosim.installation import how_to_install
from neurosim.model_files.model_file import Model
from neurosim.studies.collection import key_of
from neurosim.studies.sweeps.work import order_for, stop_name, work

#: After this many retries, the death of a worker is blamed on the run.
_TRIES = 3
#: How long local processes wait for each other, since a sweep in the background of a busy machine may stand still for
#: minutes. One that dies is noticed at once all the same.
_PATIENCE = "6 hours"
#: How long a scheduler may take to answer.
CONNECT = "15 s"


class Pool:
    """Worker processes, each doing one run at a time.

    Parameters
    ----------
    scheduler
        The address of a Dask scheduler, a connected `distributed.Client`, or ``None`` for local processes.
    workers
        Number of local processes; by default one for each core that this process may use.
    say
        Receives a line about what is started.

    Raises
    ------
    ConfigError
        Dask is missing, no scheduler answers, or `workers` is given for an existing cluster.
    EngineError
        A worker process does not start.
    """

    def __init__(self, scheduler: Any = None, workers: int | None = None, say: Callable[[str], None] = print) -> None:
        require_dask()
        if scheduler is not None and workers is not None:
            raise ConfigError("--workers is for local processes; a --scheduler has workers of its own")
        self.topic = f"neurosim-{uuid.uuid4().hex[:12]}"
        self.closing = contextlib.ExitStack()
        try:
            if scheduler is None:
                self.client = self._local(workers or _cores(), say)
            else:
                self.client = self._existing(scheduler, say)
        except BaseException:
            self.closing.close()
            raise
        self.futures: dict[Any, tuple[str, int]] = {}
        self.done: queue.Queue[Any] = queue.Queue()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.close()

    @property
    def size(self) -> int:
        """Number of runs at once; 1 before any worker has joined."""
        return max(1, len(self.client.scheduler_info(n_workers=-1)["workers"]))

    @property
    def pending(self) -> bool:
        """Whether any submitted run is not done."""
        return bool(self.futures)

    def watch(self, handler: Callable[[dict[str, Any]], None]) -> None:
        """Pass reports of runs to a handler, in another thread; see `Reporter`."""
        self.client.subscribe_topic(self.topic, lambda event: handler(event[1]))

    def submit(self, model: Model, seed: int, root: Path) -> None:
        """Submit a run."""
        order = order_for(model, seed, root, self.topic)
        # Not pure: a run that failed is repeated when it is submitted again.
        key = f"{self.topic}-{order.key}"
        future = self.client.submit(work, order, key=key, pure=False)
        self.futures[future] = key_of(model, seed)
        # Called in another thread; the queue is thread-safe.
        future.add_done_callback(self.done.put)

    def next(self, timeout: float) -> tuple[tuple[str, int], dict[str, Any]] | None:
        """Wait for any run, at most `timeout` seconds: its key, see `collection.key_of`, and the result of `work`."""
        try:
            future = self.done.get(timeout=timeout)
        except queue.Empty:
            return None
        key = self.futures.pop(future)
        try:
            result = future.result()
        except Exception as error:
            result = {"message": _why(error), "diverged": False, "reused": False, "worker": "", "seconds": 0.0}
        future.release()
        return key, result

    def give_up(self) -> None:
        """Stop running runs soon, and drop waiting ones."""
        from distributed import Event

        with contextlib.suppress(Exception):
            Event(stop_name(self.topic), client=self.client).set()
            self.client.cancel(list(self.futures), force=True)

    def _local(self, workers: int, say: Callable[[str], None]) -> Any:
        import dask.config
        from distributed import Client, LocalCluster

        say(f"starting {workers} worker {'process' if workers == 1 else 'processes'}")
        # Dead workers are replaced; Dask's messages about that would break the display.
        for name in ("distributed", "distributed.nanny", "distributed.scheduler"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        cache = tempfile.mkdtemp(prefix="neurosim-sweep-")
        self.closing.callback(shutil.rmtree, cache, ignore_errors=True)
        # One run per worker. No memory limit, since Dask would restart a run there again and again.
        settings = {
            "distributed.scheduler.allowed-failures": _TRIES,
            "distributed.scheduler.worker-saturation": 1.0,
            **dict.fromkeys(("distributed.comm.timeouts.connect", "distributed.comm.timeouts.tcp"), _PATIENCE),
            "distributed.scheduler.worker-ttl": _PATIENCE,
        }
        self.closing.enter_context(dask.config.set(settings))
        try:
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,  # pyright: ignore[reportArgumentType]
                memory_limit=0,
                silence_logs=logging.CRITICAL,
                local_directory=cache,
                env=_environment(cache),
                preload=["neurosim.studies.sweeps.work"],
            )
            self.closing.enter_context(cluster)
            return self.closing.enter_context(Client(cluster, set_as_default=False))
        except Exception as error:  # Dask raises many types for a process that dies early or cannot start
            raise EngineError(
                f"the {workers} worker processes could not be started: one ended before it answered (killed, or out of "
                f"memory?), or the system admits no more; try fewer --workers ({type(error).__name__}: {error})"
            ) from error

    def _existing(self, scheduler: Any, say: Callable[[str], None]) -> Any:
        from distributed import Client

        if isinstance(scheduler, Client):
            client = scheduler
        else:
            try:
                client = Client(str(scheduler), timeout=CONNECT, set_as_default=False)
            except (OSError, ValueError, TypeError) as error:
                raise ConfigError(
                    f"--scheduler: nobody answers at {scheduler} ({error}); expected the address that 'dask scheduler' "
                    "shows, such as tcp://127.0.0.1:8786"
                ) from None
            self.closing.enter_context(client)
        known = client.scheduler_info(n_workers=-1)["workers"]
        address = client.scheduler.address if client.scheduler is not None else scheduler
        say(f"{len(known)} workers at {address}" if known else "no workers yet, waiting for them")
        wide = sum(worker["nthreads"] > 1 for worker in known.values())
        if wide:
            say(f"{wide} of them have several threads: each does one run at a time; better 'dask worker --nthreads 1'")
        return client


def require_dask() -> None:
    """Refuse to sweep where Dask or Optuna is not installed.

    Raises
    ------
    ConfigError
        With the command that installs them.
    """
    try:
        import distributed  # noqa: F401
        import optuna  # noqa: F401
    except ImportError as error:
        missing = f"sweeps need {error.name}, which is not installed"
        raise ConfigError(f"{missing}; {how_to_install('sweep')}") from error


def _cores() -> int:
    # The cores that this process may use; on a shared machine not all.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _environment(cache: str) -> dict[str, str]:
    """Environment of a worker: one thread, and a cache of compiled code that all workers share.

    The cache is private and lives as long as the workers, because loading compiled code runs it.
    """
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"), "1")
    own = {
        "JAX_COMPILATION_CACHE_DIR": os.path.join(cache, "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    }
    chosen = {name: os.environ.get(name, value) for name, value in own.items()}
    return {**threads, **chosen, "XLA_FLAGS": flags}


def _why(error: Exception) -> str:
    """Dask's reason for a run without result."""
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return f"its worker died {_TRIES + 1} times (killed, or out of memory?)"
    return f"{type(error).__name__}: {error}"
