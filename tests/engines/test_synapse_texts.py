"""What the texts of a synapse do: alike on both engines, and as a script of plain Brian2 that says the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from brian2 import ms

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Sparse
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.weights import Initial
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.state import initial_state
from neurosim.errors import CircuitError
from neurosim.neurons._model import NeuronModel
from neurosim.recording.simulate import simulate
from neurosim.rules._rule import Rule
from tests.engines.synapse_pair import DT, SENT, SETTING, STDP, both, pair, script

#: When a neuron crosses its threshold may depend on the last bit.
pytestmark = pytest.mark.usefixtures("compiles_optimised")

#: The same, as a user of Brian2 writes it.
TRACES = "w : 1\ndx/dt = -x/(20*ms) : 1 (clock-driven)\ndy/dt = -y/(30*ms) : 1 (clock-driven)"
PAIRS: dict[str, Any] = {"on_pre": "g_post += w\nx += 1\nw -= 0.015*y", "on_post": "y += 1\nw += 0.02*x"}


def test_traces_of_the_synapse_and_traces_of_the_neuron_are_those_of_brian2() -> None:
    made = pair(STDP)
    both(made).same_as(script(made, TRACES, **PAIRS))
    # z of both neurons is a trace that the reset increments: at the spike it does not yet hold it.
    made = pair(Rule(on_pre="w -= 0.02*z_post", on_post="w += 0.03*z_pre"))
    both(made).same_as(script(made, "w : 1", on_pre="g_post += w\nw -= 0.02*z_post", on_post="w += 0.03*z_pre"))


@pytest.mark.parametrize("connectivity", ["one_to_one", Sparse(0.6)], ids=str)
def test_not_all_are_joined(connectivity: Any) -> None:
    made = pair(STDP, connectivity=connectivity, sizes=(3, 3), delay="1 ms")
    given = SENT | {"b.i_ext": np.array([[1.3, 1.9, 2.2]])}
    both(made, given)


def test_statements_assign_locals_scale_and_clip() -> None:
    rule = Rule(
        traces="dx/dt = -x/tau_x : 1\ny : 1",
        on_pre="old = w\nw *= 1 - a*x\nw = clip(w + 0.02, 0.05, top)\nx += 1 + w - old\ny = v_post",
        on_post="step = x*int(w > 0.2)\nw /= 1 + a*step\ny *= 0.5",
        parameters={"tau_x": "20 ms", "a": 0.1, "top": 0.5},
        initial={"y": 0.5},
    )
    made = pair(rule)
    plain = script(
        made,
        "w : 1\ndx/dt = -x/(20*ms) : 1 (clock-driven)\ny : 1",
        initial={"y": 0.5},
        on_pre="g_post += w\nold = w\nw *= 1 - 0.1*x\nw = clip(w + 0.02, 0.05, 0.5)\nx += 1 + w - old\ny = v_post",
        on_post="step = x*int(w > 0.2)\nw /= 1 + 0.1*step\ny *= 0.5",
    )
    both(made).same_as(plain)


def test_a_spike_is_delivered_where_the_text_says_so() -> None:
    rule = Rule(
        traces="dx/dt = -x/tau_x : 1",
        on_pre="h_post -= 0.5*w*x\nw += 0.01\ng_post += w\nh_post += 0.1*w",
        parameters={"tau_x": "20 ms"},
        on_post="x += 1",
    )
    made = pair(rule)
    plain = script(
        made,
        "w : 1\ndx/dt = -x/(20*ms) : 1 (clock-driven)",
        on_pre="h_post -= 0.5*w*x\nw += 0.01\ng_post += w\nh_post += 0.1*w",
        on_post="x += 1",
    )
    both(made).same_as(plain)


def test_short_term_plasticity_releases_what_is_left() -> None:
    rule = Rule(
        traces="du/dt = -u/tau_f : 1\ndx/dt = (1 - x)/tau_d : 1",
        on_pre="u += U*(1 - u)\nrelease = u*x\nx -= release\ng_post += w*release",
        parameters={"tau_f": "30 ms", "tau_d": "50 ms", "U": 0.4},
        initial={"x": 1},
    )
    made = pair(rule)
    plain = script(
        made,
        "w : 1\ndu/dt = -u/(30*ms) : 1 (clock-driven)\ndx/dt = (1 - x)/(50*ms) : 1 (clock-driven)",
        initial={"x": 1},
        on_pre="u += 0.4*(1 - u)\nrelease = u*x\nx -= release\ng_post += w*release",
    )
    both(made).same_as(plain)


@pytest.mark.parametrize("connectivity", ["dense", Sparse(0.6), "one_to_one"], ids=str)
def test_gap_junctions_deliver_the_difference(connectivity: Any) -> None:
    sizes = (3, 3) if connectivity == "one_to_one" else (3, 2)
    given = SENT if sizes == (3, 2) else SENT | {"b.i_ext": np.array([[1.3, 1.9, 2.2]])}
    made = pair(source="a.v", target="b.k", delivers="w*(v_pre - v_post)", connectivity=connectivity, sizes=sizes)
    model = "w : 1\nk_post = w*(v_pre - v_post) : 1 (summed)"
    both(made, given).same_as(script(made, model, given=given))


def test_nmda_saturates() -> None:
    # The gate of each synapse opens with transmitter, a trace of the neuron in front, and what it passes is graded.
    rule = Rule(traces="ds/dt = -s/tau_s + alpha*z_pre*(1 - s) : 1", parameters={"tau_s": "40 ms", "alpha": "0.1 kHz"})
    made = pair(rule, source="a.z", target="b.k", delivers="w*s")
    model = "w : 1\nds/dt = -s/(40*ms) + 0.1*kHz*z_pre*(1 - s) : 1 (clock-driven)\nk_post = w*s : 1 (summed)"
    both(made).same_as(script(made, model, method="exponential_euler"))
    # Or at spikes of the neuron in front, whatever is graded.
    rule = Rule(traces="ds/dt = -s/tau_s : 1", on_pre="s += 0.5*(1 - s)", parameters={"tau_s": "40 ms"})
    made = pair(rule, source="a.v", target="b.k", delivers="w*s")
    model = "w : 1\nds/dt = -s/(40*ms) : 1 (clock-driven)\nk_post = w*s : 1 (summed)"
    both(made).same_as(script(made, model, on_pre="s += 0.5*(1 - s)"))


@pytest.mark.parametrize("delay", [0.0, 0.04, 0.05, 0.25, 0.35, 1.0, 2.15, 1000.0])
def test_a_delay_is_rounded_as_brian2_does(delay: float) -> None:
    made = pair(STDP, delay=f"{delay} ms")
    both(made).same_as(script(made, TRACES, **PAIRS, delay={"pre": delay * ms}))


@pytest.mark.parametrize("steps", [1, 7, 599, 700])
def test_what_is_graded_arrives_later(steps: int) -> None:
    made = pair(source="a.v", target="b.k", delay=steps * DT)
    found = both(made)
    sent = np.zeros_like(found.recorded["a.v"])
    sent[steps:] = found.recorded["a.v"][: len(sent) - steps if steps < len(sent) else 0]
    weights = np.random.default_rng(4).uniform(0.1, 0.6, (2, 3))
    np.testing.assert_allclose(found.recorded["b.k"], sent @ weights.T, atol=1e-12)
    # The neuron behind is seen as it is where it arrives.
    made = pair(source="a.v", target="b.k", delivers="w*(v_pre - v_post)", delay=steps * DT)
    found = both(made)
    sent[steps:] = found.recorded["a.v"][: len(sent) - steps if steps < len(sent) else 0]
    expected = sent @ weights.T - found.recorded["b.v"] * weights.sum(axis=1)
    np.testing.assert_allclose(found.recorded["b.k"], expected, atol=1e-12)


def test_a_line_that_is_zero_at_rest_delivers_nothing_before_the_first_value_has_arrived() -> None:
    settings: dict[str, Any] = {"parameters": {"tau": "5 ms", "rest": "-65 mV"}, "initial": {"v": "-65 mV"}}
    neuron = NeuronModel("dv/dt = (rest - v + k)/tau : volt\nup = v - rest : volt\nk : volt", **settings)
    populations = (Population("a", 1, neuron), Population("b", 1, neuron))
    made = [
        Circuit("joined", populations, (Pathway("J", "a.v", "b.k", delivers=text, initial=0.5, delay="1 ms"),))
        for text in ("w*(up_pre - up_post)", "w*(v_pre - v_post)")
    ]
    for circuit, first in zip(made, (0.0, 0.5 * 65e-3), strict=True):
        found = [simulate(circuit, "3 ms", engine=engine, record=["b.k", "b.v"]) for engine in ("batched", "brian")]
        np.testing.assert_allclose(found[0]["b.k"], found[1]["b.k"], rtol=1e-9, atol=1e-18)
        assert found[0]["b.k"].values[0, 0, 0] == pytest.approx(first)


def test_what_is_graded_and_opens_at_spikes_arrives_later() -> None:
    rule = Rule(traces="ds/dt = -s/tau_s : 1", on_pre="s += 0.5*(1 - s)", parameters={"tau_s": "8 ms"})
    options: dict[str, Any] = {"source": "a.v", "target": "b.k", "delivers": "w*s*(1 + v_pre)", "delay": "2 ms"}
    found = both(pair(rule, **options))
    at_once = both(pair(rule, **{**options, "delay": None, "delivers": "w*s"}))
    first, at_once_first = (np.flatnonzero(each.recorded["b.k"].any(axis=1))[0] for each in (found, at_once))
    assert first == 20 + at_once_first


@pytest.mark.parametrize(
    ("bounds", "least", "most"),
    [(("least", "most"), 0.15, 0.35), ((0.2, None), 0.2, 1e9), ((None, "0.4"), -1e9, 0.4), ((0, "most"), 0, 0.35)],
    ids=str,
)
def test_bounds_hold_after_every_change(bounds: Any, least: float, most: float) -> None:
    # Towards the bound that there is.
    up, down = (0.1 if most < 1 else 0.0), (0.1 if least >= 0 else 0.0)
    values = {**STDP.parameters, "least": 0.15, "most": 0.35, "up": up, "down": down}
    made = pair(replace(STDP, parameters=values), bounds=bounds)
    found = both(made)
    clipped = f"w = clip(w, {least}, {most})"
    found.same_as(
        script(
            made,
            TRACES,
            on_pre=f"g_post += w\nx += 1\nw -= {down}*y\n{clipped}",
            on_post=f"y += 1\nw += {up}*x\n{clipped}",
        )
    )
    weights = found.synapse["W.w"]
    assert ((weights >= least) & (weights <= most)).all() and np.isin(weights, [least, most]).any()


def test_weights_begin_within_their_bounds() -> None:
    made = pair(STDP, bounds=(0, 0.1))
    state = initial_state(made, 3)
    assert (state["W.w"] >= 0).all() and state["W.w"].max() == 0.1
    for engine in (BatchedEngine(made, SETTING), BrianEngine(made, SETTING)):
        with pytest.raises(
            CircuitError, match=r"'W.w' has weights beyond the bounds.* such as 0\.5; .* from 0 to 0\.1"
        ):
            engine.run(state | {"W.w": np.full((2, 3), 0.5)}, SENT, trials=1)


def test_several_rules_act_each_at_its_moment() -> None:
    drift = Rule("w -= dt*rate*w", timing="step", parameters={"rate": "2 Hz"}, name="drift")
    marks = Rule("w += 0.01*x", traces=STDP.traces.splitlines()[0], parameters={"tau_x": "20 ms"}, name="marks")
    before = Rule("w += 0.05*(0.5 - w)", timing="presentation", name="before")
    found = both(pair(STDP, drift, marks, before, bounds=(0, 0.45)))
    alone = both(pair(STDP, bounds=(0, 0.45)))
    assert not np.allclose(found.synapse["W.w"], alone.synapse["W.w"])
    # Two rules of one moment are one text.
    twice = both(pair(replace(STDP, name="one"), replace(drift, name="two"), replace(drift, name="three")))
    faster = replace(drift, parameters={"rate": "4 Hz"})
    np.testing.assert_allclose(twice.synapse["W.w"], both(pair(STDP, faster)).synapse["W.w"], atol=1e-12)


def test_units_stay_with_what_texts_compute() -> None:
    lines = "dv/dt = (i_ext + (g*(50*mV - v) + k)/nS - v)/(10*ms) : volt\ndg/dt = -g/(5*ms) : siemens"
    lines += "\ni_ext : volt\nk : amp"
    cell = NeuronModel(lines, threshold="v > 20*mV", reset="v = 0*mV")
    rule = Rule(
        traces="da/dt = -a/tau : hertz\ndu/dt = (v_post - u)/tau : volt",
        on_pre="g_post += gain*w*nS\na += 1/tau\nw += 0.01*tau*a",
        on_post="w += rise*(u - low)",
        parameters={"tau": "7 ms", "rise": 3.0, "low": "2 mV", "gain": 0.2},
        initial={"u": "1 mV"},
    )
    graded = "w*conductance*(v_pre + 1*mV - v_post)*(1 + tau*a)"
    leaks = Rule(
        traces="da/dt = -a/tau : hertz", on_pre="a += 1/tau", parameters={"tau": "7 ms", "conductance": "0.3 nS"}
    )
    start = Initial("constant", 0.5, None)
    pathways = (
        Pathway("W", "a.spikes", "b.g", rule=rule, initial=start),
        Pathway("J", "a.v", "b.k", rule=leaks, delivers=graded, initial=start, delay="0.5 ms"),
    )
    made = Circuit(
        "units", (Population("a", 2, cell), Population("b", 1, cell)), pathways, (Phase("all", "50 ms", learn=("W",)),)
    )
    given = {"a.i_ext": np.array([[0.025, 0.035]]), "b.i_ext": np.array([[0.022]])}
    results = []
    for engine in (BatchedEngine(made, SETTING), BrianEngine(made, SETTING)):
        after, outputs = engine.run(initial_state(made, 0), given, trials=1, record=["b.v", "b.k", "b.spikes"])
        results.append({**outputs.recordings, "W.w": after["W.w"]})
    assert np.any(results[0]["b.spikes"]) and np.any(results[0]["b.k"])
    for name, array in results[0].items():
        np.testing.assert_allclose(array, results[1][name], rtol=1e-9, atol=1e-20, err_msg=name)
