"""What texts of rules mean, and what is refused of them when the circuit is made, alike on both engines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population, hold
from neurosim.circuit.weights import Initial, Tie
from neurosim.errors import CircuitError, ConfigError, EquationError, NeurosimError, UnitError
from neurosim.model_files.model_file import load
from neurosim.neurons._model import NeuronModel
from neurosim.rules._moments import Timing
from neurosim.rules._rule import Rule
from tests.cases.both_engines import learned

SENDER = NeuronModel("r = 1 : 1\nv = 2*volt : volt\ndx/dt = 1/second : 1\nflag = x > -1 : boolean")
RECEIVER = NeuronModel("drive : 1\nr = drive : 1\nnoise : 1")
CURRENT = NeuronModel("drive : amp\nr = drive/nA : 1")


def circuit(rule: Rule, *, receiver: NeuronModel = RECEIVER, sender: NeuronModel = SENDER, **options: Any) -> Circuit:
    """Two senders, a receiver, weights of one half that learn for 100 steps of a millisecond."""
    pathway: Mapping[str, Any] = options.pop("pathway", {})
    weights = Pathway("W", "a.r", "b.drive", rule=rule, initial=Initial("constant", 0.5), **pathway)
    phase = Phase("all", "100 ms", learn=("W",), hold=tuple(map(hold, options.pop("holds", ()))))
    populations = (Population("a", 2, sender), Population("b", 1, receiver))
    return Circuit("pair", populations, (weights,), (phase,), **options)


def weight(made: Circuit) -> float:
    return float(learned(made)["W.w"][0, 0])


def test_an_eligibility_written_as_a_step_has_its_closed_form() -> None:
    # a' = -a/tau + 1 and w' = a, by Euler's steps of 1 ms: what a differential equation of the synapse would say.
    rule = Rule("w += dt*a/ms\na += dt*(r_pre/ms - a/tau)", traces="a : 1", parameters={"tau": "20 ms"}, timing="step")
    steps = np.arange(100)
    assert weight(circuit(rule)) == pytest.approx(0.5 + np.sum(20 * (1 - 0.95**steps)), rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "line", "message"),
    [
        ({"variables": "b : 1\nda/dt = -a/(20*ms) : 1"}, 2, "'a' has a differential equation.*among the traces"),
        ({"variables": "q = 3*r_post : 1"}, 1, "the variable 'q' has an expression.*declare it among the traces"),
        ({"variables": "q = no_such_name*volt : 1"}, 1, "the variable 'q' has an expression"),
        ({"variables": "q : 1 (shared)"}, 1, "the flag 'shared', expected none"),
        ({"variables": "q : 1 (constant)"}, 1, "the flag 'constant'"),
        ({"variables": "k : integer"}, 1, "what synapses change are real numbers"),
        ({"variables": "q : 1", "traces": "q : 1", "timing": "step"}, 1, "among the variables and among the traces"),
        ({"variables": "q : 1", "parameters": {"q": 1}}, None, "a parameter and a variable"),
    ],
)  # fmt: skip
def test_what_would_not_run_is_refused_with_a_remedy(arguments: dict, line: int | None, message: str) -> None:
    with pytest.raises(EquationError, match=message) as caught:
        Rule("w += r_pre", **arguments)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("update", "receiver", "parameters", "message"),
    [
        ("w += v_pre", RECEIVER, {}, r"'b\.drive' per 'a\.r', by V, expected 1"),
        ("w += 0.1*r_pre", CURRENT, {}, r"by 1 \(no unit\), expected A"),
        ("w += rate*(r_pre*r_post - w)", CURRENT, {"rate": 0.1}, "'r_pre \\* r_post' has unit 1.*and 'w' has unit A"),
        ("w += r_pre/tau", RECEIVER, {"tau": "20 ms"}, "by Hz, expected 1"),
        ("w += rate*exp(v_pre)", RECEIVER, {"rate": 1}, r"'v_pre' has unit V; expected none inside exp\(\)"),
        ("w += rate*v_pre + rate*r_pre", RECEIVER, {"rate": 1}, r"'rate \* v_pre' has unit V"),
        ("w += rate*r_pre*int(v_pre > 1)", RECEIVER, {"rate": 1}, "'v_pre' has unit V, and '1' has unit 1"),
        ("w += flag_pre*r_pre", RECEIVER, {}, "'flag_pre' is a truth value"),
        ("w += 2**v_pre", RECEIVER, {}, "in a power whose exponent is no number"),
        ("q += v_pre*r_pre\nw += q", RECEIVER, {}, "changes 'q', by V, expected 1"),
    ],
)  # fmt: skip
def test_an_update_has_the_unit_of_what_it_changes(
    update: str, receiver: NeuronModel, parameters: dict, message: str
) -> None:
    with pytest.raises(CircuitError, match=rf"pathway 'W': line \d, column \d+: .*{message}"):
        circuit(Rule(update, variables="q : 1", parameters=parameters), receiver=receiver)


@pytest.mark.parametrize(
    ("update", "receiver", "parameters", "expected"),
    [
        ("w += 1*nA*r_pre", CURRENT, {}, 0.5 + 1e-9),
        ("w += rate*v_pre*r_pre", CURRENT, {"rate": 0.1}, 0.7),
        ("w += rate*v_pre*r_pre", CURRENT, {"rate": "0.1 siemens"}, 0.7),
        ("w += rate*(r_pre - w)", RECEIVER, {"rate": "0.1"}, 0.55),
        ("w += rate*r_pre/(1*second/tau)**2*pi", RECEIVER, {"rate": 10, "tau": "100 ms"}, 0.5 + 0.1 * math.pi),
        ("w += sqrt(rate*v_pre)*int(flag_pre)", RECEIVER, {"rate": 0.02}, 0.7),
        ("w += 10**-3*r_pre + int(r_pre)/4*2**-k", RECEIVER, {"k": 1}, 0.626),
    ],
)  # fmt: skip
def test_quantities_and_plain_numbers_take_part(
    update: str, receiver: NeuronModel, parameters: dict, expected: float
) -> None:
    assert weight(circuit(Rule(update, parameters=parameters), receiver=receiver)) == pytest.approx(expected, rel=1e-12)


def test_a_value_of_the_pathway_may_have_a_unit_too() -> None:
    rule = Rule("w += dt*r_pre/tau", parameters={"tau": None}, timing="step")
    made = circuit(rule, pathway={"parameters": {"tau": "20 ms"}})
    assert weight(made) == pytest.approx(5.5)
    for value, message in (
        ("20 mV", "expected 1"),
        (math.nan, "not a finite"),
        (math.inf, "not a finite"),
        ("x", "like"),
    ):
        with pytest.raises(NeurosimError, match=message):
            circuit(rule, pathway={"parameters": {"tau": value}})
    with pytest.raises(UnitError, match="the parameter 'tau' of the rule 'rule': nan"):
        Rule("w += r_pre", parameters={"tau": math.nan})


def test_a_rule_of_steps_reads_spikes() -> None:
    spiking = NeuronModel("dv/dt = 1/ms : 1\nr = 1 : 1", threshold="v > 4.5", reset="v = 0")
    silent = NeuronModel("dv/dt = 1/ms : 1\nr = 1 : 1", threshold="v > 4.5")
    rule = Rule("w += 0.01*spikes_pre*r_pre", timing="step")
    # Five steps of 1 ms to each of 20 spikes; without a reset, a spike in each step from the fifth on.
    assert weight(circuit(rule, sender=spiking)) == pytest.approx(0.7)
    assert weight(circuit(rule, sender=silent)) == pytest.approx(0.5 + 0.96)
    receiver = NeuronModel("drive : 1\ndr/dt = drive/ms : 1", threshold="r > 20", reset="r = 0")
    both = Rule("w += dt/ms*(0.001*spikes_pre + spikes_post)", timing="step")
    assert weight(circuit(both, sender=spiking, receiver=receiver)) > 1
    timings: list[tuple[Timing, str]] = [
        ("phase_end", "once a phase"),
        ("presentation", "at the beginning of a presentation"),
    ]
    for timing, what in timings:
        with pytest.raises(CircuitError, match=f"'spikes_pre', the spikes of one time step, and acts {what}"):
            circuit(Rule("w += 1*spikes_pre", timing=timing), sender=spiking)
    with pytest.raises(CircuitError, match="unknown name 'spikes_pre'"):
        circuit(rule)


def test_names_of_a_rule_are_its_own() -> None:
    names = ["r", "drive", "v", "delay", "variables_", "N_incoming", "lastupdate", "change_w", "is_learning"]
    names += ["I", "E", "S", "oo", "sigma", "noise", "w_noise", "w_sharing", "here", "when", "clock", "W"]
    total = " + ".join(names)
    rule = Rule(
        f"w += 0.001*r_pre*({total})\nflag += {names[0]}*r_post\ndrive_W += drive*w",
        parameters={name: 0.1 * number for number, name in enumerate(names)},
        variables="flag : 1\ndrive_W : 1",
    )
    found = learned(circuit(rule))
    assert found["W.w"][0, 0] == pytest.approx(0.5 + 1e-4 * sum(range(len(names))))
    assert found["W.drive_W"][0, 0] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("w", "the weight of the synapse"), ("loss", "the loss, which is broadcast"), ("loss_change", "the change of"),
        ("update_noise", "the noise that is drawn"), ("w_reciprocal", "opposite direction"), ("dt", "the time step"),
        ("cm", "the unit centimetre"), ("i", "the number of a neuron"), ("where", "a word of the code"),
    ],
)  # fmt: skip
def test_a_name_with_a_meaning_is_refused_in_every_declaration(name: str, meaning: str) -> None:
    declared: list[dict[str, Any]] = [{"parameters": {name: 1}}, {"variables": f"{name} : 1"}]
    declared.append({"traces": f"{name} : 1", "timing": "step"})
    for arguments in declared:
        with pytest.raises(EquationError, match=f"'{name}' is .*{meaning}"):
            Rule("w += r_pre", **arguments)


def test_two_meanings_of_a_name_are_told_apart() -> None:
    rule = Rule("w += mark*r_pre", parameters={"mark": 1})
    with pytest.raises(CircuitError, match="'mark' of the rule 'rule' is also the name of a broadcast variable"):
        circuit(rule, holds=["mark = 1"])
    with pytest.raises(CircuitError, match="name of a pathway and of a population"):
        Circuit("pair", (Population("a", 1, SENDER), Population("W", 1, RECEIVER)), (Pathway("W", "a.r", "W.drive"),))
    for name in ("1a", "a__b", "a.b", "é", ""):
        with pytest.raises(CircuitError, match="cannot be a population's name"):
            Circuit("one", (Population(name, 1, SENDER),))


def test_texts_that_a_circuit_adds_have_units() -> None:
    neuron = NeuronModel("v = 2*volt : volt\nheld : 1\nk : 1 (constant)")
    for text, message in (
        ("a.held = v", "has unit V, expected 1"),
        ("a.k = 1", "constant"),
        ("a.v = v", "no.* variable"),
    ):
        with pytest.raises(CircuitError, match=f"phase 'all' holds '{text}'.*{message}"):
            Circuit("one", (Population("a", 1, neuron),), phases=(Phase("all", "1 ms", hold=(hold(text),)),))
    with pytest.raises(CircuitError, match=r"the sum 'power'.*has unit V"):
        Circuit("one", (Population("a", 2, neuron, sums={"power": "v_pre"}),))
    below, above = NeuronModel("r = 1 : 1\nfeedback : 1"), NeuronModel("drive : 1\nerror = drive*mV : volt")
    tied = Pathway("B", "b.error", "a.feedback", tie=Tie("W", transposed=True))
    with pytest.raises(CircuitError, match=r"'a\.feedback' per 'b\.error', have unit m\^-2.*and the weights of 'W'"):
        Circuit("ties", (Population("a", 1, below), Population("b", 1, above)), (Pathway("W", "a.r", "b.drive"), tied))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rule": "w += w*delta_held_pre", "parameters": {"w": 0.1}}, "'w' is the weight of the synapse"),
        ({"rule": "w += loss*delta_held_pre", "parameters": {"loss": 0.1}}, "'loss' is the loss"),
        ({"rule": "w += rate*delta_held_pre", "parameters": {"rate": math.nan}}, "nan.* a finite number"),
        ({"rule": "w += delta_held_pre/tau", "parameters": {"tau": "20 ms"}}, "by Hz, expected 1"),
        ({"rule": "w += delta_held_pre", "parameters": {"rat": 1}}, "'rat' stands nowhere in the rule"),
    ],
)
def test_own_rules_of_model_files_are_checked(settings: dict, message: str) -> None:
    sections = load("lansdell2020/digits").resolve()
    with pytest.raises(ConfigError, match=message):
        _ = load({**sections, "scheme": {"kind": "own_rule", **settings}}).circuit
