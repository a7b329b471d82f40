"""Brian2's random numbers: those of NumPy's global generator, and what compiled code drew ahead of it.

Compiled code keeps a buffer whose address alone Brian2 knows. An address says nothing in another process, nor once
another run has drawn anew, so what is kept here are the numbers.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2.codegen.generators.cython_generator import _BUFFER_SIZE
from brian2.devices.device import runtime_device

_KINDS = ("rand", "randn")
#: The buffers of our own runs, which live as long as the process.
_ours: dict[str, int] = dict.fromkeys(_KINDS, 0)


def random_state() -> dict[str, np.ndarray]:
    """The state of Brian2's random numbers, as plain arrays."""
    _, key, position, has_gauss, gauss = np.random.get_state()
    state: dict[str, Any] = {"key": key, "position": position, "has_gauss": has_gauss, "gauss": gauss}
    for kind in _KINDS:
        address, index = _buffer(kind)
        state[f"{kind}_buffer_index"] = index
        if address[0] and index[0]:
            state[f"{kind}_ahead"] = _numbers(address[0])
    return {name: np.array(value) for name, value in state.items()}


def set_random_state(state: Mapping[str, np.ndarray]) -> None:
    """Restore a state that `random_state` gave."""
    numbers = int(state["position"]), int(state["has_gauss"]), float(state["gauss"])
    np.random.set_state(("MT19937", state["key"], *numbers))
    for kind in _KINDS:
        address, index = _buffer(kind)
        ahead = state.get(f"{kind}_ahead")
        index[:] = 0
        if ahead is not None:
            if not address[0]:
                # Freed by compiled code, so it has to come from where that gives it back to.
                address[:] = _allocated(_BUFFER_SIZE * ctypes.sizeof(ctypes.c_double))
            _numbers(address[0])[:] = ahead
            index[:] = state[f"{kind}_buffer_index"]


def lend(back: contextlib.ExitStack) -> None:
    """Let a run draw random numbers; on leaving `back`, all generators return to the caller's state."""
    before = np.random.get_state()
    held = {kind: tuple(np.array(array) for array in _buffer(kind)) for kind in _KINDS}
    for kind in _KINDS:
        address, index = _buffer(kind)
        address[:], index[:] = _ours[kind], 0

    def give_back() -> None:
        for kind, (address_before, index_before) in held.items():
            address, index = _buffer(kind)
            _ours[kind] = int(address[0])
            address[:], index[:] = address_before, index_before
        np.random.set_state(before)

    back.callback(give_back)


def _buffer(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The address of a buffer, and how far it is used; both can be written to."""
    device: Any = runtime_device
    return getattr(device, f"{kind}_buffer"), getattr(device, f"{kind}_buffer_index")


def _numbers(address: int) -> np.ndarray:
    return np.ctypeslib.as_array((ctypes.c_double * _BUFFER_SIZE).from_address(int(address)))


def _allocated(size: int) -> int:
    allocate = ctypes.CDLL(None).malloc
    allocate.restype, allocate.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    return int(allocate(size))
