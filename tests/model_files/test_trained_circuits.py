"""A circuit written beside a task is trained as it is, and refused where it does not fit the task."""

from __future__ import annotations

import tomllib

import pytest

import neurosim
from neurosim.errors import ConfigError

TRAINED = """
[task]
kind = "linear_regression"
[circuit]
readout = "squared_error"
output = "output.r"
[populations.input]
size = 30
neuron = "stimulus"
[populations.output]
size = 10
equations = "dv/dt = (drive - v)/tau : 1\\ndrive : 1\\nr = v : 1\\ndelta_held : 1"
parameters = { tau = "10 ms" }
[pathways.W]
source = "input.r"
target = "output.drive"
initial = { scale = 0.1 }
rule = { update = "w -= learning_rate*delta_held_post*r_pre", parameters = { learning_rate = 0.05 } }
[phases.clean]
duration = "50 ms"
hold = ["output.delta_held = error"]
learn = ["W"]
[engine]
level = "steady"
[training]
epochs = 1
measure_every = 0
"""


def test_a_circuit_beside_a_task_is_trained(tmp_path):
    run = neurosim.train(tomllib.loads(TRAINED), out=tmp_path / "run")
    assert run.summary["test_loss"] < 0.1 * float(run.history.validation_loss[0])
    assert neurosim.load(tmp_path / "run" / "config.toml").circuit == neurosim.load(tomllib.loads(TRAINED)).circuit


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("populations.input.size=3", "populations.input.size: got 3, expected 30, the inputs of the task"),
        ("populations.output.size=3", "populations.output.size: got 3, expected 10, the outputs of the task"),
        ("circuit={}", "expected section.key=value"),
        ("circuit.readout=cross_entropy", "circuit.readout: got 'cross_entropy', whose targets"),
        ("scheme.kind=backpropagation", "scheme: unknown section beside populations"),
        ("simulation.trials=3", "simulation: unknown section"),
        ("pathways.W.source=input.x", "pathways.W.source: .*'input.x'"),
    ],
)
def test_a_circuit_that_does_not_fit_a_task_is_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        _ = neurosim.load(tomllib.loads(TRAINED), [override]).circuit
