"""How the engine's programs are compiled."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from neurosim.engines.batched.host.cache import keep_programs

#: On the CPU, XLA by default copies a loop's state at each step where it cannot quickly see that it need not, and runs
#: what does not depend on each other side by side, at the price of handing over between threads. On the GPU it always
#: looks. LLVM holds back the widest vectors of processors that have them, which for arrays costs a tenth.
_OPTIONS = {"xla_cpu_copy_insertion_use_region_analysis": True, "xla_cpu_prefer_vector_width": 512}

#: A program takes some megabytes, which JAX would keep for ever.
_MOST = 64


def program(static: Sequence[int], donated: Sequence[int] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function when it is first called, with the options that suit loops over time.

    What was compiled for the last `_MOST` choices of the static arguments is kept.

    Parameters
    ----------
    static
        The first arguments, whose values each make a program of their own.
    donated
        As for `jax.jit`.
    """
    first = len(static)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.lru_cache(maxsize=_MOST)
        def compiled(*chosen: Any) -> Callable[..., Any]:
            keep_programs()
            given = functools.partial(function, *chosen)
            donate = [number - first for number in donated]
            return jax.jit(given, donate_argnums=donate, compiler_options=options())

        @functools.wraps(function)
        def call(*arguments: Any) -> Any:
            return compiled(*arguments[:first])(*arguments[first:])

        return call

    return decorate


@functools.cache
def options() -> dict[str, Any] | None:
    """The options, if this version of XLA knows them."""
    try:
        jax.jit(lambda number: number + 1, compiler_options=_OPTIONS)(np.float32(1))
    except jax.errors.JaxRuntimeError:
        return None
    return dict(_OPTIONS)
