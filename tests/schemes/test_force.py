"""FORCE: recursive least squares of the readout, as written by hand, and what comes of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state, weights_of
from neurosim.engines.stimuli import Stimulus
from neurosim.errors import ConfigError
from neurosim.networks import Part, recurrent
from neurosim.schemes import force
from tests.schemes import in_time

STEPS = 25


def built(settings: dict[str, Any] | None = None, steps: int = STEPS, n_outputs: int = 2, **network: Any) -> Circuit:
    task: Any = SimpleNamespace(n_inputs=3, n_outputs=n_outputs, steps=steps, dt=in_time.DT)
    given = {"hidden": (6,), "neuron": {"kind": "leaky_rate", "tau_m": "5 ms"}, "gain": 1.5, "initial": 0.5, **network}
    given = {name: Part.model_validate(each) if name.endswith("neuron") else each for name, each in given.items()}
    return force.build(force.Config(**(settings or {})), recurrent.Config.model_validate(given), task)


@pytest.mark.parametrize(("engine", "every"), [(BatchedEngine, 1), (BatchedEngine, 2), (BrianEngine, 2)])
def test_it_is_recursive_least_squares(engine: type, every: int) -> None:
    circuit = built({"alpha": 0.5, "every": every})
    given = {name: array[:1] for name, array in in_time.trials(STEPS).items()}
    state = initial_state(circuit, 0)
    after, _ = engine(circuit, in_time.SETTING).run(state, in_time.stimuli(given))
    w = {name: weights_of(circuit, state, name) for name in ("R1", "Win1", "b1", "Wout", "bout", "F1")}
    v, inverse, out = state["hidden1.v"].copy(), np.eye(6) / 0.5, w["Wout"].copy()
    for step in range(STEPS + 1):
        r = np.tanh(v)
        y = out @ r + w["bout"][:, 0]
        x = given["x"][0, step] if step < STEPS else np.zeros(3)
        v = v + 0.2 * (w["R1"] @ r + w["Win1"] @ x + w["b1"][:, 0] + w["F1"] @ y - v)
        if step and step % every == 0 and given["mask"][0, step - 1, 0] > 0:
            gain = inverse @ r / (1 + r @ inverse @ r)
            inverse = inverse - np.outer(gain, inverse @ r)
            out = out - np.outer(y - given["target"][0, step - 1], gain)
    np.testing.assert_allclose(weights_of(circuit, after, "P"), inverse, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(weights_of(circuit, after, "Wout"), out, rtol=1e-9, atol=1e-12)
    assert np.abs(out - w["Wout"]).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_chaotic_network_follows_from_the_start(seed: int) -> None:
    # Time constant 10 ms, ten steps of the engine each; the target has periods of 1200, 600, 400 and 300 ms.
    steps, period = 7200, 1200
    circuit = built(
        {"every": 2, "carry": True}, steps, 1,
        hidden=(300,), neuron={"kind": "leaky_rate", "tau_m": "10 ms"}, initial=0.5, bias=False, output_weights=0.0,
        autapses=True,
    )  # fmt: skip
    time = np.arange(steps + 1)
    parts = ((1, 1.0), (2, 0.5), (3, 1 / 6), (4, 1 / 3))
    wave: Any = 1.3 / 1.5 * sum(share * np.sin(2 * np.pi * k * time / period) for k, share in parts)

    def shown(first: int, count: int) -> dict[str, Stimulus]:
        courses = {"input.r": np.zeros((1, count, 3)), "output.target": wave[first : first + count].reshape(1, -1, 1)}
        courses["output.mask"] = np.full((1, count, 1), 1.0)
        return {name: Stimulus(course, "course") for name, course in courses.items()}

    engine = BatchedEngine(circuit, Setting("rate", in_time.DT, "float64"))
    _, outputs = engine.run(initial_state(circuit, seed), shown(0, steps + 1), record=("output.y",))
    # How near depends on the network drawn: over eight seeds .02 to .08; the target's own root mean square is .75.
    for part in (slice(0, 600), slice(steps + 1 - period, steps + 1)):
        error = outputs.recordings["output.y"][part, 0, 0] - wave[part]
        assert np.sqrt(np.mean(error**2)) < 0.15


@pytest.mark.parametrize(
    ("network", "key"),
    [
        ({"output_neuron": {"kind": "leaky_rate", "activation": "identity"}}, "network.output_neuron.kind"),
    ],
)
def test_what_least_squares_are_not_written_for_is_refused(network: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=r"'force'.*expected") as refused:
        built(**network)
    assert refused.value.faults[0][0] == key


def test_populations_that_are_read_together_are_one() -> None:
    circuit = built({"alpha": 0.5}, hidden=(4, 3), readout_from="all")
    given = {name: array[:1] for name, array in in_time.trials(STEPS).items()}
    state = initial_state(circuit, 0)
    after, outputs = BatchedEngine(circuit, in_time.SETTING).run(
        state, in_time.stimuli(given), record=("hidden1.r", "hidden2.r", "output.mask")
    )
    rates = np.concatenate([outputs.recordings[f"hidden{n}.r"][:, 0] for n in (1, 2)], axis=1)
    counted = outputs.recordings["output.mask"][:, 0, 0] > 0
    expected = np.linalg.inv(0.5 * np.eye(7) + rates[counted].T @ rates[counted])
    blocks = [[weights_of(circuit, after, f"P{pre}_{post}") for pre in (1, 2)] for post in (1, 2)]
    np.testing.assert_allclose(np.block(blocks), expected, rtol=1e-9, atol=1e-12)
