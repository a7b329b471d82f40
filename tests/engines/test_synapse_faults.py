"""What a synapse cannot say: refused with its place, what is expected, and a remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.weights import Initial, Tie
from neurosim.engines._engine import Call
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.plain.engine import NumpyEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.errors import CircuitError, EngineError, EquationError, NeurosimError
from neurosim.neurons._model import NeuronModel
from neurosim.rules._rule import Rule
from tests.engines.synapse_pair import SENT, SETTING, both, pair

SILENT = NeuronModel("dv/dt = (k - v)/(10*ms) : 1\nk : 1\ndg/dt = -g/(5*ms) : 1")


@pytest.mark.parametrize(
    ("texts", "line", "message"),
    [
        ({"on_pre": "x += q\nq = 2", "traces": "x : 1"}, 1, "'q' of on_pre is read before it is assigned; put"),
        ({"on_pre": "w += 1\nq += 2"}, 2, r"'q' is no variable of the synapse \(w\); declare it among the traces, or"),
        ({"on_pre": "v_pre += 1"}, 1, "on_pre changes 'v_pre', and a synapse cannot change its presynaptic neuron"),
        ({"on_post": "g_post += 1"}, 1, "on_post changes 'g_post', but only on_pre delivers"),
        ({"on_pre": "g_post = w"}, 1, r"expected \+= or -= in what is delivered, got '='"),
        ({"on_pre": "tau += 1", "parameters": {"tau": 1}}, 1, "'tau' is a parameter of the rule 'rule', and on_pre"),
        ({"on_post": "q = 1", "traces": "q = 3*w : 1"}, 1, "'q' is an expression of the rule 'rule', and on_post"),
        ({"on_pre": "loss = 1"}, 1, "'loss' is the loss, which is broadcast to all and cannot be declared"),
        ({"on_pre": "w += 1", "initial": {"y": 1}}, None, r"an initial value for 'y', .* of the rule 'rule' \(none\)"),
        ({"traces": "x : 1", "update": "x += r_pre"}, None, "change at every step; expected timing='step', a differ"),
        ({"on_pre": "w += 2*(v_pre > 1)"}, 1, "a truth value cannot be used as a number"),
    ],
)  # fmt: skip
def test_a_rule_says_what_it_cannot_do(texts: dict[str, Any], line: int | None, message: str) -> None:
    with pytest.raises(EquationError, match=message) as caught:
        Rule(**texts)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        ({"on_pre": "w += no_such"}, {}, "line 1, column 6: unknown name 'no_such' in on_pre of the rule"),
        ({"on_pre": "no_such_post += w"}, {}, "unknown name 'no_such_post'"),
        ({"on_pre": "i_ext_post += w"}, {}, "'i_ext_post' is no state variable of 'b' that a spike can chan"),
        ({"traces": "dx/dt = -x/nothing : 1"}, {}, "line 1, column 12: unknown name 'nothing' in the trace 'x'"),
        ({"on_post": "w += 1"}, {"cells": "behind"}, "on_post acts at spikes of 'b', whose neuron 'neuron' has no thr"),
        ({"on_pre": "w += 1"}, {"cells": "ahead"}, "on_pre acts at spikes of 'a', whose neuron 'neuron' has no th"),
        ({"on_pre": "w -= g_post"}, {}, "read 'g_post', which depends on 'b.g', and add to 'b.g': the order"),
        ({}, {"delivers": "w*q"}, "line 1, column 3: unknown name 'q' in what is delivered"),
        ({}, {"delivers": "w*(g_post)"}, "read 'g_post', which depends on 'b.g', and add to 'b.g'"),
        ({}, {"bounds": (1, 0)}, "the least weight 1 is above the greatest 0"),
        ({}, {"bounds": (0, "w_max")}, r"bounds: .*'w_max'.*; expected quantities, or names of parameters of the rule"),
        ({}, {"bounds": (0, "1 mV")}, "bounds: .*mV"),
        ({"on_pre": "w += v_pre > 1"}, {}, "changes the weights, 'b.g' per spike, by a truth value, expected 1"),
        ({"on_pre": "w += 1"}, {"sigma": 0.1}, r"its weights are noisy \(sigma\), and such pathways deliver"),
        ({"on_pre": "w += 1*mV"}, {}, "the rule 'rule' changes the weights, 'b.g' per spike, by V, expected 1"),
        ({"traces": "dx/dt = -x : 1"}, {}, "the right-hand side of dx/dt has unit 1.*expected Hz"),
        ({"on_pre": "w += a", "parameters": {"a": None}}, {}, "the rule 'rule' needs a value for 'a'"),
    ],
)  # fmt: skip
def test_a_pathway_says_what_it_cannot_do(texts: dict[str, Any], options: dict[str, Any], message: str) -> None:
    rules = [Rule(**texts)] if texts else []
    kind = options.pop("cells", None)
    with pytest.raises(NeurosimError, match=f"pathway 'W'.*{message}"):
        if kind is None:
            pair(*rules, **options)
        else:
            ends = {"a": SILENT} if kind == "ahead" else {"b": SILENT}
            spiking = NeuronModel("dv/dt = (k - v)/(10*ms) : 1\nk : 1\ndg/dt = -g/(5*ms) : 1", threshold="v > 1")
            source = "a.v" if kind == "ahead" else "a.spikes"
            target = "b.k" if kind == "ahead" else "b.g"
            populations = tuple(Population(name, 2, ends.get(name, spiking)) for name in "ab")
            Circuit("faulty", populations, (Pathway("W", source, target, rule=rules[0]),), (Phase("all", "1 ms"),))


@pytest.mark.parametrize(
    ("delay", "message"),
    [
        ("-1 ms", "the delay of pathway 'W' is -1 ms; expected times of zero or more, such as '1.5 ms'"),
        ("1 mV", "pathway 'W': got 1 mV, which is in V, expected s"),
        (float("nan"), "the delay of pathway 'W': nan is not a finite number"),
        (float("inf"), "the delay of pathway 'W': inf is not a finite number"),
        ("soon", "the delay of pathway 'W': "),
    ],
)
def test_a_delay_is_a_time(delay: Any, message: str) -> None:
    with pytest.raises(NeurosimError, match=message):
        pair(delay=delay)


def test_rules_of_one_pathway_agree_on_their_names() -> None:
    one = Rule(traces="dx/dt = -x/(20*ms) : 1", on_pre="x += 1", name="one")
    for other, message in (
        (
            Rule(traces="dx/dt = -x/(10*ms) : 1", name="two"),
            "'x' is declared as .* by rules of one pathway; declare both",
        ),
        (
            Rule(on_pre="x = 1\nw += x", name="two"),
            "'x' is local to a text of the rule 'two' and a name of the rule 'one'",
        ),
    ):
        with pytest.raises(EquationError, match=message):
            _ = pair(one, other)
    values = [Rule(on_pre="w += a", parameters={"a": value}, name=f"of {value}") for value in (1, 2)]
    with pytest.raises(EquationError, match=r"the parameter 'a' is 1 and 2 in rules of one pathway .*; give both"):
        _ = pair(*values)


def test_names_are_the_rules_own() -> None:
    # A local name, a parameter and a trace that are called as variables of the neurons are.
    rule = Rule(
        traces="dh/dt = -h/tau : 1",
        on_pre="v = 0.1*h\nh += 1\nw += v*k",
        on_post="z = h*k\nw -= 0.01*z",
        parameters={"tau": "20 ms", "k": 0.3},
    )
    other = Rule(
        traces="dkept/dt = -kept/time : 1",
        on_pre="step = 0.1*kept\nkept += 1\nw += step*factor",
        on_post="step = kept*factor\nw -= 0.01*step",
        parameters={"time": "20 ms", "factor": 0.3},
    )
    np.testing.assert_allclose(both(pair(rule)).synapse["W.w"], both(pair(other)).synapse["W.w"], rtol=1e-12)


@pytest.mark.parametrize("text", ["w = 0.1", "w *= 0.9", "w = clip(w + 0.1, 0, 1)", "w /= 2"])
def test_a_batch_that_shares_weights_cannot_assign_them(text: str) -> None:
    made = pair(Rule(on_pre=text))
    engine = BatchedEngine(made, SETTING)
    (limit,) = engine.refuses(Call(trials=2, batch=2))
    remedy = r"give each trial weights of its own \(own_weights=True, or batch = 1\), or write '\+=' or '-='"
    given = {name: np.repeat(array, 2, axis=0) for name, array in SENT.items()}
    with pytest.raises(CircuitError, match=f"on_pre of pathway 'W' says .* the 2 trials of a batch.*{remedy}"):
        engine.run(initial_state(made, 0), given)
    assert str(limit).startswith("on_pre of pathway 'W' says")
    assert not engine.refuses(Call(trials=2, batch=2, learn=False)) and not engine.refuses(Call(trials=2, batch=1))
    with pytest.raises(EngineError, match=r"cannot average it over a batch: use batch = 1, .* or the engine 'batched'"):
        BrianEngine(made, SETTING).run(initial_state(made, 0), given)
    # What is not learned may be assigned.
    assert not BatchedEngine(pair(Rule(traces="x : 1", on_pre="x = 1")), SETTING).refuses(Call(trials=2, batch=2))


def test_at_the_steady_level_nothing_moves() -> None:
    rate = NeuronModel("dr/dt = (drive - r)/(10*ms) : 1\ndrive : 1")
    source = NeuronModel("r : 1")

    def made(*rules: Rule, **options: Any) -> Circuit:
        given = {"rule": rules} if rules else {}
        pathway = Pathway("W", "a.r", "b.drive", initial=Initial("constant", 0.5, None), **given, **options)
        return Circuit(
            "steady", (Population("a", 2, source), Population("b", 1, rate)), (pathway,), (Phase("all", "5 ms"),)
        )

    steady, given = Setting("steady", dtype="float64"), {"a.r": np.array([[1.0, 2.0]])}
    traces = Rule(traces="dx/dt = (r_pre - x)/(20*ms) : 1", name="flowing")
    for kind in (BatchedEngine, NumpyEngine):
        late = made(delay="100 ms")
        _, outputs = kind(late, steady).run(initial_state(late, 0), given, report=["b.r"])
        assert outputs.ends["all"]["b.r"].item() == pytest.approx(1.5)
        flowing = made(traces)
        message = "the trace 'x' of the rule 'flowing' of pathway 'W' has a differential equation.*use the level 'rate'"
        with pytest.raises(CircuitError, match=message):
            kind(flowing, steady).run(initial_state(flowing, 0), given)
    spiking = pair(Rule(on_pre="w += 0.1"))
    with pytest.raises(CircuitError, match="spikes and has no steady state; use the level 'spiking'"):
        BatchedEngine(spiking, steady).run(initial_state(spiking, 0), SENT)


def test_a_graded_delay_of_no_step_is_refused() -> None:
    for delay in ("0.04 ms", "0 ms"):
        made = pair(source="a.v", target="b.k", delay=delay)
        for engine in (BatchedEngine(made, SETTING), BrianEngine(made, SETTING)):
            with pytest.raises(CircuitError, match=r"'W' has a delay of .* less than half of the time step.*leave the"):
                engine.run(initial_state(made, 0), SENT, trials=1)


def test_borrowed_weights_have_no_texts_of_their_own() -> None:
    ends = tuple(Population(name, 2, pair().population["a"].neuron) for name in "ab")
    own = Pathway("W", "a.spikes", "b.g")
    tied = Pathway("T", "a.spikes", "b.h", tie=Tie("W"), rule=Rule(on_pre="x += 1", traces="x : 1"))
    with pytest.raises(CircuitError, match="it uses the weights of 'W'; give statements at spikes to that pathway"):
        Circuit("tied", ends, (own, tied), (Phase("all", "1 ms"),))
