"""One limit on the size of synthetic tasks, checked before anything is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from neurosim.gate.limits import check_size

# Numbers in all splits and in the teacher; in single precision they take 4 GB.
_MOST = 10**9
# While a task is drawn, a number exists in double and single precision, and once more where a teacher answers.
_BYTES_A_NUMBER = 20


def drawn_numbers(layers: Sequence[int], examples: int) -> int:
    """The number of values in all examples and the teacher.

    Parameters
    ----------
    layers
        Sizes of the teacher's layers, inputs and outputs included.
    examples
        In all splits.

    Raises
    ------
    ValueError
        There are more than any task needs.
    """
    numbers = examples * sum(layers) + sum(map(math.prod, pairwise(layers)))
    if numbers > _MOST:
        raise ValueError(f"got sizes that make {numbers:.3g} numbers, expected at most {_MOST:.0e}")
    return numbers


def refuse_beyond_memory(name: str, layers: Sequence[int], examples: int) -> None:
    """Refuse more than the user allows; see `neurosim.gate.limits`.

    Raises
    ------
    DataError
        With both sizes.
    """
    check_size(drawn_numbers(layers, examples) * _BYTES_A_NUMBER, f"task {name}: what it draws")
