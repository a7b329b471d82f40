"""How the engine's programs are compiled."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax
import numpy as np

from neurosim.engines.batched.host.cache import keep_programs

#: On the CPU, XLA by default copies a loop's state at each step where it cannot quickly see that it need not, and runs
#: what does not depend on each other side by side, at the price of handing over between threads. On the GPU it always
#: looks. LLVM holds back the widest vectors of processors that have them, which for arrays costs a tenth.
OPTIONS = {"xla_cpu_copy_insertion_use_region_analysis": True, "xla_cpu_prefer_vector_width": 512}

#: The option that is safe only where XLA makes no small loop a call, and what marks such a call in a compiled program.
LOOKING, CALL = "xla_cpu_copy_insertion_use_region_analysis", "xla_cpu_small_call"

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
            return _Compiled(functools.partial(function, **static), tuple(donated))

        @functools.wraps(function)
        def call(*arrays: Any, **static: Any) -> Any:
            return compiled(**static)(*arrays)

        return call

    return decorate


class _Compiled:
    """A function compiled with all options where that is safe, and without `LOOKING` elsewhere.

    With `LOOKING`, XLA leaves out a copy where it can order what reads an array before what overwrites it. It then
    turns loops that touch less than a kilobyte at a time into calls, and forgets their order: such a loop may read what
    is already overwritten, and its numbers are wrong without a word. A program with such a call is compiled again.
    """

    def __init__(self, function: Callable[..., Any], donated: tuple[int, ...]) -> None:
        given = options()
        plain = None if given is None else {name: value for name, value in given.items() if name != LOOKING}
        self.looking, self.plain = (
            jax.jit(function, donate_argnums=donated, compiler_options=chosen) for chosen in (given, plain)
        )
        self.chosen: dict[Hashable, Callable[..., Any]] = {}
        self.asks = given != plain

    def __call__(self, *arrays: Any) -> Any:
        leaves, structure = jax.tree.flatten(arrays)
        if not self.asks or any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            # What a function with tracers becomes is compiled by what surrounds it, and not seen here.
            return self.plain(*arrays)
        kinds = (structure, tuple((np.shape(leaf), getattr(leaf, "dtype", type(leaf))) for leaf in leaves))
        if kinds not in self.chosen:
            self.chosen[kinds] = self.looking if self.safe(arrays) else self.plain
        return self.chosen[kinds](*arrays)

    def safe(self, arrays: tuple[Any, ...]) -> bool:
        """Whether the program shows that no loop has become a call. JAX keeps it, and does not compile it again."""
        text = self.looking.lower(*arrays).compile().as_text()
        return text is not None and CALL not in text


@functools.cache
def options() -> dict[str, Any] | None:
    """The options, if this version of XLA knows them."""
    try:
        jax.jit(lambda number: number + 1, compiler_options=OPTIONS)(np.float32(1))
    except jax.errors.JaxRuntimeError:
        return None
    return dict(OPTIONS)
