"""Synapses drawn at random: whatever their texts, delays and bounds, both engines run them alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Sparse
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.weights import Initial
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.neurons._model import NeuronModel
from neurosim.rules._rule import Rule

SETTING = Setting("spiking", dt=5e-4, dtype="float64")
CELL = NeuronModel(
    "dv/dt = (i_ext + g + k - v)/(5*ms) : 1\ndg/dt = -g/(3*ms) : 1\ndz/dt = -z/(6*ms) : 1\ni_ext : 1\nk : 1",
    threshold="v > 1",
    reset="v = 0\nz += 1",
)
TRACES = "dx/dt = -x/(7*ms) : 1\ndy/dt = (z_pre - y)/(9*ms) : 1\nq = x - 0.5*y : 1"
#: What texts are made of: all of them stay small, whatever they are combined with.
FACTORS = ["x", "y", "q", "w", "z_post", "z_pre", "(1 - w)", "clip(v_post, -1, 1)", "exp(-x)", "int(x > y)", "bias"]
#: Statements at spikes; braces take products of factors.
TRACED = ["x += {}", "x = clip({}, -2, 2)", "x *= 0.5", "y -= 0.1*{}", "part = {}\nx += 0.3*part"]
LEARNED = ["w += 0.1*{}", "w -= 0.1*{}", "w *= 0.9", "w = clip(w + 0.2*{}, -1, 1)", "w /= 1.1"]
UPDATES = ["w += dt*({})*(10*Hz)", "w -= 0.01*{}"]


@st.composite
def products(draw: Any) -> str:
    """A product of a few factors."""
    return "*".join(draw(st.lists(st.sampled_from(FACTORS), min_size=1, max_size=3)))


@st.composite
def statements(draw: Any, deliveries: tuple[str, ...] = ()) -> str:
    """A text at spikes."""
    lines = draw(st.lists(st.sampled_from([*TRACED, *LEARNED, *deliveries]), min_size=1, max_size=4))
    return "\n".join(line.format(draw(products())) for line in lines)


@dataclass(frozen=True)
class Drawn:
    """A pathway."""

    options: dict[str, Any]
    rules: tuple[Rule, ...]


@st.composite
def pathways(draw: Any) -> Drawn:
    """What one pathway says."""
    graded = draw(st.booleans())
    # What is delivered at spikes must not change what the text reads.
    on_pre = draw(statements(() if graded else ("g_post += 0.3*{}", "g_post -= 0.1*w")))
    rules = [Rule(traces=TRACES, on_pre=on_pre, on_post=draw(statements()), parameters={"bias": 0.4}, name="spikes")]
    if draw(st.booleans()):
        update = draw(st.sampled_from(UPDATES)).format(draw(st.sampled_from(["x", "y*w", "z_post*x", "z_pre", "w"])))
        timing = "step" if "dt" in update else draw(st.sampled_from(["step", "phase_end"]))
        rules.append(Rule(update, traces=TRACES, timing=timing, name="moment"))
    options: dict[str, Any] = {
        "source": "a.v" if graded else "a.spikes",
        "target": "b.k" if graded else "b.g",
        "delay": draw(st.sampled_from([None, "0.5 ms", "0.75 ms", "3 ms", "40 ms", "(1 + abs(i - j))*0.6*ms"])),
        "bounds": draw(st.sampled_from([None, (0, 0.6), ("-0.1", None), (None, "bias")])),
        "connectivity": draw(st.sampled_from(["dense", Sparse(0.7), "one_to_one"])),
    }
    if draw(st.booleans()) or graded:
        options["delivers"] = draw(st.sampled_from(["w*x", "w*(0.2 + z_pre)", "0.5*w", "w*q"]))
    return Drawn(options, tuple(rules))


def alike(drawn: Drawn, seed: int, restart: bool) -> None:
    weights = Pathway("W", rule=drawn.rules, initial=Initial("uniform", 0.5), **drawn.options)
    # The way back, so that what is learned comes round.
    back = Pathway("B", "b.spikes", "a.g", initial=Initial("uniform", 0.3), delay="1 ms")
    learn = ("W",) if weights.synapse.learns else ()
    phases = (
        Phase("first", "10 ms", learn=learn),
        Phase("second", "8 ms"),
        Phase("third", "10 ms", learn=learn, restart=restart),
    )
    made = Circuit("drawn", (Population("a", 3, CELL), Population("b", 3, CELL)), (weights, back), phases)
    state = initial_state(made, seed)
    given = {f"{name}.i_ext": np.random.default_rng(seed).uniform(0.8, 3, (1, 3)) for name in "ab"}
    record = ["a.spikes", "b.spikes", "b.v", "b.g"]
    results = []
    for engine in (BatchedEngine(made, SETTING), BrianEngine(made, SETTING)):
        after, outputs = engine.run(state, given, trials=1, record=record, keep=True)
        assert outputs.end is not None
        results.append({**after, **outputs.recordings, **outputs.end.values})
    for name, array in results[0].items():
        if name in results[1]:
            np.testing.assert_allclose(array, results[1][name], rtol=1e-9, atol=1e-9, err_msg=name)


@settings(max_examples=18)
@given(drawn=pathways(), seed=st.integers(0, 1000), restart=st.booleans())
def test_both_engines_run_synapses_alike(drawn: Drawn, seed: int, restart: bool) -> None:
    alike(drawn, seed, restart)


@pytest.mark.slow
@settings(max_examples=200)
@given(drawn=pathways(), seed=st.integers(0, 1000), restart=st.booleans())
def test_both_engines_run_many_synapses_alike(drawn: Drawn, seed: int, restart: bool) -> None:
    alike(drawn, seed, restart)
