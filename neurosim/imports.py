"""Other libraries, imported so that the process stays as it was, and JAX's first call, which needs a device.

Imports change more than what is imported: Brian2 takes over `warnings`, reports every error that ends a program as its
own and handles interrupts; JAX draws from NumPy's global random numbers. Who imports them by way of neurosim has not
asked for any of that.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator

from neurosim.errors import EngineError


@contextlib.contextmanager
def process_as_it_was() -> Iterator[None]:
    """Put back what imports inside change for the whole process."""
    import numpy as np

    main = threading.current_thread() is threading.main_thread()
    hook, show, set_signal = sys.excepthook, warnings.showwarning, signal.signal
    interrupt, drawn = signal.getsignal(signal.SIGINT), np.random.get_state()
    handlers = logging.getLogger("py.warnings").handlers[:]
    if not main:
        # Only the main thread may set a handler, and an import that tries fails in any other.
        signal.signal = lambda *_: None  # type: ignore[assignment, return-value]
    try:
        yield
    finally:
        signal.signal = set_signal
        if main and interrupt is not None:
            set_signal(signal.SIGINT, interrupt)
        sys.excepthook = hook
        if warnings.showwarning is not show:
            logging.captureWarnings(False)
            warnings.showwarning = show
        logging.getLogger("py.warnings").handlers[:] = handlers
        np.random.set_state(drawn)


@functools.cache
def require_jax() -> None:
    """Make JAX's first call, and refuse in a sentence where it has no device.

    Raises
    ------
    EngineError
        Naming the platforms that were asked for.
    """
    with process_as_it_was():
        import jax

    try:
        jax.devices()
    except Exception as error:  # JAX's own are an AssertionError here, a RuntimeError there
        asked = os.environ.get("JAX_PLATFORMS", "")
        why = f"JAX_PLATFORMS={asked} asks for a device that" if asked else "a device"
        is_none = "JAX does not find here" if asked else "is missing: JAX finds none"
        raise EngineError(
            f"{why} {is_none} ({type(error).__name__}: {' '.join(str(error).split())[:200]}): "
            "unset JAX_PLATFORMS or set it to cpu; for a GPU, JAX has to be installed with its support"
        ) from error
