"""How much may be drawn: one limit for all synthetic tasks, checked before anything is."""

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
    """How many numbers examples and a teacher consist of.

    Parameters
    ----------
    layers
        Sizes of the teacher's layers, inputs and outputs included.
    examples
        In all splits.

    Raises
    ------
    ValueError
        More than any task needs, as a setting's check says it.
    """
    numbers = examples * sum(layers) + sum(map(math.prod, pairwise(layers)))
    if numbers > _MOST:
        raise ValueError(f"got sizes that make {numbers:.3g} numbers, expected at most {_MOST:.0e}")
    return numbers


def refuse_beyond_memory(name: str, layers: Sequence[int], examples: int) -> None:
    """Refuse what this machine's user does not allow; see `neurosim.gate.limits`.

    Raises
    ------
    DataError
        With both sizes.
    """
    check_size(drawn_numbers(layers, examples) * _BYTES_A_NUMBER, f"task {name}: what it draws")
