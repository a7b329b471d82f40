"""A simulation in which no rule acts says so, unless that is meant."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.errors import ArgumentError, NeurosimWarning
from neurosim.neurons._model import NeuronModel
from neurosim.recording.simulate import simulate
from neurosim.rules._rule import Rule

GROWS = Rule("w += learning_rate*r_pre", parameters={"learning_rate": 0.1}, timing="step")
RATE = NeuronModel("dv/dt = (drive - v)/(5*ms) : 1\ndrive : 1\nr = v : 1", initial={"v": 1})


def _pair(**changes: Any) -> Circuit:
    pathway = Pathway("W", "a.r", "b.drive", **{"rule": GROWS, **changes})
    return Circuit("pair", (Population("a", 2, RATE), Population("b", 3, RATE)), (pathway,), ())


@pytest.mark.parametrize("engine", ["batched", "brian"])
@pytest.mark.parametrize("duration", [None, "2 ms"])
def test_rules_that_do_not_act_are_told_of(duration: str | None, engine: Any) -> None:
    circuit = replace(_pair(), phases=(Phase("all", "2 ms"),))
    with pytest.warns(NeurosimWarning, match="pathways W do not act.*say learn=False") as caught:
        simulate(circuit, duration, engine=engine)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error", NeurosimWarning)
        simulate(circuit, duration, engine=engine, learn=False)
        simulate(_pair(rule=Rule(name="fixed")), "2 ms", engine=engine)
        with pytest.raises(NeurosimWarning):
            simulate(circuit, duration, engine=engine)
    with pytest.raises(ArgumentError, match=r"learn: got True, expected False.*act in no phase that runs"):
        simulate(circuit, duration, engine=engine, learn=True)
