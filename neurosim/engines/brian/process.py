"""Brian2's settings of the whole process: set for one run at a time, and restored after it."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator
from typing import Any

import brian2
import numpy as np
from brian2.codegen.optimisation import defaults_ns
from brian2.devices.device import all_devices, reset_device, runtime_device

from neurosim.engines.brian.numbers import lend
from neurosim.errors import EngineError

_running = threading.RLock()


@contextlib.contextmanager
def borrowed(target: str, dtype: str) -> Iterator[None]:
    """Brian2 with the settings of a run; another thread's run waits until it is over.

    Parameters
    ----------
    target
        Target of code generation: ``numpy``, ``cython`` or ``cpp_standalone``.
    dtype
        Dtype of all floats.

    Raises
    ------
    EngineError
        If the caller's own device is the one that standalone code needs.
    """
    with _running, contextlib.ExitStack() as back:
        standalone = target == "cpp_standalone"
        if standalone and brian2.get_device() is all_devices["cpp_standalone"]:
            raise EngineError(
                "the target 'cpp_standalone' needs Brian2's standalone device, which is set already; call "
                "brian2.reset_device() first, or use the target 'numpy' or 'cython'"
            )
        lend(back)
        settings = {
            "core.default_float_dtype": np.dtype(dtype).type,
            # Brian2 would answer an interrupt by ending the simulation early, and half of it would pass for all.
            "core.stop_on_keyboard_interrupt": False,
            # Units were checked when the text was read; Brian2 would check them again at every call of a function.
            "codegen.runtime.numpy.discard_units": True,
        }
        settings |= (
            {"devices.cpp_standalone.extra_make_args_unix": ["-j"]} if standalone else {"codegen.target": target}
        )
        for name, value in settings.items():
            back.callback(brian2.prefs.__setitem__, name, brian2.prefs[name])
            brian2.prefs[name] = value
        if standalone:
            brian2.set_device("cpp_standalone", build_on_run=False)
            back.callback(_leave_standalone)
        elif brian2.get_device() is not runtime_device:
            brian2.set_device("runtime")
            back.callback(reset_device)
        # When Brian2 looks for constants, it would take a parameter called `max` or `input` for Python's own.
        known: dict[str, Any] = defaults_ns
        back.callback(known.pop, "__builtins__", None)
        known["__builtins__"] = {}
        # Brian2 collects garbage at each start of a Network: all that was there before need not be gone through.
        gc.freeze()
        back.callback(gc.unfreeze)
        yield


def _leave_standalone() -> None:
    device: Any = brian2.get_device()
    device.reinit()
    reset_device()
