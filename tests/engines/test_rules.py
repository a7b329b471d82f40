"""What holds for every learning rule there is, and for every one that will be added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Sparse
from neurosim.circuit.plan import plan
from neurosim.circuit.plasticity import rule_names, rule_terms
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.equations.array_code import expression_function
from neurosim.equations.grammar import check_expression
from neurosim.errors import CircuitError, EngineError, EquationError
from neurosim.rules._oracle import OracleRule
from neurosim.rules._rule import Rule
from tests.engines.conftest import NOISE, SHARED, at_spikes

SETTING = Setting("rate", 1e-3, "float64")


@pytest.fixture(params=registry.names("rules"))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def rule(name: str) -> Rule | OracleRule:
    return registry.load("rules", name).RULE


def random_state(circuit: Circuit, rule: Rule | OracleRule) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A state in which all of the rule's variables differ, and six trials of arbitrary activity."""
    generator = np.random.default_rng(9)
    varying = {f"{p.name}.{e.name}": p.size for p in circuit.populations for e in p.neuron.equation_set.of("parameter")}
    given = {
        name: generator.standard_normal((6, size))
        for name, size in varying.items()
        if name.split(".")[1] not in ("tau", "x_in") and name not in plan(circuit).nodes
    }
    state = initial_state(circuit, 1)
    if not isinstance(rule, OracleRule):
        # What an oracle accumulates cannot be arbitrary: a moment is positive.
        state |= {f"rule.{v}": generator.standard_normal(state[f"rule.{v}"].shape) for v in rule.synaptic_variables}
    if at_spikes(rule):
        # Weights that spikes change may be in a power.
        state["rule.w"] = 1 + np.abs(state["rule.w"])
    return state, given


def test_carries_its_name_and_says_what_it_is(name: str, rule: Rule | OracleRule) -> None:
    assert rule.name == name
    assert registry.describe("rules", name)[-1] in ".)"


def test_is_local_unless_it_reads_beyond_the_synapse(rule: Rule | OracleRule) -> None:
    assert rule.local == (not rule.reads)
    if isinstance(rule, Rule):
        assert ("w_reciprocal" in rule.names) == ("reciprocal" in rule.reads)


def test_a_local_rule_names_only_what_a_synapse_sees(
    rule: Rule | OracleRule, rule_circuit: Callable[..., Circuit]
) -> None:
    circuit = rule_circuit(rule)
    kinds = {kind for kind, _ in rule_names(circuit, "rule").values()}
    assert kinds <= {"pre", "post", "own", "trace", "constant", "trial"}
    read = rule.names if isinstance(rule, OracleRule) else rule.update_names
    assert ("trace" in kinds) == bool({*rule.trace_variables} & read)
    assert circuit.local == (rule.local and circuit.pathway["rule"].tie is None)


def test_increments_are_expressions_and_terms_separate(
    rule: Rule | OracleRule, rule_circuit: Callable[..., Circuit]
) -> None:
    circuit = rule_circuit(rule)
    terms = rule_terms(circuit, "rule", rule.moment)
    if isinstance(rule, OracleRule):
        assert not terms
        return
    assert terms.keys() == rule.increments.keys() == set(rule.changed)
    names = rule_names(circuit, "rule")
    for variable, expression in rule.increments.items():
        check_expression(expression)
        for term in terms[variable]:
            for function, sides in ((term.post, "post trial"), (term.pre, "pre trial"), (term.own, "own trace")):
                arguments = () if function is None else function.arguments
                assert {names[a][0] for a in arguments} <= {*sides.split(), "constant"}


def test_terms_add_up_to_the_increment(rule: Rule | OracleRule, rule_circuit: Callable[..., Circuit]) -> None:
    if isinstance(rule, OracleRule):
        pytest.skip("an oracle has no terms")
    circuit = rule_circuit(rule)
    generator = np.random.default_rng(3)
    # One synapse: every name is one number.
    values = {argument: generator.uniform(0.5, 2) for argument in rule.names}
    for variable, terms in rule_terms(circuit, "rule", rule.moment).items():
        total = 0.0
        for term in terms:
            factors = [f for f in (term.post, term.pre, term.own) if f is not None]
            total += np.prod([f.compile(np)(**{a: values[a] for a in f.arguments}) for f in factors])
        whole = expression_function("whole", rule.increments[variable])
        expected = whole.compile(np)(**{argument: values[argument] for argument in whole.arguments})
        assert total == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("connectivity", ["dense", "one_to_one", Sparse(0.6)], ids=str)
def test_both_engines_agree_on_arbitrary_activity(
    connectivity: Any, rule: Rule | OracleRule, rule_circuit: Callable[..., Circuit], request: pytest.FixtureRequest
) -> None:
    if isinstance(rule, OracleRule):
        if connectivity != "dense":
            pytest.skip("an oracle computes on matrices")
        # An inverse of few samples hangs on the last bits.
        request.getfixturevalue("compiles_optimised")
        if rule.reads_gradient:
            _refuses_gradients(rule_circuit(rule))
            return
    _hold_engines_together(rule_circuit(rule, connectivity), rule)


@pytest.mark.parametrize(
    ("kind", "positions"), [("convolution", "mean"), ("transposed", "sum"), ("per_channel", "sum")]
)
def test_both_engines_agree_where_synapses_share_weights(
    kind: str, positions: str, rule: Rule | OracleRule, rule_circuit: Callable[..., Circuit]
) -> None:
    if isinstance(rule, OracleRule) and rule.reads_gradient:
        _refuses_gradients(rule_circuit(rule, *SHARED[kind], positions=positions))
        return
    if isinstance(rule, OracleRule):
        with pytest.raises(CircuitError, match=f"'{rule.name}' computes on the matrix of a dense pathway"):
            rule_circuit(rule, *SHARED[kind], positions=positions)
        return
    if kind == "per_channel" and "reciprocal" in rule.reads:
        with pytest.raises(CircuitError, match="no pathway leads back along the same synapses"):
            rule_circuit(rule, *SHARED[kind], positions=positions)
        return
    if at_spikes(rule):
        with pytest.raises(CircuitError, match="shares weights among positions, where statements at spikes cannot act"):
            rule_circuit(rule, *SHARED[kind], positions=positions)
        return
    if rule.flows:
        with pytest.raises(CircuitError, match="shares weights among positions, where equations of traces cannot act"):
            rule_circuit(rule, *SHARED[kind], positions=positions)
        return
    _hold_engines_together(rule_circuit(rule, *SHARED[kind], positions=positions), rule)


def _refuses_gradients(circuit: Circuit) -> None:
    """Brian2 computes no gradient, and says so; `tests/gradients` compares that of the other engine."""
    with pytest.raises(EngineError, match="'gradient' of pathway 'rule' reads the gradient of the loss"):
        BrianEngine(circuit, SETTING).run(initial_state(circuit, 1), {}, trials=1)


def _hold_engines_together(circuit: Circuit, rule: Rule | OracleRule) -> None:
    start, given = random_state(circuit, rule)
    batch = 1 if rule.timing == "step" or at_spikes(rule) else 3
    expected, _ = BrianEngine(circuit, SETTING).run(start, given, batch=batch)
    got = start
    for number in range(0, 6, batch):
        chunk = {n: a[number : number + batch] for n, a in given.items()}
        got, _ = BatchedEngine(circuit, SETTING).run(got, chunk, first=number)
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(got[name], array, rtol=1e-9, atol=1e-9 * np.max(np.abs(array), initial=0))
    if rule.learns:
        assert rule.learned
        assert any(np.any(expected[f"rule.{v}"] != start[f"rule.{v}"]) for v in rule.learned)


@pytest.mark.parametrize("kind", SHARED)
def test_a_shared_weight_learns_what_its_synapses_would_on_average(
    kind: str, rule: Rule | OracleRule, rule_circuit: Callable[..., Circuit]
) -> None:
    if (
        isinstance(rule, OracleRule)
        or at_spikes(rule)
        or rule.flows
        or "update_noise" in rule.names
        or (kind == "per_channel" and rule.reads)
    ):
        pytest.skip("refused, or drawn for each weight anew; see the test above")
    connectivity, ends = SHARED[kind]
    made = connectivity.synapses(ends)
    assert made.weight is not None
    index = made.weight
    shared = rule_circuit(rule, connectivity, ends)
    start, given = random_state(shared, rule)
    if "w_reciprocal" in rule.names:
        start["back.w"] = np.random.default_rng(4).standard_normal(start["back.w"].shape)
    unrolled = rule_circuit(rule, "dense", ends)
    if rule.moment.within_steps:
        # Traces are shared like weights. After one step, weights that are not shared would have gone their own ways.
        shared, unrolled = (replace(c, phases=(replace(c.phases[0], duration="1 ms"),)) for c in (shared, unrolled))

    def spread(array: np.ndarray, index: np.ndarray = index) -> np.ndarray:
        # What is no synapse of the shared pathway has no weight.
        found = np.zeros((*array.shape[: array.ndim - start["rule.w"].ndim], ends.n_post, ends.n_pre))
        found[..., made.post, made.pre] = array.reshape(*found.shape[:-2], -1)[..., index]
        return found

    alone = dict(start)
    for name in (*(f"rule.{v}" for v in rule.synaptic_variables), "back.w"):
        alone[name] = (
            spread(np.swapaxes(start[name], 0, 1)).T
            if name == "back.w" and kind != "per_channel"
            else (start[name] if name == "back.w" or not start[name].ndim else spread(start[name]))
        )
    noise, noise_alone = None, None
    if rule.names & NOISE:
        drawn = np.random.default_rng(6).standard_normal((6, *start["rule.w"].shape))
        noise, noise_alone = {"only": {"rule.noise": drawn}}, {"only": {"rule.noise": spread(drawn)}}
    got, _ = BatchedEngine(shared, SETTING).run(start, given, noise=noise)
    expected, _ = BatchedEngine(unrolled, SETTING).run(alone, given, noise=noise_alone)
    for variable in rule.learned:
        change = (expected[f"rule.{variable}"] - alone[f"rule.{variable}"])[made.post, made.pre]
        mean = np.bincount(index, weights=change) / np.bincount(index)
        np.testing.assert_allclose(
            (got[f"rule.{variable}"] - start[f"rule.{variable}"]).ravel(), mean, rtol=1e-9, atol=1e-12
        )


def test_mean_over_a_batch_is_the_mean_of_single_trials(
    rule: Rule | OracleRule, rule_circuit: Callable[..., Circuit]
) -> None:
    if isinstance(rule, OracleRule):
        pytest.skip("an oracle sees the batch as a whole")
    struck = [*rule.at_pre, *rule.at_post, *(rule.statements if at_spikes(rule) else ())]
    if any("w" in statement.names for statement in struck):
        pytest.skip("a trial alone changes weights by what it has made of them")
    circuit = rule_circuit(rule)
    state, given = random_state(circuit, rule)
    engine = BatchedEngine(circuit, SETTING)
    together, _ = engine.run(state, given)
    # Noise of updates is drawn for a batch: single trials are to be the same one.
    numbers = [0 if "update_noise" in rule.names else trial for trial in range(6)]
    alone = [
        engine.run(state, {n: a[[trial]] for n, a in given.items()}, first=number)[0]
        for trial, number in enumerate(numbers)
    ]
    for variable in rule.learned:
        name = f"rule.{variable}"
        np.testing.assert_allclose(together[name], np.mean([s[name] for s in alone], axis=0), rtol=1e-10, atol=1e-13)


def test_what_cannot_be_separated_is_refused_by_name(rule_circuit: Callable[..., Circuit]) -> None:
    with pytest.raises(CircuitError, match=r"pathway 'rule': .*tanh.* mixes post and pre"):
        rule_circuit(Rule("w += 0.1*tanh(x_post*r_pre)", name="mixed"))


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ("w = r_pre", "expected \\+= or -="),
        ("w *= r_pre", "expected \\+= or -="),
        ("v += r_pre", "variables of its synapse \\(w\\), not 'v'"),
        ("w += __import__('os')", "allowed are"),
    ],
)
def test_an_update_is_an_increment_of_its_own_variables(update: str, message: str) -> None:
    with pytest.raises(EquationError, match=message):
        Rule(update)


def test_reading_beyond_the_synapse_has_to_be_named() -> None:
    with pytest.raises(EquationError, match=r"beyond the synapse, not \['everything'\]"):
        Rule("w += r_pre", reads=("everything",))


def test_a_name_that_is_a_units_is_refused() -> None:
    with pytest.raises(EquationError, match="'amp' is the unit amp"):
        Rule("w += amp*r_pre", parameters={"amp": None})
