"""How the engine's programs are compiled."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from neurosim.engines.batched.cache import keep_programs

#: On the CPU, XLA by default copies a loop's state at each step where it cannot quickly see that it need not, and runs
#: what does not depend on each other side by side, at the price of handing over between threads. On the GPU it always
#: looks. LLVM holds back the widest vectors of processors that have them, which for arrays costs a tenth.
_OPTIONS = {"xla_cpu_copy_insertion_use_region_analysis": True, "xla_cpu_prefer_vector_width": 512}


def program(static: Sequence[int], donated: Sequence[int] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function when it is first called, with the options that suit loops over time.

    Parameters
    ----------
    static, donated
        As for `jax.jit`.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.cache
        def compiled() -> Callable[..., Any]:
            keep_programs()
            return jax.jit(function, static_argnums=static, donate_argnums=donated, compiler_options=options())

        @functools.wraps(function)
        def call(*arguments: Any) -> Any:
            return compiled()(*arguments)

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
