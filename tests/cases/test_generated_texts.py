"""Generated texts: one engine accepts what the other accepts, both give the same, and nothing is raised raw.

Texts are drawn over the whole grammar, sensible or not; those that are refused are so when they are written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.weights import Initial
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.equations.reserved import FUNCTIONS
from neurosim.errors import NeurosimError, NumericalError
from neurosim.neurons._model import NeuronModel
from neurosim.recording.simulate import simulate
from neurosim.rules._rule import Rule

#: Functions whose value hardly changes with the last bit of their argument, so that engines stay together.
SMOOTH = sorted({*FUNCTIONS} - {"tan", "int", "floor", "ceil", "sign", "clip", "arcsin", "arccos", "log", "log10"})
NUMBERS = st.sampled_from(["0", "1", "2", "3", "0.5", "0.1", "2.5", "10", "1e-3"])
SLOW = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def expressions(names: list[str], *, depth: int = 3) -> st.SearchStrategy[str]:
    """Arithmetic over names without a unit."""

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        binary = st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        power = st.tuples(inner, st.sampled_from(["2", "3", "-1", "-2", "0.5"])).map(lambda t: f"({t[0]})**{t[1]}")
        call = st.tuples(st.sampled_from(SMOOTH), inner).map(lambda t: f"{t[0]}({t[1]})")
        sign = inner.map(lambda text: f"-{text}")
        clipped = inner.map(lambda text: f"clip({text}, -2, 2)")
        chosen = st.tuples(inner, inner).map(lambda t: f"int({names[0]} + {t[0]} > 10**-2)*{t[1]}")
        return st.one_of(binary, power, call, sign, clipped, chosen)

    return st.recursive(st.one_of(st.sampled_from(names), NUMBERS), grown, max_leaves=2**depth)


@st.composite
def neurons(draw: st.DrawFn) -> dict[str, Any]:
    """The arguments of a neuron model of two variables and whatever else a text can have."""
    names = draw(
        st.lists(
            st.sampled_from(["a", "I", "oo", "S", "tau_", "k", "nan", "b", "where", "ms"]), max_size=2, unique=True
        )
    )
    known = ["v", "u", "x", *names]
    timed = [*known, "t/ms", draw(st.sampled_from(["x", "x", "lastspike/ms", "int(not_refractory)", "nosuch"]))]
    flag = draw(st.sampled_from(["", "", " (constant over dt)", " (constant over dt)", " (shared)"]))
    clamp = draw(st.sampled_from(["", "", " (unless refractory)", " (unless refractory)", " (clock-driven)"]))
    lines = [
        f"dv/dt = (tanh({draw(expressions(known))}) - v)/(5*ms) : 1{clamp}",
        f"du/dt = (0.5 - u + 0.1*sin({draw(expressions(timed))}))/(3*ms) : 1",
        f"x = tanh({draw(expressions(['v', 'u', *names]))}) : 1{flag}",
        *(f"{name} : {draw(st.sampled_from(['1', '1', 'integer']))}" for name in names),
    ]
    spiking = draw(st.booleans())
    texts = {
        "threshold": f"v > 0.1 + 0.1*tanh({draw(expressions(known, depth=2))})" if spiking else None,
        "reset": f"v = 0.1*tanh({draw(expressions(known, depth=2))}); u *= 0.5" if spiking else None,
        "refractory": draw(st.sampled_from([None, "0.5 ms", "u > 0.4", "0.2*ms*(1 + u**2)"])) if spiking else None,
    }
    values = {name: draw(st.sampled_from([0, 1, 2, 2, 0.5])) for name in names}
    method = draw(st.sampled_from(["euler", "rk2", "rk4", "heun", "exponential_euler", None]))
    return {"equations": "\n".join(lines), **texts, "parameters": values, "method": method, "initial": {"u": 0.3}}


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """The arguments of a rule of one line for the weight and one for a variable of its own."""
    timing = draw(st.sampled_from(["phase_end", "step"]))
    names = draw(
        st.lists(st.sampled_from(["rate", "I", "drive", "sigma", "k", "delay", "loss", "ms"]), max_size=2, unique=True)
    )
    spikes = draw(st.sampled_from(["r_pre", "spikes_pre", "r_pre"]))
    before, after, own = ["r_pre", "v_pre", spikes], ["r_post", "drive_post"], ["w", "q", *names]
    factors = [f"tanh({draw(expressions(some, depth=2))})" for some in (before, after, own)]
    mixed = draw(st.sampled_from(["0", "0", "w*r_pre*r_post", "tanh(r_pre*r_post)", "2*volt"]))
    update = f"w += 0.01*{factors[0]}*{factors[1]} + {factors[2]}*0.01 - {mixed}\nq += 0.1*{factors[0]}"
    kept = draw(st.sampled_from(["variables", "traces"])) if timing == "step" else "variables"
    unit = draw(st.sampled_from(["1", "1", "1", "1", "1", "volt", "integer"]))
    values = {name: draw(st.sampled_from([0.5, 2, "0.1", "20 ms"])) for name in names}
    return {"update": update, kept: f"q : {unit}", "timing": timing, "parameters": values}


def agree(found: list[Any]) -> None:
    """Both engines refused, or both gave the same."""
    failed = [isinstance(each, NeurosimError) for each in found]
    if any(failed):
        # What stops being finite does so on both; where exactly is a matter of the last bit.
        assert all(failed), found
        assert {type(each) for each in found} == {type(found[0])}, found
        return
    for name, array in found[0].items():
        np.testing.assert_allclose(array, found[1][name], rtol=1e-9, atol=1e-9, err_msg=name)


def check_neuron(arguments: dict[str, Any]) -> bool:
    """Whether the text is accepted; then both engines agree on it."""
    try:
        model = NeuronModel(**arguments)
    except NeurosimError:
        return False
    found: list[Any] = []
    for engine in ("batched", "brian"):
        try:
            recorded = simulate(model, "1.5 ms", dt="0.1 ms", engine=engine, record=["v", "u", "x"])
            found.append({str(name): np.asarray(array, dtype=float) for name, array in recorded.items()})
        except NeurosimError as error:
            found.append(error)
    agree(found)
    return True


def check_rule(arguments: dict[str, Any]) -> bool:
    """Whether the text is accepted; then both engines agree on it."""
    sender = NeuronModel("dv/dt = (1.5 - v)/(2*ms) : 1\nr = 0.5 + v**2 : 1", "v > 0.6", "v = 0.1")
    receiver = NeuronModel("drive : 1\ndr/dt = (drive - r)/(2*ms) : 1")
    try:
        pathway = Pathway("W", "a.r", "b.drive", rule=Rule(**arguments), initial=Initial("constant", 0.4))
        circuit = Circuit(
            "pair", (Population("a", 2, sender), Population("b", 2, receiver)), (pathway,),
            (Phase("all", "3 ms", learn=("W",)),),
        )  # fmt: skip
    except NeurosimError:
        return False
    found: list[Any] = []
    setting = Setting("spiking", dt=2.5e-4, dtype="float64")
    for engine in (BatchedEngine(circuit, setting), BrianEngine(circuit, setting)):
        state, _ = engine.run(initial_state(circuit, 0), {}, trials=1)
        kept = {name: np.asarray(state[name]) for name in ("W.w", "W.q")}
        finite = all(np.isfinite(array).all() for array in kept.values())
        found.append(kept if finite else NumericalError("not finite"))
    agree(found)
    return True


@settings(SLOW, max_examples=25)
@given(neurons())
def test_engines_agree_on_generated_neurons(arguments: dict[str, Any]) -> None:
    check_neuron(arguments)


@settings(SLOW, max_examples=15)
@given(rules())
def test_engines_agree_on_generated_rules(arguments: dict[str, Any]) -> None:
    check_rule(arguments)


@pytest.mark.slow
@pytest.mark.timeout(14_400)
@settings(SLOW, max_examples=1_000)
@given(neurons())
def test_engines_agree_on_many_generated_neurons(arguments: dict[str, Any]) -> None:
    check_neuron(arguments)


@pytest.mark.slow
@pytest.mark.timeout(14_400)
@settings(SLOW, max_examples=600)
@given(rules())
def test_engines_agree_on_many_generated_rules(arguments: dict[str, Any]) -> None:
    check_rule(arguments)


@settings(SLOW, max_examples=300)
@given(st.text(st.characters(max_codepoint=0x2FFF), max_size=60), st.sampled_from(["", "x = ", "dx/dt = ", "x : "]))
def test_no_text_at_all_is_an_error_of_python(text: str, start: str) -> None:
    for make in (
        lambda: NeuronModel(start + text),
        lambda: NeuronModel(f"{start}{text} : 1\nv : 1"),
        lambda: NeuronModel("v : 1", threshold=text),
        lambda: NeuronModel("v : 1", threshold="v > 1", reset=text),
        lambda: NeuronModel("v : 1", threshold="v > 1", refractory=text),
        lambda: NeuronModel("v : 1", parameters={text: 1, "v": text}),
        lambda: Rule(text),
        lambda: Rule(f"w += {text}", variables=text, parameters={text: text}),
    ):
        try:
            make()
        except NeurosimError as error:
            assert str(error)
