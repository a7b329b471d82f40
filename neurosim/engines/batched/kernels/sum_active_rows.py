"""The sum of the rows of a matrix that active neurons select, compiled by Numba for the machine at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

#: Numba says nothing of the type that it gives back.
intrinsic: Any = _intrinsic
#: Bytes of a vector.
VECTOR = 64
#: By how much the work space is longer than a row of activity.
SPARE = 8


@intrinsic
def _active(_: Any, row: Any, start: Any) -> Any:
    """Which of 64 numbers of a row, from `start` on, are not zero: one bit each."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array = context.make_array(row)(context, builder, given[0])
        kind = ir.VectorType(context.get_data_type(row.dtype), 64)
        numbers = builder.load(builder.bitcast(builder.gep(array.data, [given[1]]), kind.as_pointer()), align=4)
        return builder.bitcast(builder.fcmp_unordered("!=", numbers, kind(None)), ir.IntType(64))

    return types.uint64(row, start), generate


@intrinsic
def _lowest(_: Any, bits: Any) -> Any:
    """The place of the lowest bit that is one, or 64."""
    return types.int64(bits), lambda context, builder, signature, given: builder.cttz(given[0], ir.IntType(1)(0))


@intrinsic
def _ones(_: Any, bits: Any) -> Any:
    """How many bits are one."""
    return types.int64(bits), lambda context, builder, signature, given: builder.ctpop(given[0])


def _adder(width: int) -> Any:
    """Writes `width` vectors of sums, from target `start` on, for one trial; they stay in registers meanwhile.

    Compilers of loops over arrays read and write the sums in memory at every row, which takes twice the time.
    """

    @intrinsic
    def add(_: Any, activity: Any, weights: Any, sums: Any, index: Any, active: Any, start: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            values, matrix, results, chosen = (
                context.make_array(kind)(context, builder, array)
                for kind, array in zip(signature.args[:4], given[:4], strict=True)
            )
            row_length = cgutils.unpack_tuple(builder, matrix.shape, 2)[1]
            count = VECTOR // (activity.dtype.bitwidth // 8)
            kind = ir.VectorType(context.get_data_type(activity.dtype), count)

            def lanes(data: Any, offset: Any, k: int) -> Any:
                place = builder.gep(data, [builder.add(offset, ir.IntType(64)(k * count))])
                return builder.bitcast(place, kind.as_pointer())

            totals = [cgutils.alloca_once(builder, kind) for _ in range(width)]
            for total in totals:
                builder.store(kind(None), total)
            with cgutils.for_range(builder, given[4]) as loop:
                pre = builder.load(builder.gep(chosen.data, [loop.index]))
                factor = _broadcast(builder, builder.load(builder.gep(values.data, [pre])), kind)
                offset = builder.add(builder.mul(pre, row_length), given[5])
                for k, total in enumerate(totals):
                    row = builder.load(lanes(matrix.data, offset, k), align=4)
                    product = builder.fmul(factor, row, flags=["contract"])
                    builder.store(builder.fadd(builder.load(total), product, flags=["contract"]), total)
            for k, total in enumerate(totals):
                builder.store(builder.load(total), lanes(results.data, given[5], k), align=4)
            return context.get_dummy_value()

        return types.void(activity, weights, sums, index, active, start), generate

    return add


def _broadcast(builder: Any, number: Any, kind: Any) -> Any:
    """A vector whose lanes are all one number."""
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, number, ir.IntType(32)(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None))


_add_8, _add_4, _add_2, _add_1 = (_adder(width) for width in (8, 4, 2, 1))


@njit(boundscheck=False)
def sum_rows(activity: Any, weights: Any, sums: Any, index: Any) -> None:
    """Write ``activity @ weights`` of one trial.

    Parameters
    ----------
    activity, weights, sums
        Shapes (n_pre,), (n_pre, n_post) and (n_post,); the last has whole vectors.
    index
        Work space, shape (n_pre + SPARE,).
    """
    n_pre, n_post = weights.shape
    active = 0
    for first in range(0, n_pre - 63, 64):
        bits = _active(activity, first)
        count = _ones(bits)
        # Eight at a time whether there are so many or not, because how many there are cannot be predicted.
        for place in range(active, active + count, 8):
            for k in range(place, place + 8):
                index[k] = first + _lowest(bits)
                bits &= bits - np.uint64(1)
        active += count
    for pre in range(n_pre - n_pre % 64, n_pre):
        # Written in any case and kept if active: no branch that cannot be predicted.
        index[active] = pre
        active += activity[pre] != 0
    lanes, start = VECTOR // weights.itemsize, 0
    while start + 8 * lanes <= n_post:
        _add_8(activity, weights, sums, index, active, start)
        start += 8 * lanes
    if start + 4 * lanes <= n_post:
        _add_4(activity, weights, sums, index, active, start)
        start += 4 * lanes
    if start + 2 * lanes <= n_post:
        _add_2(activity, weights, sums, index, active, start)
        start += 2 * lanes
    if start < n_post:
        _add_1(activity, weights, sums, index, active, start)
