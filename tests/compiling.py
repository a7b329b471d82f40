"""How XLA compiles the programs of tests: they run for milliseconds, and optimising takes half of compiling."""

from __future__ import annotations

from typing import Any

#: Flags of a process.
UNOPTIMISED = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
#: Options of a program that is compiled as users' are, whatever the flags.
OPTIMISED: dict[str, Any] = {"xla_backend_optimization_level": 3, "xla_llvm_disable_expensive_passes": False}
