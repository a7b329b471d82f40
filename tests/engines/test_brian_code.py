"""What Brian2 is given to compile is the same in every run, so that it compiles nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject

from neurosim.circuit.circuit import Circuit
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state

SETTING = Setting("rate", 1e-3, "float64")


@pytest.mark.parametrize("scheme", ["node_perturbation", "continuous_node_perturbation", "weight_mirror"])
def test_the_second_run_brings_no_new_code(
    scheme: str,
    build: Callable[..., Circuit],
    stimuli: Callable[[int], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    circuit, seen = build(scheme), set()
    compile_block = NumpyCodeObject.compile_block

    def noted(self: Any, block: str) -> Any:
        seen.add((self.name, block, str(getattr(self.code, block, "")), *sorted(self.variables)))
        return compile_block(self, block)

    monkeypatch.setattr(NumpyCodeObject, "compile_block", noted)

    def run() -> int:
        state = initial_state(circuit, 0)
        BrianEngine(circuit, SETTING).run(state, stimuli(2), batch=1, record=("hidden1.r",), report=("loss",))
        return len(seen)

    assert 0 < run() == run()
