"""Reading pickles that hold nothing but plain containers and arrays of bytes, without Python's unpickler.

A pickle is a program, and `pickle.load` runs it. Here its instructions are only looked at, one by one as `pickletools`
lists them: a small machine knows those that build dictionaries, lists, tuples, numbers and text, and the two calls that
NumPy writes for an array. These it does not make: it notes their arguments, and makes the array itself from the bytes.
All else is refused, so that nothing in a file can import or call anything.

Source of the instructions: Python's `pickletools`; of the arguments: `numpy.ndarray.__reduce__` and
`numpy.ndarray.__setstate__`.
"""

from __future__ import annotations

import io
import math
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import DataError


@dataclass(frozen=True)
class _Global:
    """A name that a pickle may mention; never looked up."""

    module: str
    name: str


@dataclass
class _Dtype:
    """An array's type: bytes without sign, or none that is read."""

    kind: str


@dataclass
class _Array:
    """An array whose bytes are yet to come."""

    values: np.ndarray | None = None


_MARK = object()
_NDARRAY, _DTYPE = _Global("numpy", "ndarray"), _Global("numpy", "dtype")
_RECONSTRUCT = {_Global(module, "_reconstruct") for module in ("numpy.core.multiarray", "numpy._core.multiarray")}
_GLOBALS = {_NDARRAY, _DTYPE, *_RECONSTRUCT}

_NOTHING = {"PROTO", "FRAME"}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "MARK": lambda: _MARK,
}
_LITERALS = {"BININT", "BININT1", "BININT2", "BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"}
# Text of Python 2, which held bytes.
_BYTES = {"BINSTRING", "SHORT_BINSTRING"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_pickled(path: Path, data: bytes) -> dict[str, Any]:
    """The dictionary in a pickle of protocol 2 to 4.

    Parameters
    ----------
    path
        Where the bytes come from, for messages.
    data
        The pickle.

    Returns
    -------
    dict
        Keys as text; arrays as `numpy.ndarray` of uint8; all else as it was written.

    Raises
    ------
    DataError
        Broken, no dictionary, or anything that is no plain container, number, text or array of bytes.
    """
    machine = _Machine()
    try:
        for code, argument, position in pickletools.genops(io.BytesIO(data)):
            try:
                machine.step(code.name, argument)
            except _RefusedError as error:
                raise DataError(f"{path}: at byte {position}: {error}; nothing of it was run") from error
        found = machine.result
    except DataError:
        raise
    except Exception as error:  # whatever an instruction does to a stack that does not hold what it needs
        raise DataError(f"{path}: broken pickle ({type(error).__name__}: {error}); nothing of it was run") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: got a pickled {type(found).__name__}, expected a dictionary")
    return {_text(key): value.values if isinstance(value, _Array) else value for key, value in found.items()}


class _RefusedError(Exception):
    pass


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}
        self.result: Any = None

    def step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _NOTHING:
            return
        if name in _CONSTANTS:
            stack.append(_CONSTANTS[name]())
        elif name in _LITERALS:
            stack.append(argument)
        elif name in _BYTES:
            stack.append(argument.encode("latin-1") if isinstance(argument, str) else argument)
        elif name in _TUPLES:
            count = _TUPLES[name]
            self._need(count)
            stack[-count:] = [tuple(stack[-count:])]
        elif name == "TUPLE":
            stack.append(tuple(self._since_mark()))
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memory[argument] = stack[-1]
        elif name == "MEMOIZE":
            self.memory[len(self.memory)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self.memory[argument])
        elif name == "GLOBAL":
            stack.append(_allowed(*argument.split(" ")))
        elif name == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            stack.append(_allowed(module, attribute))
        elif name == "APPEND":
            value = stack.pop()
            self._container(list).append(value)
        elif name == "APPENDS":
            values = self._since_mark()
            self._container(list).extend(values)
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            self._container(dict)[_key(key)] = value
        elif name == "SETITEMS":
            values = self._since_mark()
            self._container(dict).update(zip(map(_key, values[::2]), values[1::2], strict=True))
        elif name == "REDUCE":
            arguments, called = stack.pop(), stack.pop()
            stack.append(_called(called, arguments))
        elif name == "BUILD":
            state, made = stack.pop(), stack[-1]
            _built(made, state)
        elif name == "STOP":
            self._need(1)
            self.result = stack.pop()
        else:
            raise _RefusedError(f"got the instruction {name}, expected plain containers and arrays of bytes")

    def _need(self, count: int) -> None:
        if len(self.stack) < count or any(value is _MARK for value in self.stack[-count:]):
            raise _RefusedError("got too few values for an instruction")

    def _since_mark(self) -> list[Any]:
        # From the top, so that the time is that of what is taken.
        start = next((at for at in reversed(range(len(self.stack))) if self.stack[at] is _MARK), None)
        if start is None:
            raise _RefusedError("got no mark, expected one")
        values = self.stack[start + 1 :]
        del self.stack[start:]
        return values

    def _container(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise _RefusedError(f"got a {type(self.stack[-1]).__name__}, expected a {kind.__name__}")
        return self.stack[-1]


def _allowed(module: Any, name: Any) -> _Global:
    mentioned = _Global(str(module), str(name))
    if mentioned not in _GLOBALS:
        raise _RefusedError(f"got the name {module}.{name}, expected those of NumPy's arrays alone")
    return mentioned


def _called(called: Any, arguments: Any) -> Any:
    if called in _RECONSTRUCT and isinstance(arguments, tuple) and arguments[:1] == (_NDARRAY,):
        return _Array()
    if called == _DTYPE and isinstance(arguments, tuple) and arguments and isinstance(arguments[0], str | bytes):
        return _Dtype(_text(arguments[0]))
    raise _RefusedError("got a call, expected those that make NumPy's arrays alone")


def _built(made: Any, state: Any) -> None:
    if isinstance(made, _Dtype) and isinstance(state, tuple):
        return  # byte order and the like, of which bytes have none
    if not (isinstance(made, _Array) and isinstance(state, tuple) and len(state) == 5):
        raise _RefusedError("got the state of an object, expected that of an array")
    _, shape, dtype, by_columns, data = state
    if not (isinstance(dtype, _Dtype) and dtype.kind in ("u1", "|u1") and isinstance(data, bytes) and not by_columns):
        raise _RefusedError("got an array of another kind, expected bytes without sign, row by row")
    if not (isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)):
        raise _RefusedError(f"got the shape {shape!r}, expected whole numbers")
    if math.prod(shape) != len(data):
        raise _RefusedError(f"got an array of shape {shape} with {len(data)} bytes")
    made.values = np.frombuffer(data, np.uint8).reshape(shape)


def _key(value: Any) -> str | bytes:
    if not isinstance(value, str | bytes):
        raise _RefusedError(f"got a {type(value).__name__} as a key, expected text")
    return value


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
