"""Circuits: what is wrong is said all at once, what is right is printed whole and ordered.

(Over 300 lines: most are the faulty circuits themselves.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.circuit.description import Initial, Pathway, Phase, Population, Tie, hold
from neurosim.circuit.plan import plan
from neurosim.errors import CircuitError, EquationError, NeurosimError, UnitError
from neurosim.neurons._model import NeuronModel
from neurosim.readouts._readout import Readout
from neurosim.rules._rule import Rule

LEAK = NeuronModel(
    "dv/dt = (drive - v)/tau : 1\nr = tanh(v) : 1\ndrive : 1\nfeedback : 1\nnoise : 1\nperturb : 1 (shared)",
    parameters={"tau": "10 ms"},
    name="leak",
)
SPIKING = NeuronModel(
    "dv/dt = (drive - v)/tau : 1\ndrive : 1",
    threshold="v > 1",
    reset="v = 0",
    parameters={"tau": "10 ms"},
    name="spiking",
)
SQUARED: Readout = registry.load("readouts", "squared_error").READOUT
HEBB = Rule("w += rate*v_post*r_pre", parameters={"rate": None}, name="hebb")


def circuit(**changes: Any) -> Circuit:
    settings: dict[str, Any] = {
        "name": "pair",
        "populations": (Population("hidden", 3, LEAK, noise=("noise",)), Population("output", 2, LEAK)),
        "pathways": (
            Pathway("W", "hidden.r", "output.drive", rule=HEBB, parameters={"rate": 0.1}),
            Pathway("B", "output.v", "hidden.feedback", tie=Tie("W", transposed=True)),
        ),
        "phases": (
            Phase("clean", "20 ms", {"perturb": 0.0}, hold=(hold("loss_held = loss"),)),
            Phase("noisy", "5 ms", {"perturb": 1.0}, draw_noise=True, learn=("W",)),
        ),
        "readout": SQUARED,
        "output": "output.r",
    }
    return Circuit(**{**settings, **changes})


def faults(**changes: Any) -> str:
    with pytest.raises(CircuitError) as caught:
        circuit(**changes)
    return str(caught.value)


# Validation


def test_all_faults_at_once() -> None:
    message = faults(
        populations=(
            Population("hidden", 3, LEAK, noise=("nois",)),
            Population("hidden", 2, LEAK),
            Population("out_put", 0, LEAK, bind={"feedbak": "error"}),
        ),
        pathways=(
            Pathway("W", "hiden.r", "out_put.drive"),
            Pathway("W", "hidden.rr", "out_put.driv", parameters={"rat": 1.0}, rule=HEBB),
            Pathway("X", "hidden", "out_put.drive"),
            Pathway("S", "hidden.spikes", "hidden.v"),
            Pathway("T", "hidden.r", "hidden.drive", tie=Tie("V")),
        ),
        phases=(Phase("one", "5 ms", {"pertrub": 1.0}, learn=("W3", "X")), Phase("one", "5 ms")),
        output="output.r",
    )
    for fault in (
        "two populations are called 'hidden'",
        "'out_put' has 0 neurons; expected at least 1",
        "population 'hidden' sets 'nois', which is no parameter here; did you mean 'noise'?",
        "sets 'feedbak', which is no parameter here; did you mean 'feedback'?",
        "two pathways are called 'W'",
        "source population 'hiden', which is no population here; did you mean 'hidden'?",
        "source 'hidden.rr', which is no variable here; did you mean 'r'?",
        "target 'out_put.driv', which is no input (a parameter) here; did you mean 'drive'?",
        "the rule 'hebb' needs a value for 'rate'",
        "'rat', which is no parameter of the rule here; did you mean 'rate'?",
        "source 'hidden' should be 'population.variable'",
        "'hidden' never spikes, its neuron 'leak' has no threshold",
        "tied to 'V', which is no pathway here",
        "switch 'pertrub', which is no shared parameter of any neuron here; did you mean 'perturb'?",
        "learns 'W3', which is no pathway here",
        "pathway 'X' cannot learn by its rule 'fixed'",
        "two phases are called 'one'",
        "output 'output.r', which is no population here; did you mean 'out_put'?",
    ):
        assert fault in message, f"missing: {fault}\nin: {message}"
    assert message.startswith("the circuit 'pair' does not fit together:\n  - ")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"populations": (), "pathways": (), "phases": (), "readout": None, "output": None}, "no populations"),
        ({"readout": None}, "a readout needs an output variable"),
        ({"output": None}, "a readout needs an output variable"),
        ({"output": "output.vv"}, "output 'output.vv', which is no variable here; did you mean 'v'?"),
        (
            {"pathways": (Pathway("W", "hidden.r", "output.perturb"),), "phases": ()},
            "'output.perturb', which is no input",
        ),
        ({"pathways": (Pathway("W", "hidden.r", "output.v"),), "phases": ()}, "'output.v', which is no input"),
        (
            {"pathways": (Pathway("O", "hidden.r", "output.drive", connectivity="one_to_one"),), "phases": ()},
            "one_to_one needs equal sizes, got 3 -> 2",
        ),
        ({"phases": (Phase("only", "5 ms", hold=(hold("hiden.x = v"),)),)}, "holds 'hiden.x = v'"),
    ],
)
def test_single_faults(changes: dict[str, Any], fault: str) -> None:
    assert fault in faults(**changes)


@pytest.mark.parametrize("name", ["a.b", "_a", "a__b", "1a", "", "a b"])
def test_names_of_populations(name: str) -> None:
    with pytest.raises(CircuitError, match="cannot be a population's name"):
        Circuit("bad", (Population(name, 1, LEAK),))


def test_ties() -> None:
    weights = Pathway("W", "hidden.r", "output.drive")
    cases = {
        "lead hidden -> output, not output -> hidden": Tie("W"),
        "tied to 'U', which is tied itself": Tie("U", transposed=True),
    }
    for fault, tie in cases.items():
        tied = Pathway("U", "hidden.v", "output.feedback", tie=Tie("W"))
        assert fault in faults(
            pathways=(weights, tied, Pathway("B", "output.v", "hidden.feedback", tie=tie)), phases=()
        )
    learning = Pathway(
        "B", "output.r", "hidden.feedback", rule=HEBB, parameters={"rate": 1.0}, tie=Tie("W", transposed=True)
    )
    assert "no weights of its own and cannot learn by 'hebb'" in faults(pathways=(weights, learning), phases=())


def test_a_bound_parameter_takes_no_input() -> None:
    populations = (Population("hidden", 3, LEAK), Population("output", 2, LEAK, bind={"drive": "error"}))
    assert "'output.drive' is bound to 'error' and takes no input" in faults(populations=populations)


def test_reading_a_reciprocal_needs_a_pathway_back() -> None:
    rule = registry.load("rules", "weight_transport").RULE
    pathway = Pathway("B", "output.v", "hidden.feedback", rule=rule)
    assert "reads the reciprocal weight, but no pathway leads back" in faults(pathways=(pathway,), phases=())


def test_a_rule_that_names_what_no_synapse_sees() -> None:
    rule = Rule("w += v_post*rr_pre", name="hopeful")
    message = faults(pathways=(Pathway("W", "hidden.r", "output.drive", rule=rule),), phases=())
    assert "pathway 'W'" in message
    assert "unknown name 'rr_pre' in the rule 'hopeful'; did you mean 'r_pre'?" in message


@pytest.mark.parametrize("text", ["hidden.x += v", "hidden.x *= 2", "x", "hidden.x = ", "hidden.x = __v"])
def test_a_hold_is_an_assignment(text: str) -> None:
    with pytest.raises(EquationError):
        hold(text)


@pytest.mark.parametrize("text", ["hidden.x = vv", "x_held = vv"])
def test_a_hold_of_an_unknown_variable_is_refused_with_the_circuit(text: str) -> None:
    with pytest.raises(NeurosimError, match="'vv'"):
        circuit(phases=(Phase("clean", "5 ms", hold=(hold(text),)),))


@pytest.mark.parametrize("duration", ["5", "5 mV", "soon"])
def test_a_duration_is_a_time(duration: str) -> None:
    with pytest.raises(UnitError):
        Phase("clean", duration)


@pytest.mark.parametrize(
    ("duration", "message"),
    [
        ("0 ms", "lasts 0 ms; expected a time above zero"),
        ("-5 ms", "lasts -5 ms; expected a time above zero"),
        ("2.5 ms", "not a whole number of time steps of 1 ms"),
    ],
)
def test_a_phase_is_a_whole_number_of_steps(duration: str, message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        Phase("clean", duration).steps(1e-3)


def test_steps_survive_rounding() -> None:
    assert Phase("clean", "0.3 ms").steps(1e-4) == 3
    assert Phase("clean", "1 second").steps(0.1e-3) == 10_000
    assert Phase("clean", "70 ms").steps(0.7e-3) == 100


# Description


def test_prints_every_part() -> None:
    shown = str(circuit())
    for part in (
        "circuit pair",
        "population hidden (3): leak",
        "population output (2): leak",
        "as hidden",
        "dv/dt = (drive - v)/tau : 1",
        "r = tanh(v) : 1",
        "noise: noise",
        "pathway W (2 x 3): hidden.r -> output.drive",
        "w += rate*v_post*r_pre",
        "rate = 0.1",
        "~ normal(1/sqrt(n_pre))",
        "pathway B (3 x 2): output.v -> hidden.feedback  weights of W transposed",
        "phase clean: 20 ms, perturb = 0",
        "at its end loss_held = loss",
        "phase noisy: 5 ms, perturb = 1, fresh noise",
        "learn W",
        "readout of output.r = y: squared_error",
        SQUARED.error,
        SQUARED.loss,
    ):
        assert part in shown, f"missing: {part}\nin: {shown}"
    assert circuit()._repr_html_().startswith("<details open>")
    # Row 23: the repr of a circuit was 10,767 characters.
    assert len(repr(circuit())) < 200


@pytest.mark.parametrize("name", registry.names("rules"))
def test_prints_what_is_not_local(name: str) -> None:
    rule = registry.load("rules", name).RULE
    if isinstance(rule, Rule) and (rule.on_pre or rule.on_post or rule.flows):
        pytest.skip("neurons that do not spike, or synapses with noise, have no such rule")
    values = dict.fromkeys((n for n, default in rule.parameters.items() if default is None), 0.1)
    variables = sorted({n.rpartition("_")[0] for n in rule.names if n.endswith(("_pre", "_post"))} - {"v", "r"})
    # Not every rule's names are declared by this neuron: only the printed line matters.
    neuron = LEAK.extended(*NeuronModel("\n".join(f"{v} : 1" for v in ("unused", *variables))).equation_set.equations)
    built = circuit(
        populations=(Population("hidden", 3, neuron), Population("output", 3, neuron)),
        pathways=(
            Pathway("W", "hidden.r", "output.drive", rule=rule, parameters=values, sigma=0.1),
            Pathway("B", "output.v", "hidden.feedback"),
        ),
        phases=(Phase("only", "5 ms", hold=tuple(hold(f"output.{n}_held = {t}") for n, t in SQUARED.held.items())),),
    )
    assert (f"rule {name} (not local)" in str(built)) == (not rule.local)
    assert built.local == rule.local


@pytest.mark.parametrize(
    ("initial", "shown", "width"),
    [
        (Initial(), "~ normal(1/sqrt(n_pre))", 0.5),
        (Initial("uniform", 3.0, "out"), "~ uniform(3/sqrt(n_post))", 1.0),
        (Initial("normal", 2.0, "all"), "~ normal(2/sqrt(n_all))", 0.4),
        (Initial("normal", 0.1, None), "~ normal(0.1)", 0.1),
        (Initial("constant", 0.25, None), "0.25", 0.25),
    ],
)
def test_laws_of_initial_weights(initial: Initial, shown: str, width: float) -> None:
    pathway = Pathway("W", "hidden.r", "output.drive", initial=initial)
    assert f"-> output.drive  {shown}" in str(circuit(pathways=(pathway,), phases=()))
    assert initial.width(9, 4, 25) == pytest.approx(width)


def test_a_transposed_tie_is_not_local_and_learning_by_hebb_is() -> None:
    assert not circuit().local
    assert circuit(pathways=circuit().pathways[:1]).local


def test_equal_circuits_are_equal_and_hash_alike() -> None:
    assert circuit() == circuit()
    assert hash(circuit()) == hash(circuit())
    other = circuit(phases=(Phase("clean", "20 ms"),))
    assert other != circuit() and hash(other) != hash(circuit())


def test_a_circuit_cannot_be_changed() -> None:
    built = circuit()
    for part, field in ((built, "name"), (built.pathways[0], "source"), (built.phases[0], "duration")):
        with pytest.raises(AttributeError):
            setattr(part, field, "other")
    for mapping in (built.pathways[0].parameters, built.phases[0].switches, built.populations[0].bind):
        with pytest.raises(TypeError):
            mapping["x"] = 1  # type: ignore[index]


def test_shapes() -> None:
    built = circuit()
    assert built.shape("W") == built.weights_shape("W") == (2, 3)
    assert built.shape("B") == (3, 2)
    alone = Circuit("d", (Population("a", 4, LEAK),), (Pathway("D", "a.r", "a.drive", connectivity="one_to_one"),))
    assert alone.shape("D") == (4, 4)
    assert alone.weights_shape("D") == (4,)


# Composition and plan


def test_held_variables_are_declared_in_the_unit_of_what_they_hold() -> None:
    volts = NeuronModel("dv/dt = -v/tau : volt\nu = v/tau : volt/second", parameters={"tau": "10 ms"})
    phase = Phase("only", "5 ms", hold=(hold("a.v_held = v"), hold("a.u_held = 2*u"), hold("a.w_held = v_held*u")))
    model = compose(Circuit("units", (Population("a", 1, volts),), phases=(phase,)))["a"]
    units = {name: model.equation_set.by_name[name].unit for name in ("v_held", "u_held", "w_held")}
    assert units["v_held"] == "metre**2*kilogram*second**-3*amp**-1"
    assert units["u_held"] == "metre**2*kilogram*second**-4*amp**-1"
    assert units["w_held"] == "metre**4*kilogram**2*second**-7*amp**-2"


def test_nodes_come_after_what_they_need() -> None:
    nodes = plan(circuit()).nodes
    seen: set[str] = set()
    for name, node in nodes.items():
        assert {need for need in node.needs.values() if need in nodes} <= seen, name
        seen.add(name)
    assert {"hidden.r", "output.drive", "hidden.feedback", "output.error", "loss"} <= seen
    assert "output.v" not in nodes


def test_leaves_at_an_instant() -> None:
    graph = plan(circuit())
    assert graph.leaves_of(["output.drive"]) == {"hidden.v"}
    assert graph.leaves_of(["loss"]) == {"output.v", "output.target"}
    steady = plan(circuit(), steady=True)
    assert steady.leaves_of(["output.v"]) == {"hidden.drive"}


def test_a_loop_at_an_instant_is_refused_by_its_names() -> None:
    instant = NeuronModel("r = tanh(drive) : 1\ndrive : 1", name="instant")
    with pytest.raises(CircuitError) as caught:
        Circuit(
            "loop",
            (Population("a", 2, instant), Population("b", 2, instant)),
            (Pathway("F", "a.r", "b.drive"), Pathway("R", "b.r", "a.drive")),
        )
    message = str(caught.value)
    assert "need each other at the same instant" in message
    assert all(name in message for name in ("a.r", "b.drive", "b.r", "a.drive"))
    assert "put a differential equation between them" in message


def test_a_loop_through_a_differential_equation_is_none_in_time_and_one_at_the_steady_level() -> None:
    looped = circuit(pathways=(*circuit().pathways, Pathway("R", "output.r", "hidden.drive")))
    plan(looped)
    with pytest.raises(CircuitError, match="has no steady state that can be written down"):
        plan(looped, steady=True)


def test_coupled_variables_of_one_neuron_are_solved_together() -> None:
    pair = NeuronModel(
        "dv/dt = (2 - v + 0.5*u)/tau : 1\ndu/dt = (v - u)/tau : 1\ny = v : 1", parameters={"tau": "10 ms"}
    )
    graph = plan(Circuit("one", (Population("a", 1, pair),)), steady=True)
    assert not graph.leaves_of(["a.v", "a.u"]) - {"a.tau"}
    for name, expected in (("a.v", 4.0), ("a.u", 4.0)):
        function = graph.nodes[name].function
        assert function is not None
        assert function.compile(np)(**dict.fromkeys(function.arguments, 4.0)) == pytest.approx(expected)


@pytest.mark.parametrize("flow", ["v**2 - 1", "v**2 + 1", "0"])
def test_a_neuron_without_a_single_steady_state_says_so(flow: str) -> None:
    neuron = NeuronModel(f"dv/dt = ({flow})/tau : 1", parameters={"tau": "10 ms"}, method="euler")
    with pytest.raises(EquationError, match="no single steady state of v in closed form"):
        plan(Circuit("one", (Population("a", 1, neuron),)), steady=True)
