"""Rules that are switched off in some batches: nothing of them acts there, an optimiser's memory included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.batch_schedule import cycle, learning_in, needed_phases
from neurosim.circuit.circuit import Circuit
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.optimiser import Optimiser
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state, learned_names
from neurosim.errors import CircuitError, EngineError
from tests.default_run import one_of_each

SETTING = Setting("steady", dtype="float64")
RATE = Setting("rate", 1e-3, "float64")
OPTIMISERS = [Optimiser(), Optimiser(kind="momentum"), Optimiser(kind="adam")]
#: The one with most memory by default.
BY_DEFAULT_ADAM = one_of_each(reversed(OPTIMISERS), lambda _: "optimiser")
BATCH = 3


def train(
    circuit: Circuit, state: State, data: Any, first: int, count: int = 1, optimiser: Any = OPTIMISERS[0]
) -> State:
    """`count` batches from the one with the running number `first` on."""
    order = np.arange(BATCH * count).reshape(count, BATCH)
    engine = BatchedEngine(circuit, SETTING, optimiser)
    return engine.train(state, data, order, seed=1, first=BATCH * first)[0]


def moved(before: State, after: State) -> set[str]:
    return {name for name in after if name not in before or np.any(after[name] != before[name])}


def test_who_acts_when(build: Callable[..., Circuit]) -> None:
    circuit = build("weight_mirror", choice={"task_every": 2, "mirror_every": 3})
    forward, feedback = {"W1", "W2", "W3", "b1", "b2", "b3"}, {"B1", "B2", "My1", "My2"}
    expected = [forward | feedback, set(), forward, feedback, forward, set()]
    assert [set(names) for names in cycle(circuit)] == expected
    assert [set(learning_in(circuit, batch)) for batch in range(6, 12)] == expected
    assert needed_phases(circuit, frozenset(forward)) == ("clean",)
    assert needed_phases(circuit, frozenset(feedback)) == ("clean", "mirror")
    assert "in every 3 batches" in str(circuit)


def test_a_period_is_a_positive_number(build: Callable[..., Circuit]) -> None:
    circuit = build("weight_mirror")
    with pytest.raises(CircuitError, match="every 0 batches"):
        replace(circuit, pathways=tuple(replace(p, every=0) for p in circuit.pathways))


@pytest.mark.parametrize("optimiser", BY_DEFAULT_ADAM, ids=lambda o: o.kind)
@pytest.mark.parametrize("choice", [{"task_every": 3}, {"mirror_every": 3}], ids=str)
def test_no_memory_leaks_through_a_gate(
    choice: dict[str, int], optimiser: Optimiser, build: Callable[..., Circuit], stimuli: Callable[..., Any]
) -> None:
    circuit, data = build("weight_mirror", choice=choice), stimuli(9)
    state = train(circuit, initial_state(circuit, 0), data, 0, 1, optimiser)
    # The first batch filled the memory: the next two are the mirror's, or the task's, alone.
    for batch in (1, 2):
        after = train(circuit, state, data, batch, 1, optimiser)
        changed = moved(state, after)
        owners = {name.split(".")[-2] for name in changed}
        assert owners == (
            {"B1", "B2", "My1", "My2"} if "task_every" in choice else {"W1", "W2", "W3", "b1", "b2", "b3"}
        )
        state = after
    assert "W1.w" in moved(state, train(circuit, state, data, 3, 1, optimiser))


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=lambda o: o.kind)
def test_a_rate_of_zero_is_a_gate_as_well(
    optimiser: Optimiser, build: Callable[..., Circuit], stimuli: Callable[..., Any]
) -> None:
    # As in a warm-up: what follows is as if it had not been.
    circuit, data = build("feedback_alignment"), stimuli(9)
    state = initial_state(circuit, 0)
    closed = {name: np.zeros(()) for name in state if name.endswith(".learning_rate")}
    waited = train(circuit, {**state, **closed}, data, 0, 3, optimiser)
    waited |= {name: state[name] for name in closed}
    found, expected = (train(circuit, start, data, 3, 3, optimiser) for start in (waited, state))
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_one_call_is_as_many_as_there_are_batches(build: Callable[..., Circuit], stimuli: Callable[..., Any]) -> None:
    circuit, data = build("information_alignment", choice={"mirror_every": 3, "task_every": 2}), stimuli(18)
    state = initial_state(circuit, 0)
    together = train(circuit, state, data, 1, 6)
    for batch in range(6):
        rows = {name: array[BATCH * batch : BATCH * (batch + 1)] for name, array in data.items()}
        state = train(circuit, state, rows, 1 + batch)
    for name in learned_names(circuit):
        np.testing.assert_allclose(together[name], state[name], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "choice", [{"mirror_every": 3}, pytest.param({"task_every": 2}, marks=pytest.mark.slow)], ids=str
)
def test_gates_and_noise_of_updates_on_both_engines(
    choice: dict[str, int], build: Callable[..., Circuit], stimuli: Callable[..., Any]
) -> None:
    circuit, data = noisy(build("weight_mirror", choice=choice), 0.3), stimuli(12)
    state, order = initial_state(circuit, 0), np.arange(12).reshape(6, 2)
    ours, outputs = BatchedEngine(circuit, RATE).train(state, data, order, seed=3, first=2)
    theirs, _ = BrianEngine(circuit, RATE).train(state, data, order, seed=3, first=2)
    for name in learned_names(circuit):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-12)
    # What is left out has no number.
    assert np.isnan(outputs.ends["mirror"]["loss"]).any() == ("mirror_every" in choice)
    assert np.isfinite(outputs.ends["clean"]["loss"]).all()


# Noise of updates


def noisy(circuit: Circuit, sd: float) -> Circuit:
    pathways = (replace(p, update_noise=sd) if p.synapse.learns else p for p in circuit.pathways)
    return replace(circuit, pathways=tuple(pathways))


@pytest.mark.parametrize("optimiser", BY_DEFAULT_ADAM, ids=lambda o: o.kind)
def test_noise_of_updates_is_scaled_by_the_rate_and_passes_by_the_optimiser(
    optimiser: Optimiser, build: Callable[..., Circuit], stimuli: Callable[..., Any]
) -> None:
    plain, data = build("weight_mirror", hidden=(40, 30)), stimuli(3)
    state = initial_state(plain, 0)
    state["W1.learning_rate"] = 0.5 * state["W1.learning_rate"]
    expected = train(plain, state, data, 4, 1, optimiser)
    found = train(noisy(plain, 0.7), state, data, 4, 1, optimiser)
    for name in ("W1", "W2", "B1"):
        left = (found[f"{name}.w"] - expected[f"{name}.w"]) / (0.7 * state[f"{name}.learning_rate"])
        assert abs(left.mean()) < 4.5 / left.size**0.5
        assert left.var() == pytest.approx(1, abs=4.5 * (2 / left.size) ** 0.5)
    for name in (name for name in expected if name.startswith("optimiser")):
        np.testing.assert_array_equal(found[name], expected[name])


def test_noise_of_updates_differs_from_batch_to_batch_and_from_seed_to_seed(
    build: Callable[..., Circuit], stimuli: Callable[..., Any]
) -> None:
    circuit, data = noisy(build("feedback_alignment"), 1.0), stimuli(3)
    state = initial_state(circuit, 0)
    engine, order = BatchedEngine(circuit, SETTING), np.arange(3)[None]
    drawn = [engine.train(state, data, order, seed=s, first=f)[0]["W1.w"] for s, f in ((0, 0), (0, 3), (1, 0), (0, 0))]
    np.testing.assert_array_equal(drawn[0], drawn[3])
    assert len({array.tobytes() for array in drawn}) == 3


def test_noise_of_updates_needs_a_rate_and_is_refused_in_standalone_code(build: Callable[..., Circuit]) -> None:
    with pytest.raises(CircuitError, match="scaled by the learning rate"):
        noisy(build("sign_symmetry"), 1.0)
    circuit = noisy(build("feedback_alignment"), 1.0)
    with pytest.raises(EngineError, match="the updates of pathway 'W1' have noise"):
        BrianEngine(circuit, RATE, "cpp_standalone").run(initial_state(circuit, 0), {})


@pytest.mark.parametrize("feedback_decay", [None, 0.05])
def test_kolen_pollack_keeps_both_directions_alike_under_momentum(
    feedback_decay: float | None, build: Callable[..., Circuit], stimuli: Callable[..., Any]
) -> None:
    choice = {"decay": 0.02, "feedback_decay": feedback_decay, "optimised": True, "learning_rate": 0.1}
    circuit, data = build("kolen_pollack", choice=choice), stimuli(9)
    state = initial_state(circuit, 0)
    gap = [state["B1.w"] - state["W2.w"].T]
    for batch in range(60):
        state = train(circuit, state, data, batch, 1, OPTIMISERS[1])
        gap.append(state["B1.w"] - state["W2.w"].T)
    if feedback_decay is not None:
        assert np.linalg.norm(gap[-1]) > 0.05 * np.linalg.norm(state["W2.w"])
        return
    # Both take the same steps with momentum, so that their difference is an oscillator nobody drives.
    velocity, expected = 0.0, gap[0]
    for _ in range(60):
        velocity = 0.9 * velocity - 0.02 * expected
        expected = expected + velocity
    np.testing.assert_allclose(gap[-1], expected, rtol=1e-9, atol=1e-12)
