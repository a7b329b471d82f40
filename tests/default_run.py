"""What runs by default, and what `make test-all` adds to it: one case of each kind, and all the others.

Nearly all the time of the tests is compiling. Parts meet each other in few ways: a scheme meets a convolution in the
shapes of its rules, a readout in its error. So where a family of cases combines parts that are tested elsewhere, one
case of each kind runs by default, and the other cases of that kind are slow.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

import pytest

from neurosim.schemes._pairing import schemes_on

#: The schemes of layered networks.
LAYERED: tuple[str, ...] = tuple(schemes_on("layered"))
#: How schemes teach.
MECHANISMS: dict[str, tuple[str, ...]] = {
    "errors sent back": ("backpropagation", "feedback_alignment", "pseudobackprop", "sign_symmetry"),
    "feedback that learns with the weights": (
        "kolen_pollack",
        "own_rule",
        "activation_alignment",
        "symmetric_alignment",
    ),
    "noise of neurons": ("node_perturbation", "node_perturbation_only", "vector_response"),
    "noise of weights": ("weight_perturbation",),
    "noise of a mirror": ("information_alignment", "weight_mirror"),
    "rules at every step": ("continuous_node_perturbation", "continuous_weight_mirror"),
    "gradients through time": ("bptt", "rtrl"),
    "noise in time": ("node_perturbation_in_time", "uoro", "weight_perturbation_in_time"),
    "traces in time": ("eprop", "readout_only", "rflo"),
    "least squares in time": ("force",),
    "loops that invert": ("dynamic_inversion", "nondynamic_inversion", "single_loop_dynamic_inversion"),
}


def mechanism(scheme: str, *_: Any) -> str:
    """How a scheme teaches; one that is not listed is a kind of its own, so that it runs by default."""
    return next((kind for kind, schemes in MECHANISMS.items() if scheme in schemes), scheme)


def one_of_each(cases: Iterable[Any], kind: Callable[..., Hashable | None]) -> list[Any]:
    """Parameters of a test, of which the first of each kind runs by default; the others are slow.

    `kind` gets the values of a case. Cases of the kind None always run by default: they cost next to nothing, such as
    refusals. A case that is slow already stands for none.
    """
    found, seen = list[Any](), set[Hashable]()
    for case in cases:
        given = case if hasattr(case, "marks") else pytest.param(*(case if isinstance(case, tuple) else (case,)))
        own, slow = kind(*given.values), any(mark.name == "slow" for mark in given.marks)
        if own is not None and own in seen:
            given = pytest.param(*given.values, id=given.id, marks=[*given.marks, pytest.mark.slow])
        elif not slow:
            seen.add(own)
        found.append(given)
    return found


def of_each_mechanism(cases: Iterable[Any], refused: Iterable[str] = ()) -> list[Any]:
    """Cases that begin with a scheme: by default one of each way to teach, and schemes that are refused at once."""
    return one_of_each(cases, lambda scheme, *_: None if scheme in set(refused) else mechanism(scheme))
