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
OPTIONS = {"xla_cpu_copy_insertion_use_region_analysis": True, "xla_cpu_prefer_vector_width": 512}

#: A program takes some megabytes, which JAX would keep for ever.
MOST_PROGRAMS = 64


def program(*, donated: Sequence[int] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function when it is first called, with the options that suit loops over time.

    Its positional arguments are arrays. Its keyword arguments are static: hashable, and each choice of them makes a
    program of its own, of which the last `MOST_PROGRAMS` are kept.

    Parameters
    ----------
    donated
        Positional arguments whose memory the program may reuse, as for `jax.jit`.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.lru_cache(maxsize=MOST_PROGRAMS)
        def compiled(**static: Any) -> Callable[..., Any]:
            keep_programs()
            given = functools.partial(function, **static)
            return jax.jit(given, donate_argnums=donated, compiler_options=options())

        @functools.wraps(function)
        def call(*arrays: Any, **static: Any) -> Any:
            return compiled(**static)(*arrays)

        return call

    return decorate


@functools.cache
def options() -> dict[str, Any] | None:
    """The options, if this version of XLA knows them."""
    try:
        jax.jit(lambda number: number + 1, compiler_options=OPTIONS)(np.float32(1))
    except jax.errors.JaxRuntimeError:
        return None
    return dict(OPTIONS)
