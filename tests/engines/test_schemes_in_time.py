"""Every scheme of learning in time changes weights alike on both engines, or is refused by Brian2 with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.state import initial_state
from neurosim.engines.stimuli import Stimulus
from neurosim.errors import NeurosimError
from neurosim.networks import Part, recurrent
from neurosim.schemes._pairing import schemes_on
from tests.schemes import in_time

#: What only an engine that differentiates can run.
DERIVED = ("bptt", "rtrl")
NEURONS: dict[str, dict[str, str]] = {
    "rflo": {"kind": "low_passed_rate"},
    "node_perturbation_in_time": {"kind": "leaky_rate", "noise_site": "current"},
}


@pytest.mark.parametrize("scheme", schemes_on("recurrent"))
def test_weights_after_a_batch(scheme: str) -> None:
    module, task = registry.load("schemes", scheme), in_time.TASK
    config: Any = module.Config()
    neuron = Part.model_validate({**NEURONS.get(scheme, {"kind": "leaky_rate"}), "tau_m": "5 ms"})
    circuit = module.build(config, recurrent.Config(hidden=(4,), neuron=neuron, initial=0.3), task)
    given = {name: array[:1] if scheme == "force" else array[:2] for name, array in in_time.trials().items()}
    # Each phase presents the trial anew.
    shown = {
        name: Stimulus(np.tile(course.values, (1, len(circuit.phases), 1)), "course")
        for name, course in in_time.stimuli(given).items()
    }
    state = initial_state(circuit, 0)
    if scheme in DERIVED:
        with pytest.raises(NeurosimError, match="gradient"):
            BrianEngine(circuit, in_time.SETTING).run(state, shown)
        return
    report, last = ("total_loss",), circuit.phases[-1].name
    got, ends = BatchedEngine(circuit, in_time.SETTING).run(state, shown, report=report)
    expected, same = BrianEngine(circuit, in_time.SETTING).run(state, shown, report=report)
    assert ends.ends[last]["total_loss"] == pytest.approx(same.ends[last]["total_loss"], rel=1e-9)
    learned = [f"{pathway.name}.w" for pathway in circuit.owners]
    assert any((expected[name] != state[name]).any() for name in learned)
    for name in learned:
        assert got[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-12), name
