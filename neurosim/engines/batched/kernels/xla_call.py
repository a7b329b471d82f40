"""What XLA calls within its loops to sum by events: `gather.sum_rows` for all trials, on XLA's own threads.

XLA hands over a call frame of its foreign function interface, and this reads it as what it is in memory: 64-bit words,
in the order of jaxlib's ``xla/ffi/api/c_api.h``. Trials are cut into blocks that the caller and XLA's threads claim
one by one. So there are no further threads, and nobody waits for one that has not begun.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import jax
import numpy as np
from llvmlite import ir
from numba import cfunc, njit, types
from numba.np.numpy_support import carray

from neurosim.engines.batched.kernels.sum_active_rows import SPARE, intrinsic, sum_rows

#: Trials that a thread claims at a time.
BLOCK = 8

_WORD = ir.IntType(64)
# Words of XLA_FFI_CallFrame, of its buffers, and of XLA_FFI_Api with the sizes of the arguments of its functions.
_EXTENSION, _API, _CONTEXT, _ARGUMENTS, _RESULTS = 1, 2, 3, 9, 14
_DATA, _DIMENSIONS = 3, 5
_VERSION, _DESTROY, _SCHEDULE, _THREADS = 4, 8, 17, 18
_DESTROY_SIZE, _SCHEDULE_SIZE, _THREADS_SIZE = 24, 40, 32
_METADATA = 1
# Words of a job: the next block, how many are done, who may still look at it, what it is about; and, for the caller
# alone, an answer of XLA and five words to ask it with.
_NEXT, _DONE, _HOLDERS, _ACTIVITY, _WEIGHTS, _SUMS, _TRIALS, _PRE, _POST, _ANSWER, _GIVEN = range(11)
_SIZE = _GIVEN + 5


@intrinsic
def _pointer(_: Any, address: Any, dtype: Any) -> Any:
    """An address as a pointer to numbers of a type."""
    kind = types.CPointer(dtype.dtype)
    return kind(address, dtype), lambda context, builder, signature, given: builder.inttoptr(
        given[0], context.get_value_type(kind)
    )


@intrinsic
def _call(_: Any, function: Any, argument: Any) -> Any:
    """Call a C function of one word by its address."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = ir.FunctionType(_WORD, [_WORD])
        return builder.call(builder.inttoptr(given[0], kind.as_pointer()), [given[1]])

    return types.int64(function, argument), generate


@intrinsic
def _add(_: Any, address: Any, amount: Any) -> Any:
    """Add to a word that other threads may add to; returns what it was."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.atomic_rmw("add", builder.inttoptr(given[0], _WORD.as_pointer()), given[1], "seq_cst")

    return types.int64(address, amount), generate


@intrinsic
def _allocate(_: Any, size: Any) -> Any:
    """Memory that outlives this call; returns its address."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.ptrtoint(context.nrt.allocate(builder, given[0]), _WORD)

    return types.int64(size), generate


@intrinsic
def _free(_: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        context.nrt.free(builder, builder.inttoptr(given[0], ir.IntType(8).as_pointer()))
        return context.get_dummy_value()

    return types.void(address), generate


@intrinsic
def _get(_: Any, address: Any, place: Any) -> Any:
    """The word that stands so many words after an address."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load(builder.gep(builder.inttoptr(given[0], _WORD.as_pointer()), [given[1]]))

    return types.int64(address, place), generate


@intrinsic
def _put(_: Any, address: Any, place: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        builder.store(given[2], builder.gep(builder.inttoptr(given[0], _WORD.as_pointer()), [given[1]]))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@functools.cache
def register(dtype: str) -> str:
    """Make the sum for one precision known to XLA; returns its name there."""
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype, capsule.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    name = f"neurosim_sum_rows_{dtype}"
    jax.ffi.register_ffi_target(name, capsule(_handler(dtype).address, None, None), platform="cpu")
    return name


@functools.cache
def _handler(dtype: str) -> Any:
    """The function that XLA calls with (activity, weights); kept, since XLA has no more than its address."""
    number = getattr(np, dtype)

    @cfunc(types.void(types.int64))
    def help_out(job: int) -> None:
        # Whoever comes late, when the arrays may be gone, finds no block left.
        _work(job, number)
        _let_go(job)

    helper: Any = help_out.address

    @cfunc(types.int64(types.int64))
    def handle(frame: int) -> int:
        if _get(frame, _EXTENSION) != 0 and _answered(frame):
            return 0
        job = _job(frame)
        blocks = (_get(job, _TRIALS) + BLOCK - 1) // BLOCK
        for _ in range(min(_threads(frame, job), blocks) - 1):
            if not _call_helper(frame, job, helper):
                break
        _work(job, number)
        while _add(job + 8 * _DONE, 0) < blocks:
            pass
        _let_go(job)
        return 0

    return handle


@njit
def _answered(frame: int) -> bool:
    """Whether XLA only asked for which version this was made; it refuses all versions with another first number."""
    extension = _get(frame, _EXTENSION)
    if _get(extension, 1) & 0xFFFFFFFF != _METADATA:
        return False
    _put(_get(extension, 3), 3, _get(_get(frame, _API), _VERSION) >> 32 << 32)
    return True


@njit
def _job(frame: int) -> int:
    """The address of a job's description."""
    given = _get(frame, _ARGUMENTS)
    activity, weights, sums = _get(given, 0), _get(given, 1), _get(_get(frame, _RESULTS), 0)
    job = _allocate(8 * _SIZE)
    _put(job, _NEXT, 0)
    _put(job, _DONE, 0)
    _put(job, _HOLDERS, 1)
    _put(job, _ACTIVITY, _get(activity, _DATA))
    _put(job, _WEIGHTS, _get(weights, _DATA))
    _put(job, _SUMS, _get(sums, _DATA))
    _put(job, _TRIALS, _get(_get(activity, _DIMENSIONS), 0))
    _put(job, _PRE, _get(_get(weights, _DIMENSIONS), 0))
    _put(job, _POST, _get(_get(weights, _DIMENSIONS), 1))
    return job


@njit
def _work(job: int, number: Any) -> None:
    """Claim blocks until none is left."""
    trials, n_pre, n_post = _get(job, _TRIALS), _get(job, _PRE), _get(job, _POST)
    activity = carray(_pointer(_get(job, _ACTIVITY), number), (trials, n_pre))
    weights = carray(_pointer(_get(job, _WEIGHTS), number), (n_pre, n_post))
    sums = carray(_pointer(_get(job, _SUMS), number), (trials, n_post))
    index = np.empty(n_pre + SPARE, np.int64)
    while True:
        first = _add(job + 8 * _NEXT, 1) * BLOCK
        if first >= trials:
            return
        for trial in range(first, min(first + BLOCK, trials)):
            sum_rows(activity[trial], weights, sums[trial], index)
        _add(job + 8 * _DONE, 1)


@njit
def _let_go(job: int) -> None:
    if _add(job + 8 * _HOLDERS, -1) == 1:
        _free(job)


@njit
def _threads(frame: int, job: int) -> int:
    """How many threads XLA has."""
    if _get(_get(frame, _API), 0) < 8 * (_THREADS + 1):
        return 1
    answer = job + 8 * _ANSWER
    _put(answer, 0, 1)
    _ask(frame, job, _THREADS, _THREADS_SIZE, answer, 0)
    return _get(answer, 0)


@njit
def _call_helper(frame: int, job: int, helper: int) -> bool:
    """Ask one of XLA's threads to claim blocks, too; one thread less is no fault."""
    _add(job + 8 * _HOLDERS, 1)
    called = _ask(frame, job, _SCHEDULE, _SCHEDULE_SIZE, helper, job)
    if not called:
        _let_go(job)
    return called


@njit
def _ask(frame: int, job: int, function: int, size: int, first: int, second: int) -> bool:
    """Call a function of XLA with its size, no extension, the context and two words; gives an error back to XLA."""
    arguments = job + 8 * _GIVEN
    _put(arguments, 0, size)
    _put(arguments, 1, 0)
    _put(arguments, 2, _get(frame, _CONTEXT))
    _put(arguments, 3, first)
    _put(arguments, 4, second)
    error = _call(_get(_get(frame, _API), function), arguments)
    if error != 0:
        _put(arguments, 0, _DESTROY_SIZE)
        _put(arguments, 2, error)
        _call(_get(_get(frame, _API), _DESTROY), arguments)
    return error == 0
