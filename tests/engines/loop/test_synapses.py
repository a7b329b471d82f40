"""Synapses in the loop over time: delays, texts at spikes, traces; against XLA's loop and Brian2."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Sparse
from neurosim.circuit.description import Initial, Pathway, Phase, Population
from neurosim.circuit.spike_texts import spike_text
from neurosim.engines.batched.batch import Batch, Request
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.batched.loop import presented
from neurosim.engines.batched.loop.strikes import increasing
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, initial_state
from neurosim.neurons._model import NeuronModel
from neurosim.rules._rule import Rule

SETTING = Setting("spiking", 1e-4, "float64")
NEURON = NeuronModel(
    """dv/dt = (i_ext + ge + drive - v)/tau : 1 (unless refractory)
    dge/dt = -ge/tau_e : 1 (unless refractory)
    dx/dt = -x/tau : 1
    drive : 1
    i_ext : 1 (constant)
    r = v**2 : 1""",
    threshold="v > 1",
    reset="v = 0; x += 1",
    refractory="0.5 ms",
    parameters={"tau": "5 ms", "tau_e": "3 ms", "i_ext": 1.5},
)
STDP = Rule(
    on_pre="a += a_plus\nw += y",
    on_post="y += a_minus\nw += a",
    traces="da/dt = -a/tau_plus : 1\ndy/dt = -y/tau_minus : 1",
    parameters={"tau_plus": "3 ms", "tau_minus": "4 ms", "a_plus": 0.02, "a_minus": -0.021},
    name="stdp",
)
#: Each trace depends on what only the synapse knows.
SINGLE = Rule(
    on_pre="s += 0.5*w*(1 - s)\nw += 0.01*x_post\nge_post += w*s",
    on_post="s -= 0.1*s*v_pre",
    traces="ds/dt = (0.1*v_post - s)/tau_s : 1",
    parameters={"tau_s": "4 ms"},
    name="single",
)
GROWTH = Rule("w += 0.1*w + 0.05", name="growth")
SHORT_TERM = Rule(
    on_pre="u += 0.3*(1 - u)\nrelease = u*z\nz -= release\nge_post += w*release",
    traces="du/dt = -u/tau_u : 1\ndz/dt = (1 - z)/tau_z : 1",
    parameters={"tau_u": "10 ms", "tau_z": "8 ms"},
    name="short term",
)
START = Initial("uniform", 0.4, None)


def joined(*pathways: Pathway, size: int = 7) -> Circuit:
    learning = tuple(p.name for p in pathways if p.synapse.learns)
    return Circuit(
        "joined",
        (Population("p", size, NEURON), Population("q", 4, NEURON)),
        pathways,
        (Phase("first", "9 ms", learn=learning), Phase("second", "6 ms")),
    )


PATHWAYS: dict[str, tuple[Pathway, ...]] = {
    "one delay": (
        Pathway("pp", "p.spikes", "p.ge", initial=START, connectivity=Sparse(0.5, 1), delay="0.7 ms"),
        Pathway("pq", "p.spikes", "q.ge", initial=START, delay="1.2 ms"),
        Pathway("qq", "q.spikes", "q.ge", initial=START, connectivity="one_to_one", delay="0.3 ms"),
    ),
    "a delay of each synapse": (
        Pathway("pp", "p.spikes", "p.ge", initial=START, connectivity=Sparse(0.5, 1), delay="rand()*1.5*ms"),
        Pathway("pq", "p.spikes", "q.ge", initial=START, delay="(i + j)*0.1*ms"),
    ),
    "graded": (
        Pathway("pp", "p.r", "p.drive", initial=START, connectivity=Sparse(0.5, 1), delay="0.7 ms"),
        Pathway("pq", "p.x", "q.drive", delivers="w*(v_pre - v_post)*2", initial=START),
        Pathway("qp", "q.v", "p.drive", delivers="w*v_pre*x_post", initial=START, delay="0.1*(i + j + 1)*ms"),
    ),
    "pairs of spikes": (
        Pathway("pp", "p.spikes", "p.ge", STDP, initial=START, connectivity=Sparse(0.5, 1), bounds=(0, 0.3)),
        Pathway("pq", "p.spikes", "q.ge", STDP, initial=START, delay="0.4 ms", bounds=(0.05, None)),
        Pathway("qq", "q.spikes", "q.ge", STDP, initial=START, connectivity="one_to_one"),
    ),
    "late pairs of spikes": (
        Pathway("pp", "p.spikes", "p.ge", STDP, initial=START, connectivity=Sparse(0.5, 1), delay="rand()*1.5*ms"),
    ),
    "late weights that change between phases": (
        Pathway("pp", "p.spikes", "p.ge", GROWTH, initial=START, connectivity=Sparse(0.5, 1), delay="rand()*1.5*ms"),
        # Refractoriness does not clamp this one.
        Pathway("pq", "p.spikes", "q.x", initial=START, delay="(i + j)*0.1*ms"),
    ),
    "what single synapses know": (
        Pathway("pp", "p.spikes", "p.ge", SINGLE, initial=START, connectivity=Sparse(0.5, 1)),
        Pathway("pq", "p.spikes", "q.ge", SINGLE, initial=START, delivers="0.1*w*x_pre", delay="0.4 ms"),
    ),
    "short term": (
        Pathway("pp", "p.spikes", "p.ge", SHORT_TERM, initial=START, connectivity=Sparse(0.5, 1)),
        Pathway("pq", "p.spikes", "q.ge", SHORT_TERM, initial=START, delay="0.4 ms"),
    ),
}
STARTS = {name: np.linspace(0, 0.9, size) for name, size in (("p.v", 7), ("q.v", 4))}


def started(circuit: Circuit) -> State:
    return {**initial_state(circuit, 3), **STARTS}


def run_looped(
    monkeypatch: pytest.MonkeyPatch, looped: bool, circuit: Circuit, starts: State | None = None, **settings: Any
) -> tuple[State, Any]:
    def serves(request: Request, batch: Batch) -> bool:
        assert not looped or presented.reasons(request, batch) == []
        return looped

    with monkeypatch.context() as patch:
        patch.setattr(presented, "serves", serves)
        return BatchedEngine(circuit, SETTING).run(starts or started(circuit), {}, **settings)


def assert_close(found: Any, expected: Any, name: str) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("kind", PATHWAYS)
def test_synapses_as_in_xla_and_brian(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    circuit = joined(*PATHWAYS[kind])
    settings: dict[str, Any] = {"trials": 1, "record": ["p.v", "p.spikes", "q.v", "q.ge", "q.spikes"]}
    settings |= {"report": ["p.v", "q.ge"]}
    state, outputs = run_looped(monkeypatch, True, circuit, **settings)
    assert outputs.recordings["p.spikes"].sum() > 15
    others = [
        run_looped(monkeypatch, False, circuit, **settings),
        BrianEngine(circuit, SETTING).run(started(circuit), {}, **settings),
    ]
    for after, expected in others:
        for name, array in expected.recordings.items():
            assert_close(outputs.recordings[name], array, name)
        for name in (f"{pathway.name}.w" for pathway in circuit.owners):
            assert_close(state[name], after[name], name)
        for phase, found in expected.ends.items():
            for name, array in found.items():
                assert_close(outputs.ends[phase][name], array, name)
    learning = [p.name for p in circuit.pathways if p.synapse.learns]
    assert all(np.any(np.abs(state[f"{name}.w"] - started(circuit)[f"{name}.w"]) > 1e-3) for name in learning)


def test_parts_and_batches_are_as_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    pathways = (*PATHWAYS["short term"], replace(PATHWAYS["a delay of each synapse"][0], name="late"))
    circuit = replace(joined(*pathways), phases=(Phase("only", "9 ms"),))
    record = ["p.v", "q.ge", "p.spikes"]
    _, whole = run_looped(monkeypatch, True, circuit, trials=3, record=record)
    _, one = run_looped(monkeypatch, True, circuit, trials=1, record=record)
    shorter = [replace(circuit, phases=(Phase("only", length),)) for length in ("4.1 ms", "4.9 ms")]
    _, first = run_looped(monkeypatch, True, shorter[0], trials=3, record=record, keep=True)
    _, second = run_looped(monkeypatch, True, shorter[1], trials=3, record=record, start=first.end)
    for name in record:
        np.testing.assert_array_equal(one.recordings[name], whole.recordings[name][:, :1])
        parts = np.concatenate([first.recordings[name], second.recordings[name]])
        np.testing.assert_array_equal(parts, whole.recordings[name])


def test_networks_of_their_own_and_what_is_recorded_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = joined(*PATHWAYS["pairs of spikes"][:2])
    record = ["p.spikes[1:5:2]", "mean(q.ge)", "sum(p.spikes)", "pp.w[::3]", "pp.a[:4]", "pq.w[5]", "pq.y", "p.v[2]"]
    starts = {**started(circuit), "p.v": np.random.default_rng(1).uniform(0, 1, (3, 7))}
    settings: dict[str, Any] = {"own_weights": True, "every": {"pp.w": 20, "p.v": 7}, "record": record}
    results = []
    for looped in (True, False):
        with monkeypatch.context() as patch:
            patch.setattr(presented, "serves", lambda request, batch, looped=looped: looped)
            results.append(BatchedEngine(circuit, SETTING).run(starts, {}, trials=3, **settings))
    (state, outputs), (after, expected) = results
    assert state["pp.w"].shape == (3, *circuit.weights_shape("pp"))
    for name in state:
        assert_close(state[name], after[name], name)
    assert outputs.recordings.keys() == expected.recordings.keys() == set(record)
    for name, array in expected.recordings.items():
        assert outputs.recordings[name].dtype == array.dtype and outputs.recordings[name].shape == array.shape, name
        assert_close(outputs.recordings[name], array, name)
    again = BatchedEngine(circuit, SETTING)
    with monkeypatch.context() as patch:
        patch.setattr(presented, "serves", lambda request, batch: True)
        one, _ = again.run({**starts, "p.v": starts["p.v"][:1]}, {}, trials=1, **settings)
    np.testing.assert_array_equal(one["pp.w"][0], state["pp.w"][0])


SHARED: dict[str, tuple[Pathway, ...]] = {
    "rows and columns": (PATHWAYS["pairs of spikes"][0], replace(PATHWAYS["pairs of spikes"][1], reduction="sum")),
    "a delay of each synapse": PATHWAYS["late pairs of spikes"],
    "traces of single synapses": (PATHWAYS["what single synapses know"][0], PATHWAYS["pairs of spikes"][2]),
}


@pytest.mark.parametrize("kind", SHARED)
def test_weights_that_trials_share_learn_as_in_xla(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    circuit = joined(*SHARED[kind])
    starts = {**started(circuit), "p.v": np.random.default_rng(1).uniform(0, 1, (3, 7))}
    # Two trials spike in the same steps, so that sums of increments are needed.
    starts["p.v"][2] = starts["p.v"][0]
    settings: dict[str, Any] = {"trials": 3, "record": ["p.v", "p.spikes", "q.ge", "pp.w"], "report": ["p.v"]}
    (state, outputs), (after, expected) = (
        run_looped(monkeypatch, looped, circuit, starts, **settings) for looped in (True, False)
    )
    assert expected.recordings["p.spikes"].sum() > 15
    for name in settings["record"]:
        assert_close(outputs.recordings[name], expected.recordings[name], name)
    assert np.any(np.abs(state["pp.w"] - starts["pp.w"]) > 1e-3)
    for name, array in after.items():
        assert_close(state[name], array, name)


def test_what_a_text_adds_is_summed_by_itself() -> None:
    rule = Rule(on_pre="w += 2*w\nw -= x_post", name="twice")
    circuit = joined(Pathway("pp", "p.spikes", "p.ge", rule, initial=START, connectivity=Sparse(0.5, 1)))
    text = spike_text(circuit, "pp", "pre", bounded=False)
    assert text is not None
    function = increasing(text.function, frozenset({"w"}))
    found = dict(zip(function.returns, function.compile(np)(w=0.5, x_post=0.25), strict=True))
    assert found == {"w__more": 0.75, "delivered__0": 0.5}
