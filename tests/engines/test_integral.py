"""Rules that act on the instant at which each step begins, and a loss over time: by hand, and on both engines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosim import Circuit, Pathway, Phase, Population, Setting, Stimulus, Where, initial_state
from neurosim.engines.batched.batch import Request
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.batched.matrices import spread_out_of
from neurosim.engines.brian.engine import BrianEngine
from neurosim.errors import CircuitError, NeurosimError
from neurosim.neurons import NeuronModel
from neurosim.readouts.squared_error import READOUT
from neurosim.rules import Rule

STEPS, SIZE, INPUTS, OUTPUTS, TRIALS = 12, 5, 3, 2, 4
DT, TAU, RATE = 1e-3, 5e-3, 0.1
INPUT = NeuronModel("r : 1\ndrbar/dt = (r - rbar)/tau : 1", parameters={"tau": "5 ms"}, method="euler")
HIDDEN = NeuronModel(
    """
    dv/dt = (drive - v)/tau : 1
    r = tanh(v) : 1
    gain = 1 - r**2 : 1
    drbar/dt = (r - rbar)/tau : 1
    drive : 1
    learning_signal : Hz
    """,
    parameters={"tau": "5 ms"},
    method="euler",
)
OUTPUT = NeuronModel("r = drive : 1\ndrive : 1")
BY_NEURON = Rule(
    "w -= dt*learning_rate*learning_signal_post*gain_post*rbar_pre",
    parameters={"learning_rate": RATE},
    timing="integral",
    name="by_neuron",
)
BY_SYNAPSE = Rule(
    "el += dt*(gain_post*r_pre - el)/tau\nw -= dt*learning_rate*learning_signal_post*el",
    traces="el : 1",
    parameters={"learning_rate": RATE, "tau": "5 ms"},
    timing="integral",
    name="by_synapse",
)
FLOWING = replace(
    BY_SYNAPSE, update="w -= dt*learning_rate*learning_signal_post*el", traces="del/dt = (gain_post*r_pre - el)/tau : 1"
)
READING_OUT = Rule(
    "w -= dt*learning_rate*error_post*r_pre", parameters={"learning_rate": RATE}, timing="integral", name="delta"
)


def circuit(by_synapse: Rule = BY_SYNAPSE, output: NeuronModel = OUTPUT) -> Circuit:
    """Two recurrent pathways beside each other, whose rules keep traces in neurons and in synapses."""
    return Circuit(
        "in time",
        (
            Population("input", INPUTS, INPUT),
            Population("hidden", SIZE, HIDDEN),
            Population("output", OUTPUTS, output),
        ),
        (
            Pathway("Win", "input.r", "hidden.drive", rule=BY_NEURON),
            Pathway("R", "hidden.r", "hidden.drive", rule=BY_NEURON),
            Pathway("R2", "hidden.r", "hidden.drive", rule=by_synapse),
            Pathway("Wout", "hidden.r", "output.drive", rule=READING_OUT),
            Pathway("B", "output.error", "hidden.learning_signal"),
        ),
        (Phase("trial", f"{STEPS + 1} ms", learn=("Win", "R", "R2", "Wout")),),
        READOUT,
        "output.r",
        over_time=True,
    )


def trials(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, targets and a mask that adds up to one, a step later than the inputs."""
    drawn = np.random.default_rng(seed)
    late, early = ((0, 0), (0, 1), (0, 0)), ((0, 0), (1, 0), (0, 0))
    inputs = np.pad(drawn.normal(size=(TRIALS, STEPS, INPUTS)), late)
    targets = np.pad(drawn.normal(size=(TRIALS, STEPS, OUTPUTS)), early)
    weights = np.pad(drawn.uniform(size=(TRIALS, STEPS, 1)), early)
    return inputs, targets, weights / weights.sum(axis=1, keepdims=True) / DT


def stimuli() -> dict[str, Stimulus]:
    names = ("input.r", "output.target", "output.mask")
    return {name: Stimulus(array, "course") for name, array in zip(names, trials(), strict=True)}


def by_hand(state: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Loss, mean output and increments, step by step."""
    inputs, targets, mask = trials()
    w = {name: state[f"{name}.w"] for name in ("Win", "R", "R2", "Wout", "B")}
    change = {name: np.zeros_like(weights) for name, weights in w.items()}
    a, factor = DT / TAU, -DT * RATE / TRIALS
    u, r_trace, x_trace = np.zeros((TRIALS, SIZE)), np.zeros((TRIALS, SIZE)), np.zeros((TRIALS, INPUTS))
    eligibility, loss, answer = np.zeros((TRIALS, SIZE, SIZE)), 0.0, 0.0
    for step in range(STEPS + 1):
        r = np.tanh(u)
        y, gain = r @ w["Wout"].T, 1 - r**2
        error = mask[:, step] * (y - targets[:, step])
        signal = error @ w["B"].T
        loss = loss + DT * np.sum(mask[:, step] * 0.5 * (y - targets[:, step]) ** 2, axis=1)
        answer = answer + DT * mask[:, step] * y
        change["R"] += factor * (signal * gain).T @ r_trace
        change["Win"] += factor * (signal * gain).T @ x_trace
        change["R2"] += factor * np.einsum("bi,bij->ij", signal, eligibility)
        change["Wout"] += factor * error.T @ r
        eligibility = eligibility + a * (gain[:, :, None] * r[:, None] - eligibility)
        r_trace, x_trace = r_trace + a * (r - r_trace), x_trace + a * (inputs[:, step] - x_trace)
        u = u + a * (inputs[:, step] @ w["Win"].T + r @ (w["R"] + w["R2"]).T - u)
    return np.asarray(loss), np.asarray(answer), change


@pytest.mark.parametrize("engine", [BatchedEngine, BrianEngine])
def test_increments_are_of_one_instant_and_add_up(engine):
    made = circuit()
    state = initial_state(made, 0)
    after, outputs = engine(made, Setting(dt=DT, dtype="float64")).run(
        state, stimuli(), report=("total_loss", "output.answer")
    )
    loss, answer, change = by_hand(state)
    ends = outputs.ends["trial"]
    assert ends["total_loss"].ravel() == pytest.approx(loss, rel=1e-12)
    assert ends["output.answer"] == pytest.approx(answer, rel=1e-12)
    for name, expected in change.items():
        assert after[f"{name}.w"] - state[f"{name}.w"] == pytest.approx(expected, rel=1e-9, abs=1e-15), name


def test_traces_with_an_equation_and_an_update_are_alike_on_both_engines():
    both = replace(FLOWING, update=f"el += 0.01*r_pre\n{FLOWING.update}")
    made = circuit(both)
    state, setting = initial_state(made, 0), Setting(dt=DT, dtype="float64")
    (batched, _), (brian, _) = (engine(made, setting).run(state, stimuli()) for engine in (BatchedEngine, BrianEngine))
    assert not np.allclose(batched["R2.w"], state["R2.w"], rtol=1e-3)
    for name in ("Win.w", "R.w", "R2.w", "Wout.w"):
        assert batched[name] == pytest.approx(brian[name], rel=1e-9), name


def test_a_list_of_nearly_all_synapses_is_a_matrix_with_holes():
    plain = circuit()
    where = Where("i != j")
    made = replace(
        plain,
        pathways=tuple(replace(p, connectivity=where) if p.name in ("R", "R2") else p for p in plain.pathways),
    )
    request = Request(made, Setting(dt=DT, dtype="float64"))
    spread_out = spread_out_of(request)
    assert spread_out is not None and set(spread_out.places) == {"R", "R2"}
    assert spread_out_of(replace(request, report=("R.w",))) is not None and not spread_out_of(
        replace(request, report=("R.w", "R2.w"))
    )
    state, setting = initial_state(made, 0), Setting(dt=DT, dtype="float64")
    after, _ = BatchedEngine(made, setting).run(state, stimuli())
    ends = made.ends("R")
    joined = where.synapses(ends)
    full = dict(state)
    for name in ("R.w", "R2.w"):
        full[name] = np.zeros((SIZE, SIZE))
        full[name][joined.post, joined.pre] = state[name]
    _, _, change = by_hand(full)
    for name in ("R", "R2"):
        expected = change[name][joined.post, joined.pre]
        assert after[f"{name}.w"] - state[f"{name}.w"] == pytest.approx(expected, rel=1e-9, abs=1e-15), name
    brian, _ = BrianEngine(made, setting).run(state, stimuli())
    for name in ("Win.w", "R.w", "R2.w", "Wout.w"):
        assert after[name] == pytest.approx(brian[name], rel=1e-9), name


def test_bounds_that_zero_does_not_meet_fill_no_holes():
    rule = Rule("w += 0.01*r_post*r_pre", timing="step", name="growing")
    plain = circuit()
    grown = {"rule": rule, "parameters": {}, "connectivity": Where("i != j"), "initial": 0.2, "bounds": (0.1, 0.5)}
    made = replace(plain, pathways=tuple(replace(p, **grown) if p.name == "R" else p for p in plain.pathways))
    state, setting = initial_state(made, 0), Setting(dt=DT, dtype="float64")
    given = {name: each.of_trials(slice(0, 1)) for name, each in stimuli().items()}
    (after, _), (brian, _) = (engine(made, setting).run(state, given) for engine in (BatchedEngine, BrianEngine))
    assert np.any(after["R.w"] != state["R.w"])
    for name in ("Win.w", "R.w", "R2.w", "Wout.w"):
        assert after[name] == pytest.approx(brian[name], rel=1e-9), name


def test_nothing_changes_without_learning():
    made = circuit()
    state = initial_state(made, 0)
    after, _ = BatchedEngine(made, Setting(dt=DT, dtype="float64")).run(state, stimuli(), learn=False)
    assert all(np.array_equal(after[name], state[name]) for name in state)


def test_what_does_not_sum_over_steps_is_refused():
    leaky = NeuronModel("dr/dt = (drive - r)/tau : 1\ndrive : 1", parameters={"tau": "5 ms"}, method="exact")
    with pytest.raises(NeurosimError, match=r"expected .euler."):
        circuit(output=leaky)
    with pytest.raises(CircuitError, match="has no readout"):
        replace(circuit(), pathways=(), phases=(), readout=None, output=None)


def test_spikes_of_the_step_are_not_there_yet():
    spiking = NeuronModel("dv/dt = -v/(5*ms) : 1\ndrive : 1", threshold="v > 1", reset="v = 0")
    rule = Rule("w += spikes_post", timing="integral")
    with pytest.raises(CircuitError, match=r"reads 'spikes_post'.*expected timing='step'"):
        Circuit(
            "pair",
            (Population("a", 2, spiking), Population("b", 2, spiking)),
            (Pathway("W", "a.v", "b.drive", rule=rule),),
            (Phase("all", "5 ms", learn=("W",)),),
        )
