"""Rules that are on the shelf: each against a script of plain Brian2, an event by event sum, or its closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.weights import Initial, Tie
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state
from neurosim.neurons._model import NeuronModel
from neurosim.rules._rule import Rule
from tests.engines.synapse_pair import both, pair, script

#: Fires with a period of its own, first when its state says so.
CLOCK = NeuronModel("dv/dt = 1/ms : 1\nperiod : 1\ndg/dt = -g/(5*ms) : 1", threshold="v > period", reset="v -= period")
MILLISECONDS = Setting("spiking", dt=1e-3, dtype="float64")


def shelf(name: str, **parameters: Any) -> Rule:
    rule = registry.load("rules", name).RULE
    return replace(rule, parameters={**rule.parameters, **parameters})


TRACES = "w : 1\ndx/dt = -x/(20*ms) : 1 (clock-driven)\ndy/dt = -y/(20*ms) : 1 (clock-driven)"


def test_changes_that_depend_on_the_weight_are_those_of_brian2() -> None:
    made = pair(shelf("stdp_multiplicative", a_plus=0.04, a_minus=0.05, w_max=0.6))
    plain = script(made, TRACES, on_pre="g_post += w\nx += 1\nw -= 0.05*w*y", on_post="y += 1\nw += 0.04*(0.6 - w)*x")
    both(made).same_as(plain)
    made = pair(shelf("stdp_power_law", rate=0.05, alpha=1.1, w_0=0.5), bounds=(0, None))
    plain = script(
        made,
        TRACES,
        on_pre="g_post += w\nx += 1\nw = clip(w - 0.05*1.1*w*y, 0, 1e9)",
        on_post="y += 1\nw = clip(w + 0.05*0.5**0.6*w**0.4*x, 0, 1e9)",
    )
    both(made).same_as(plain)


def test_triplets_and_inhibition_are_those_of_brian2() -> None:
    amplitudes = {"a_plus": 0.01, "a_minus": 0.02, "a_plus_triplet": 0.03, "a_minus_triplet": 0.005}
    made = pair(shelf("stdp_triplet", **amplitudes))
    plain = script(
        made,
        "w : 1\ndr1/dt = -r1/(20*ms) : 1 (clock-driven)\ndr2/dt = -r2/(100*ms) : 1 (clock-driven)\n"
        "do1/dt = -o1/(35*ms) : 1 (clock-driven)\ndo2/dt = -o2/(110*ms) : 1 (clock-driven)",
        on_pre="g_post += w\nw -= o1*(0.02 + 0.005*r2)\nr1 += 1\nr2 += 1",
        on_post="w += r1*(0.01 + 0.03*o2)\no1 += 1\no2 += 1",
    )
    both(made).same_as(plain)
    made = pair(shelf("stdp_inhibitory", learning_rate=0.02, target_rate="30 Hz"), bounds=(0, None))
    plain = script(
        made,
        TRACES,
        on_pre="g_post += w\nx += 1\nw = clip(w + 0.02*(y - 2*30*0.02), 0, 1e9)",
        on_post="y += 1\nw = clip(w + 0.02*x, 0, 1e9)",
    )
    both(made).same_as(plain)


def test_short_term_plasticity_is_that_of_brian2_and_settles_where_it_should() -> None:
    rule = shelf("short_term_plasticity", use=0.2, tau_facilitation="60 ms", tau_recovery="30 ms")
    made = pair(rule, delivers="w*release")
    plain = script(
        made,
        "w : 1\ndu/dt = -u/(60*ms) : 1 (clock-driven)\ndx/dt = (1 - x)/(30*ms) : 1 (clock-driven)",
        initial={"x": 1},
        on_pre="u += 0.2*(1 - u)\nr = u*x\nx -= r\ng_post += w*r",
    )
    both(made).same_as(plain)
    # A train of one spike each 25 ms: what is left before a spike, and the facilitation at it, repeat themselves.
    sent = clocked(rule, periods=[25.0], leads=[0.0], duration="600 ms", delivers="w*release")[1]
    facilitation = np.exp(-25 / 60)
    u = 0.2 / (1 - 0.8 * facilitation)
    recovery = np.exp(-25 / 30)
    x = (1 - recovery) / (1 - (1 - u) * recovery)
    jumps = np.diff(sent[:, 0]) + (1 - np.exp(-0.2)) * sent[:-1, 0]
    assert jumps[jumps > 0.01][-1] == pytest.approx(u * x * np.exp(-0.0), rel=1e-3)


def clocked(
    rule: Rule, *, periods: Any, leads: Any, duration: str = "1 second", **options: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The change of each weight, and what is delivered, where pairs of neurons fire, the first so many ms ahead."""
    size = len(periods)
    ends = (Population("a", size, CLOCK), Population("b", size, CLOCK))
    pathway = Pathway(
        "W", "a.spikes", "b.g", rule=rule, connectivity="one_to_one", initial=Initial("constant", 1.0, None), **options
    )
    phase = Phase("all", duration, learn=("W",) if rule.learns else ())
    made = Circuit("pairs", ends, (pathway,), (phase,))
    periods, leads = np.asarray(periods, dtype=float), np.asarray(leads, dtype=float)
    state = initial_state(made, 0)
    # The first spikes are half a period from the beginning, so that none comes before it.
    state |= {"a.v": periods / 2 + leads / 2, "b.v": periods / 2 - leads / 2}
    state |= {"a.period": periods - 0.5, "b.period": periods - 0.5}
    state |= {"a.v": state["a.v"] - 0.5, "b.v": state["b.v"] - 0.5}
    given = {"a.period": periods[None], "b.period": periods[None]}
    after, outputs = BatchedEngine(made, MILLISECONDS).run(state, given, trials=1, record=["b.g"])
    return np.asarray(after["W.w"]).ravel() - 1, np.asarray(outputs.recordings["b.g"])[:, 0]


def test_a_pair_of_spikes_draws_the_window() -> None:
    leads = np.array([-60, -40, -20, -10, -2, 2, 10, 20, 40, 60])
    rule = shelf("stdp_pair", a_plus=0.01, a_minus=0.012, tau_minus="30 ms")
    change, _ = clocked(rule, periods=np.full(10, 2000.0), leads=leads, duration="1.4 second")
    expected = np.where(leads > 0, 0.01 * np.exp(-leads / 20), -0.012 * np.exp(leads / 30))
    np.testing.assert_allclose(change, expected, rtol=1e-9)


def test_triplets_make_pairing_depend_on_the_frequency() -> None:
    rates = np.array([1, 10, 20, 40, 50.0])
    amplitudes = {"a_plus": 0.0, "a_minus": 7e-3, "a_plus_triplet": 6.5e-3, "a_minus_triplet": 0.0}
    rule = shelf("stdp_triplet", **amplitudes)
    periods = np.tile(1000 / rates, 2)
    leads = np.repeat([10.0, -10.0], 5)
    change, _ = clocked(rule, periods=periods, leads=leads, duration="5 second")
    each = change / (5 * np.tile(rates, 2))
    first, second = each[:5], each[5:]
    # Ahead by 10 ms: nothing at low, potentiation at high frequency. Behind: depression, then potentiation.
    assert abs(first[0]) < 1e-4 and (np.diff(first) > 0).all() and first[-1] > 5e-3
    assert second[0] < -4e-3 and second[-1] > 0


def test_inhibition_balances_the_neuron_at_its_target_rate() -> None:
    driven = NeuronModel(
        "dv/dt = (2 - g - v)/(20*ms) : 1\ndg/dt = -g/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="euler"
    )
    poisson = NeuronModel("dv/dt = 0/second : 1", threshold="rand() < 0.02", reset="v = 0")
    rule = shelf("stdp_inhibitory", learning_rate=0.002, target_rate="10 Hz")
    pathway = Pathway("W", "a.spikes", "b.g", rule=rule, initial=Initial("constant", 0.0, None), bounds=(0, None))
    made = Circuit(
        "balance", (Population("a", 80, poisson), Population("b", 1, driven)), (pathway,),
        (Phase("all", "40 second", learn=("W",)),),
    )  # fmt: skip
    _, outputs = BatchedEngine(made, MILLISECONDS).run(initial_state(made, 0), {}, trials=1, record=["b.spikes"])
    fired = np.asarray(outputs.recordings["b.spikes"]).ravel()
    assert fired[:1000].sum() > 30
    assert fired[-20000:].sum() / 20 == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize("name", ["stdp_reward", "homeostatic_scaling", "stdp_voltage"])
def test_rules_of_every_step_add_up_what_their_equations_say(name: str) -> None:
    cell = NeuronModel(
        "dv/dt = (i_ext + g - v)/(10*ms) : volt\ndg/dt = -g/(5*ms) : volt\ni_ext : volt\ndopamine : 1",
        threshold="v > 20*mV",
        reset="v = 0*mV",
    )
    parameters: dict[str, dict[str, Any]] = {
        "stdp_reward": {"learning_rate": 0.5, "a_plus": 0.1, "a_minus": 0.08, "tau_eligibility": "50 ms"},
        "homeostatic_scaling": {"learning_rate": 0.5, "target_rate": "20 Hz", "tau": "40 ms"},
        "stdp_voltage": {"a_ltd": 0.1, "a_ltp": 900.0, "theta_minus": "5 mV", "theta_plus": "12 mV"},
    }
    rule = shelf(name, **parameters[name])
    if name == "stdp_voltage":
        rule = replace(rule, initial={"u_minus": "6 mV"})
    pathway = Pathway("W", "a.spikes", "b.g", rule=rule, initial=Initial("constant", 0.004, None))
    made = Circuit(
        "pair", (Population("a", 2, cell), Population("b", 1, cell)), (pathway,), (Phase("all", "80 ms", learn=("W",)),)
    )
    given = {"a.i_ext": [[0.03, 0.045]], "b.i_ext": [[0.035]], "b.dopamine": [[0.7]]}
    given = {key: np.array(value) for key, value in given.items()}
    engine = BatchedEngine(made, Setting("spiking", dt=5e-4, dtype="float64"))
    after, outputs = engine.run(initial_state(made, 0), given, trials=1, record=["a.spikes", "b.spikes", "b.v"])
    seen = {key: np.asarray(value, dtype=float)[:, 0] for key, value in outputs.recordings.items()}
    assert seen["a.spikes"].any(axis=0).all() and seen["b.spikes"].any()
    expected = {"stdp_reward": _rewarded, "homeostatic_scaling": _scaled, "stdp_voltage": _by_voltage}[name](seen)
    np.testing.assert_allclose(after["W.w"][0], expected, rtol=1e-9)


def _rewarded(seen: Mapping[str, np.ndarray]) -> np.ndarray:
    w, x, y, trace = np.full(2, 0.004), np.zeros(2), 0.0, np.zeros(2)
    for here, (there,) in zip(seen["a.spikes"], seen["b.spikes"], strict=True):
        x, y, trace = x * np.exp(-0.5 / 20), y * np.exp(-0.5 / 20), trace * np.exp(-0.5 / 50)
        x = x + here
        trace = trace - 0.08 * y * here
        y += there
        trace = trace + 0.1 * x * there
        w = w + 5e-4 * 0.5 * trace * 0.7
    return w


def _scaled(seen: Mapping[str, np.ndarray]) -> np.ndarray:
    w, activity = np.full(2, 0.004), 0.0
    for (there,) in seen["b.spikes"]:
        activity = activity * np.exp(-0.5 / 40) + there / 40e-3
        w = w + 5e-4 * 0.5 * w * (20 - activity)
    return w


def _by_voltage(seen: Mapping[str, np.ndarray]) -> np.ndarray:
    w, x, u_minus, u_plus = np.full(2, 0.004), np.zeros(2), 0.006, 0.0
    voltage = np.append(seen["b.v"][:, 0], np.nan)
    for step, here in enumerate(seen["a.spikes"]):
        u_minus += (voltage[step] - u_minus) * (1 - np.exp(-0.5 / 10))
        u_plus += (voltage[step] - u_plus) * (1 - np.exp(-0.5 / 7))
        x = x * np.exp(-0.5 / 15)
        w = w - 0.1 * max(u_minus - 5e-3, 0) * here
        x = x + here
        # What the neuron is after the step, spikes and reset included; the last one is below the threshold here.
        after = voltage[step + 1] if step + 1 < len(voltage) - 1 else 0.0
        w = w + 5e-4 * 900 * x * max(after - 12e-3, 0) * max(u_plus - 5e-3, 0)
    return w


RATES = (
    NeuronModel("r : 1\none = 1 : 1"),
    NeuronModel("drive : 1\ntotal_weight : 1\nr = drive : 1"),
)


def linear(rule: Rule, n: int = 4, **options: Any) -> Circuit:
    """A linear neuron, whose weights learn at the end of the phase."""
    ends = (Population("a", n, RATES[0]), Population("b", 1, RATES[1]))
    pathways = (Pathway("W", "a.r", "b.drive", rule=rule, initial=Initial("uniform", 0.5), **options),)
    if rule.reads:
        pathways = (*pathways, Pathway("W_sum", "a.one", "b.total_weight", tie=Tie("W")))
    # A loss that nothing learns from: training reports one.
    readout = registry.load("readouts", "squared_error").READOUT
    return Circuit("linear", ends, pathways, (Phase("all", "1 ms", learn=("W",)),), readout, "b.r")


def trained(made: Circuit, patterns: np.ndarray, epochs: int) -> State:
    """Patterns one by one, in an order that changes."""
    generator = np.random.default_rng(7)
    order = np.concatenate([generator.permutation(len(patterns)) for _ in range(epochs)])[:, None]
    engine = BatchedEngine(made, Setting("steady", dtype="float64"))
    data = {"a.r": patterns, "b.target": np.zeros((len(patterns), 1))}
    state, _ = engine.train(initial_state(made, 2), data, order, seed=0, first=0)
    return state


def test_hebb_adds_products() -> None:
    made = linear(shelf("hebb", learning_rate=0.1, decay=0.3))
    state = initial_state(made, 2)
    pattern = np.array([[1.0, -2.0, 0.5, 3.0]])
    after, _ = BatchedEngine(made, Setting("steady", dtype="float64")).run(
        state, {"a.r": pattern, "b.target": np.zeros((1, 1))}
    )
    w = state["W.w"]
    np.testing.assert_allclose(after["W.w"], w + 0.1 * ((w @ pattern.T) * pattern - 0.3 * w), rtol=1e-12)


def test_oja_finds_the_first_component() -> None:
    generator = np.random.default_rng(5)
    axes = np.linalg.qr(generator.standard_normal((4, 4)))[0]
    patterns = generator.standard_normal((400, 4)) * [3.0, 1.0, 0.5, 0.2] @ axes.T
    weights = trained(linear(shelf("oja", learning_rate=2e-3)), patterns, 10)["W.w"][0]
    first = np.linalg.eigh(patterns.T @ patterns)[1][:, -1]
    assert abs(weights @ first) == pytest.approx(1, abs=0.03)
    assert np.linalg.norm(weights) == pytest.approx(1, abs=0.03)


def test_bcm_answers_one_pattern_by_the_inverse_of_its_frequency() -> None:
    # Two patterns alike often: the stable answers are 2 to one of them and 0 to the other.
    made = linear(shelf("bcm", learning_rate=5e-3, window=40.0), n=2)
    weights = trained(made, np.eye(2), 4000)["W.w"][0]
    np.testing.assert_allclose(np.sort(weights), [0, 2], atol=0.1)


def test_normalised_weights_sum_to_their_total() -> None:
    rule = shelf("weight_normalisation", total=3.0)
    assert not rule.local
    state = trained(linear(rule), np.ones((1, 4)), 1)
    assert state["W.w"].sum() == pytest.approx(3, rel=1e-12)
    before = initial_state(linear(rule), 2)["W.w"]
    np.testing.assert_allclose(state["W.w"] / 3, before / before.sum(), rtol=1e-12)
