"""The loop over time against XLA's loop and against Brian2: the same spikes, the same state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import xarray

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Sparse
from neurosim.circuit.description import Initial, Pathway, Phase, Population, hold
from neurosim.engines.batched.batch import Batch, Outcome, Request
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.batched.loop import presented
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.equations.parse import parse_equations
from neurosim.errors import NumericalError
from neurosim.neurons._model import NeuronModel
from neurosim.recording.courses import over_time
from neurosim.recording.simulate import simulate

Simulated = Callable[..., xarray.Dataset]


@pytest.fixture
def looped(monkeypatch: pytest.MonkeyPatch) -> Simulated:
    """Simulates in the loop, whatever the size of a circuit."""

    def run(circuit: Circuit, **settings: Any) -> xarray.Dataset:
        calls = []

        def present(request: Request, batch: Batch, given: Callable[..., Outcome] = presented.present) -> Outcome:
            assert presented.reasons(request, batch) == []
            calls.append(request)
            return given(request, batch)

        with monkeypatch.context() as patch:
            patch.setattr(presented, "serves", lambda request, batch: True)
            patch.setattr(presented, "present", present)
            found = simulate(circuit, **settings)
        assert calls
        return found

    return run


@pytest.fixture
def in_xla(monkeypatch: pytest.MonkeyPatch) -> Simulated:
    """Simulates in XLA's loop, whatever the size of a circuit."""

    def run(circuit: Circuit, **settings: Any) -> xarray.Dataset:
        with monkeypatch.context() as patch:
            patch.setattr(presented, "serves", lambda request, batch: False)
            return simulate(circuit, **settings)

    return run


def neuron(name: str) -> NeuronModel:
    module = registry.load("neurons", name)
    return module.build(module.Config())


def law(value: float, kind: Literal["constant", "uniform"] = "constant") -> Initial:
    return Initial(kind, value, None)


LEAKY = NeuronModel(
    """dv/dt = (ge + gi + i_ext - v)/tau_m : 1 (unless refractory)
    dge/dt = -ge/tau_e : 1
    dgi/dt = -gi/tau_i : 1 (unless refractory)
    rate = clip(v, 0, 1)**2 : 1
    tau_m : second (constant)
    i_ext : 1""",
    threshold="v > 1",
    reset="v = 0",
    refractory="1.5 ms",
    parameters={"tau_m": "10 ms", "tau_e": "2 ms", "tau_i": "4 ms", "i_ext": 1.5},
)
CONDUCTANCES = NeuronModel(
    """dv/dt = (g_l*(e_l - v) + ge*(e_e - v) + i_ext)/c_m : volt
    dge/dt = -ge/tau_e : siemens
    dcount/dt = -count/tau_e : 1
    i_ext = i_in*(1 + 0.5*sin(2*pi*50*Hz*t)) : amp
    i_in : amp
    u : 1""",
    threshold="v > v_t + 0.1*mV*u and v < 0*mV",
    reset="v = v_r; u += 1; count = count + int(u > 2)*u",
    refractory="2*ms*(1 + 0.5*int(u > 3))",
    method="exponential_euler",
    parameters={
        **{"g_l": "10 nS", "e_l": "-70 mV", "e_e": "0 mV", "c_m": "0.2 nF", "tau_e": "3 ms", "v_t": "-50 mV"},
        **{"v_r": "-60 mV", "i_in": "0.4 nA", "u": 0},
    },
    initial={"v": "-65 mV"},
)


def mixed() -> Circuit:
    """Several populations and all kinds of pathways."""
    populations = (
        Population("a", 30, LEAKY),
        Population("b", 12, CONDUCTANCES),
        Population("c", 12, neuron("izhikevich")),
        Population("d", 9, neuron("hodgkin_huxley")),
        Population("e", 9, neuron("adaptive_lif")),
    )
    pathways = (
        Pathway("aa", "a.spikes", "a.ge", connectivity=Sparse(0.3, 1, senders=(0, 24)), initial=law(0.2)),
        Pathway("aa_inhibits", "a.spikes", "a.gi", connectivity=Sparse(0.3, 2, senders=(24, 30)), initial=law(-0.4)),
        Pathway("ab", "a.spikes", "b.ge", initial=law(2e-9, "uniform")),
        Pathway("bc", "b.spikes", "c.u", connectivity="one_to_one", initial=law(-0.5)),
        Pathway("ad", "a.rate", "d.drive", initial=law(0.2, "uniform")),
        Pathway("de", "d.r", "e.drive", connectivity="one_to_one", initial=law(0.5)),
        Pathway("ce", "c.r", "e.drive", connectivity=Sparse(0.4, 3), initial=law(0.3)),
        Pathway("ec", "e.v", "c.drive", connectivity=Sparse(0.4, 4), initial=law(0.3)),
    )
    return Circuit("mixed", populations, pathways, (Phase("all", "30 ms"),))


def of_mixed(trials: int, steps: int, dtype: str) -> dict[str, Any]:
    generator = np.random.default_rng(3)
    return {
        "trials": trials,
        "dt": "0.1 ms",
        "dtype": dtype,
        "state": {"a.v": generator.uniform(0, 1, (trials, 30))},
        "inputs": {
            "a.tau_m": generator.uniform(5e-3, 15e-3, 30),
            "c.i_ext": generator.uniform(0, 15, (trials, 12)),
            "e.i_ext": over_time(generator.uniform(0, 4, (steps, trials, 9))),
        },
        "record": [
            "a.v",
            "a.spikes",
            "a.rate",
            "b.v",
            "b.u",
            "b.spikes",
            "c.v",
            "d.v",
            "d.spikes",
            "e.theta",
            "e.drive",
        ],
    }


def assert_same(got: xarray.Dataset, expected: xarray.Dataset, tolerance: float, *, least: Mapping[str, int]) -> None:
    assert list(got) == list(expected)
    for name in expected:
        found, wanted = got[name].values, expected[name].values
        assert found.shape == wanted.shape and found.dtype == wanted.dtype, name
        if wanted.dtype == bool:
            np.testing.assert_array_equal(found, wanted, err_msg=str(name))
            assert wanted.sum() >= least.get(str(name), 0), name
        else:
            assert np.max(np.abs(found - wanted)) <= tolerance * np.max(np.abs(wanted)), name


def test_all_kinds_of_neurons_and_pathways(looped: Simulated, in_xla: Simulated) -> None:
    settings = of_mixed(2, 300, "float64")
    got = looped(mixed(), **settings)
    assert_same(got, in_xla(mixed(), **settings), 1e-9, least={"a.spikes": 50, "b.spikes": 20, "d.spikes": 2})
    assert_same(got, simulate(mixed(), engine="brian", **settings), 1e-9, least={})


def small(neuron: NeuronModel = LEAKY, size: int = 25) -> Circuit:
    """One population that excites and inhibits itself."""
    pathways = (
        Pathway("excites", "a.spikes", "a.ge", connectivity=Sparse(0.3, 1, senders=(0, 20)), initial=law(0.2)),
        Pathway("inhibits", "a.spikes", "a.gi", connectivity=Sparse(0.3, 2, senders=(20, 25)), initial=law(-0.4)),
    )
    return Circuit("small", (Population("a", size, neuron),), pathways, (Phase("all", "20 ms"),))


def starts(trials: int) -> dict[str, np.ndarray]:
    return {"a.v": np.random.default_rng(4).uniform(0, 1, (trials, 25))}


def test_single_precision(looped: Simulated, in_xla: Simulated) -> None:
    # Soon after, a neuron spikes a step later, as it may in other precision, and is another neuron from then on.
    settings = {"duration": "8 ms", "dtype": "float32", "trials": 2, "state": starts(2)}
    assert_same(looped(small(), **settings), in_xla(small(), **settings), 1e-4, least={"a.spikes": 20})


RANDOM = NeuronModel(
    """dv/dt = (ge + gi - v)/tau + sigma*xi*tau**-0.5 : 1 (unless refractory)
    dge/dt = -ge/tau : 1
    dgi/dt = -gi/tau : 1""",
    threshold="rand() < rate*dt*(1 + v**2)",
    reset="v = 0.1*randn() + 0.1*rand()",
    refractory="t < lastspike + 0.4*ms",
    parameters={"tau": "5 ms", "sigma": 0.3, "rate": "500 Hz"},
)


def test_random_numbers_are_those_of_the_other_loop(looped: Simulated, in_xla: Simulated) -> None:
    settings = {"trials": 3, "seed": 7, "record": ["a.spikes", "a.v"]}
    # Normal numbers are equal to single precision, in which they are drawn.
    assert_same(looped(small(RANDOM), **settings), in_xla(small(RANDOM), **settings), 1e-6, least={"a.spikes": 200})


def test_a_trial_has_the_same_bits_in_any_batch(looped: Simulated) -> None:
    many = looped(small(RANDOM), trials=20, seed=7, state=starts(20))
    few = looped(small(RANDOM), trials=3, seed=7, state={"a.v": starts(20)["a.v"][:3]})
    for name in few:
        np.testing.assert_array_equal(many[name].values[:, :3], few[name].values)


def test_parts_are_as_one_go(looped: Simulated, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"trials": 2, "seed": 7, "record": ["a.v", "a.spikes"]}
    whole = looped(small(RANDOM), duration="6 ms", **settings)
    first = looped(small(RANDOM), duration="2.3 ms", store=tmp_path / "end", **settings)
    second = looped(small(RANDOM), duration="3.7 ms", restore=tmp_path / "end", **settings)
    for name in whole:
        parts = np.concatenate([first[name].values, second[name].values])
        np.testing.assert_array_equal(parts, whole[name].values)


def test_what_is_not_finite_is_told(looped: Simulated, in_xla: Simulated) -> None:
    unstable = NeuronModel(
        "dv/dt = v**3/tau : 1", threshold="v < -1", reset="v = 0", method="euler", parameters={"tau": "0.2 ms"}
    )
    circuit = Circuit("unstable", (Population("a", 3, unstable),), (), (Phase("all", "20 ms"),))
    told = []
    for run in (looped, in_xla):
        with pytest.raises(NumericalError) as error:
            run(circuit, state={"a.v": np.array([0.0, 0.4, 0.9])})
        told.append(str(error.value))
    assert told[0] == told[1] and "neuron 2" in told[0]


def test_several_phases_with_what_they_hold_and_report(monkeypatch: pytest.MonkeyPatch) -> None:
    neuron = LEAKY.extended(*parse_equations("gain : 1 (shared)\nkept : 1\nshown = gain*v + kept : 1").equations)
    phases = (
        Phase("one", "8 ms", {"gain": 2}, hold=(hold("a.kept = v"),)),
        Phase("two", "5 ms"),
        Phase("three", "4 ms", restart=True),
    )
    circuit = Circuit("phases", small(neuron).populations, small(neuron).pathways, phases)
    engine, found = BatchedEngine(circuit, Setting("spiking", 1e-4, "float64")), []
    state = {**initial_state(circuit, 0), "a.v": starts(1)["a.v"][0]}
    for looped in (True, False):
        monkeypatch.setattr(presented, "serves", lambda request, batch, looped=looped: looped)
        found.append(engine.run(state, {}, trials=2, report=["a.shown", "a.v"], record=["a.kept", "a.spikes"])[1])
    for phase in ("one", "two", "three"):
        for name in ("a.shown", "a.v"):
            np.testing.assert_allclose(found[0].ends[phase][name], found[1].ends[phase][name], rtol=1e-9)
    for name in ("a.kept", "a.spikes"):
        np.testing.assert_allclose(found[0].recordings[name], found[1].recordings[name], rtol=1e-9)
    assert found[0].recordings["a.spikes"].sum() > 20
