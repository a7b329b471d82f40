"""Walks all that the grammar knows, on both engines: whatever is accepted runs and gives the same, or is refused.

New functions, flags, names and timings take part by themselves: the walks are over the language's own tables.
"""

from __future__ import annotations

import itertools
import keyword
import math
import typing
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population, hold
from neurosim.circuit.plasticity import rule_names
from neurosim.circuit.weights import Initial
from neurosim.equations.dimensions import BUILTIN_NAMES, UNIT_VALUES
from neurosim.equations.grammar import CONSTANTS
from neurosim.equations.parse import FLAGS
from neurosim.equations.reserved import (
    COUNT_FUNCTIONS,
    DRAWING_FUNCTIONS,
    FOREIGN_FUNCTIONS,
    FUNCTIONS,
    RANDOM_FUNCTIONS,
    REFRACTORY,
    RULE_NAMES,
    SPECIAL,
    meaning_of,
)
from neurosim.errors import EquationError, NeurosimError, NumericalError
from neurosim.neurons._model import NeuronModel
from neurosim.recording.simulate import simulate
from neurosim.rules._moments import Timing
from neurosim.rules._rule import Rule
from tests.cases.both_engines import learned, simulated

#: Brian2's flags, the misspelt and the empty one.
KNOWN_FLAGS = {
    *(flag for flags in FLAGS.values() for flag in flags),
    *("clock-driven", "event-driven", "summed", "linked", "constant over dt", "sharred"),
}
LINES = {
    "differential": "dx/dt = (1 - x)/(5*ms) : 1",
    "subexpression": "x = 2*v : 1",
    "parameter": "x : 1",
}
#: By what NumPy or SciPy calls them, where that is another name.
REFERENCES = {
    **{"exprel": special.exprel, "int": np.trunc, "clip": lambda x: np.clip(x, 0.25, 0.5)},
}
#: What each slot of a neuron's text is, with a name or an expression of seconds put in.
SLOTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "equation": lambda text: {"equations": f"dv/dt = 1/ms : 1\ny = {text} : second"},
    "differential equation": lambda text: {"equations": f"dv/dt = 1/ms + 0.01*({text})/ms**2 : 1"},
    "threshold": lambda text: {"equations": "dv/dt = 1/ms : 1", "threshold": f"v > 0.4 and ({text}) > -20000*second"},
    "reset": lambda text: {"equations": "dv/dt = 1/ms : 1", "threshold": "v > 0.4", "reset": f"v = 0*({text})/ms"},
    "refractory": lambda text: {
        **{"equations": "dv/dt = 1/ms : 1 (unless refractory)", "threshold": "v > 0.4", "reset": "v = 0"},
        "refractory": f"clip({text}, 0*ms, 0.3*ms)",
    },
}


@pytest.mark.parametrize("kind", sorted(LINES))
def test_a_flag_is_kept_on_both_engines_or_refused(kind: str) -> None:
    for flag in sorted(KNOWN_FLAGS):
        text = f"dv/dt = (1 - v + 0.1*x)/(5*ms) : 1\n{LINES[kind]} ({flag})"
        if flag not in FLAGS[kind]:  # type: ignore[index]
            with pytest.raises(EquationError, match=f"line 2, column .*the flag '{flag}' is not allowed"):
                NeuronModel(text)
            continue
        for refractory in (None, "0.5 ms"):
            neuron = NeuronModel(text, "v > 0.2", "v = 0.05*int(x > 5)", refractory, method="rk2")
            found = simulated(neuron, record=["v", "x", "spikes"])
            assert found["spikes"].sum() > 1


def test_all_flags_of_a_kind_go_together() -> None:
    lines = [
        f"{line.replace('x', f'x{number}')} ({', '.join(sorted(FLAGS[kind]))})"  # type: ignore[index]
        for number, (kind, line) in enumerate(LINES.items())
    ]
    text = "dv/dt = (1 - v + 0.1*x0 + 0.1*x1 + 0.1*x2)/(5*ms) : 1\n" + "\n".join(lines)
    neuron = NeuronModel(text, "v > 0.2", "v = 0.05*x1", "0.5 ms", method="rk4")
    simulated(neuron, record=["v", "x0", "x1", "spikes"])


def test_every_function_is_that_of_numpy_on_both_engines() -> None:
    # Between 0 and 1, where all of them have a value.
    calls = {name: f"{name}(v{', 0.25, 0.5' if FUNCTIONS[name] == 3 else ''})" for name in FUNCTIONS}
    lines = [f"f_{name} = {call} : 1" for name, call in calls.items()]
    neuron = NeuronModel("dv/dt = 1/(4*ms) : 1\n" + "\n".join(lines), initial={"v": 0.125})
    found = simulated(neuron, record=["v", *(f"f_{name}" for name in FUNCTIONS)])
    for name in FUNCTIONS:
        reference = REFERENCES.get(name) or getattr(np, name)
        np.testing.assert_allclose(found[f"f_{name}"], reference(found["v"]), rtol=1e-12, atol=1e-12, err_msg=name)


def test_functions_that_draw_stand_in_thresholds_and_resets_alone() -> None:
    for name in RANDOM_FUNCTIONS:
        for slot in ("equation", "differential equation", "refractory"):
            with pytest.raises(EquationError, match=rf"'{name}\(\)' is allowed in thresholds and resets only"):
                NeuronModel(**SLOTS[slot](f"{name}()*second"))
        neuron = NeuronModel("dv/dt = 1/ms : 1", f"v + 0*{name}() > 0.45", f"v = 0*{name}()")
        assert simulated(neuron)["spikes"].sum() == 6
    for name, count in COUNT_FUNCTIONS.items():
        for slot, make in SLOTS.items():
            with pytest.raises(EquationError, match=rf"'{name}\(\)' is allowed in a line of its own only"):
                NeuronModel(**make(f"{name}({', '.join(['0.5'] * count)})*second"))
                raise AssertionError(slot)
    for name in (*FUNCTIONS, *DRAWING_FUNCTIONS, *FOREIGN_FUNCTIONS):
        for slot, make in SLOTS.items():
            with pytest.raises(EquationError, match=f"'{name}' is"):
                NeuronModel(**make(f"{name}*second"))
                raise AssertionError(slot)


#: Texts of constants, and what Python makes of them.
WHOLE = [
    "10**-3", "1/2", "3 % 2", "-3 % 2", "2**-2*3", "(1 + 1)**-2", "abs(-2)**-1", "clip(3, 1, 2)**-1", "7/2*3 % 2",
    "100000*100000*1e-9", "10**20*1e-20", "int(2.5)**-1", "int(-2.5)/4", "2**10/2**12", "sign(-3)**-1", "floor(2.5)/2",
    "3000000000/3", "10**25*1e-25", "2**31 - 1", "int(3000000000.5)/3", "(3 - 5)**3", "-2**2", "2**0.5", "5 % 3/2",
]  # fmt: skip


def test_whole_numbers_are_the_real_numbers_of_python() -> None:
    python = {"int": math.trunc, "sign": np.sign, "floor": math.floor, "abs": abs, "clip": np.clip, "pi": math.pi}
    values = [float(eval(text, {"__builtins__": {}}, {**python, "sign": lambda x: float(np.sign(x))})) for text in
              (text.replace("clip(3, 1, 2)", "2.0") for text in WHOLE)]  # fmt: skip
    lines = [f"y{number} = {text} : 1" for number, text in enumerate(WHOLE)]
    lines += [f"z{number} = ({text})*v : 1" for number, text in enumerate(WHOLE)]
    names = [f"{letter}{number}" for letter in "yz" for number in range(len(WHOLE))]
    neuron = NeuronModel("dv/dt = 0/ms : 1\n" + "\n".join(lines), initial={"v": 2})
    found = simulated(neuron, "0.2 ms", record=names)
    for number, (text, value) in enumerate(zip(WHOLE, values, strict=True)):
        assert found[f"y{number}"][0, 0, 0] == pytest.approx(value, rel=1e-12), text
        assert found[f"z{number}"][0, 0, 0] == pytest.approx(2 * value, rel=1e-12), text


def test_whole_numbers_are_real_in_thresholds_resets_and_exponents() -> None:
    neuron = NeuronModel(
        "dv/dt = 1/(20*ms) : 1\nk : integer\ndu/dt = 10**-1*k**-2*2**-k/ms : 1",
        threshold="v > 10**-3 + (int(v > 0) + 2)**-5",
        reset="v = 2**-10*(int(u > 100) + 1)**-1 + int(2000000000*v)*100000*1e-30",
        parameters={"k": 3},
    )
    found = simulated(neuron, "20 ms", dt="1 ms", record=["v", "u", "spikes"])
    assert found["spikes"].sum() == 20
    assert found["u"][-1, 0, 0] == pytest.approx(19 * 0.1 / 9 / 8)


def test_what_has_no_value_does_not_cancel() -> None:
    for text in ("v/v", "1/v - 1/v", "0*log(v)", "v*u/(v*2)", "0/v"):
        lines = f"dv/dt = 0*v/ms : 1\nu = 3*v : 1\nx = tanh({text}) : 1"
        for engine in ("batched", "brian"):
            with pytest.raises(NumericalError, match=r"'neuron\.x' stopped being finite"):
                simulate(NeuronModel(lines), "0.3 ms", record=["x"], engine=engine)  # type: ignore[arg-type]
        value = eval(text, {"log": math.log}, {"v": 0.5, "u": 1.5})
        found = simulated(NeuronModel(lines, initial={"v": 0.5}), "0.3 ms", record=["x"])
        assert found["x"][0, 0, 0] == pytest.approx(math.tanh(value))


def test_every_operator_and_constant_is_pythons() -> None:
    texts = [f"{name}*v" for name in CONSTANTS if name != "inf"] + ["v + 2", "v - 2", "v*2", "v/2", "v**2", "-v", "+v"]
    texts += [f"v {operator} 0.7" for operator in ("%", "**")]
    comparisons = [f"v {operator} 0.5" for operator in ("<", "<=", ">", ">=", "==", "!=")]
    joined = ["v > 0.2 and v < 0.6", "v < 0.2 or v > 0.6", "not v > 0.5", "True and v > 0.3", "v < inf and v > -inf"]
    texts += [f"int({text})" for text in (*comparisons, *joined)]
    lines = [f"y{number} = {text} : 1" for number, text in enumerate(texts)]
    neuron = NeuronModel("dv/dt = 1/(4*ms) : 1\n" + "\n".join(lines), initial={"v": 0.125})
    found = simulated(neuron, dt="0.125 ms", record=["v", *(f"y{number}" for number in range(len(texts)))])
    for number, text in enumerate(texts):
        expected = [eval(text, {**CONSTANTS, "int": int}, {"v": float(v)}) for v in found["v"][:, 0, 0]]
        np.testing.assert_allclose(found[f"y{number}"][:, 0, 0], expected, rtol=1e-12, err_msg=text)


def test_every_unit_has_its_value_on_both_engines() -> None:
    names = sorted(UNIT_VALUES)[::25]
    text = "\n".join(f"y{number} = int({name} > 0*{name})*v : 1" for number, name in enumerate(names))
    neuron = NeuronModel(f"dv/dt = 1/ms : 1\n{text}", initial={"v": 1})
    found = simulated(neuron, "0.3 ms", record=["v", *(f"y{number}" for number in range(len(names)))])
    assert all(np.array_equal(found[f"y{number}"], found["v"]) for number in range(len(names)))


@pytest.mark.parametrize("slot", sorted(SLOTS))
def test_every_builtin_name_runs_in_every_slot_or_is_refused_there(slot: str) -> None:
    readable = BUILTIN_NAMES - UNIT_VALUES.keys() - FUNCTIONS.keys() - DRAWING_FUNCTIONS.keys() - FOREIGN_FUNCTIONS
    assert {"t", "dt", "-inf", *CONSTANTS} == readable, "a name that no test here walks"
    for name in ("t", "dt", "0.1*pi*ms", "0.1*e*ms", "clip(t/ms, 0, inf)*ms"):
        simulated(NeuronModel(**SLOTS[slot](name)), "1 ms")
    for name in sorted({*SPECIAL} - {"t", "dt", *REFRACTORY}):
        if name == "xi" and slot == "differential equation":
            continue
        with pytest.raises(NeurosimError, match=f"{name}"):
            NeuronModel(**SLOTS[slot](f"{name}*second"))


@pytest.mark.parametrize("slot", sorted(SLOTS))
def test_what_refractory_neurons_know_runs_in_every_slot(slot: str) -> None:
    for name in ("clip(t - lastspike, 0*ms, 5*ms)", "(1 + int(not_refractory))*ms"):
        arguments = {**SLOTS[slot](name)}
        arguments.setdefault("threshold", "v > 0.4")
        arguments.setdefault("reset", "v = 0")
        if "refractory" not in arguments and "not_refractory" in name:
            with pytest.raises(EquationError, match="has no refractory period"):
                NeuronModel(**arguments)
        arguments.setdefault("refractory", "0.25 ms")
        record = ["v", "spikes", *(["y"] if slot == "equation" else [])]
        assert simulated(NeuronModel(**arguments), record=record)["spikes"].sum() > 1


def test_every_name_with_a_meaning_is_refused_wherever_it_is_declared() -> None:
    names = {*SPECIAL, "xi_a", *FUNCTIONS, *DRAWING_FUNCTIONS, *FOREIGN_FUNCTIONS, *CONSTANTS, *keyword.kwlist}
    names |= {*sorted(UNIT_VALUES)[::20], "switch", "double", "where", "number"}
    for name in sorted(names):
        meaning = meaning_of(name)
        assert meaning is not None
        for make in (
            lambda name=name: NeuronModel(f"{name} : 1"),
            lambda name=name: NeuronModel("v : 1", parameters={name: 1}),
            lambda name=name: Rule("w += r_pre", parameters={name: 1}),
            lambda name=name: Rule("w += r_pre", variables=f"{name} : 1"),
            lambda name=name: Rule("w += r_pre", traces=f"{name} : 1", timing="step"),
        ):
            with pytest.raises(EquationError, match="rename it"):
                make()
    for name in RULE_NAMES:
        with pytest.raises(EquationError, match="rename it"):
            Rule("w += r_pre", parameters={name: 1})


def test_refractoriness_in_all_its_forms() -> None:
    forms = ["0 ms", "0.5 ms", "0.3*ms + tau", "u > 0.3", "t - lastspike < 0.4*ms"]
    for form, flag in itertools.product(forms, ("", "(unless refractory)")):
        neuron = NeuronModel(
            f"dv/dt = 1/ms : 1 {flag}\ndu/dt = -u/(2*ms) : 1",
            threshold="v > 0.25",
            reset="v = 0; u += 0.5",
            refractory=form,
            parameters={"tau": "0.1 ms"} if "tau" in form else {},
            initial={"v": 0.2, "u": 0.1},
        )
        assert simulated(neuron, "4 ms")["spikes"].sum() > 1


@pytest.mark.parametrize("timing", typing.get_args(Timing))
def test_every_name_that_a_rule_can_read_is_read_alike(timing: str) -> None:
    sender = NeuronModel("dv/dt = 1/ms : 1\nr = 1 + v : 1\nflag = v > 2 : boolean\nk : 1 (constant)", "v > 3", "v = 0")
    receiver = NeuronModel("drive : 1\ndr/dt = (drive - r)/ms : 1\nheld : 1\non : 1 (shared)\nmean : 1",
                           means={"mean": "r_pre"})  # fmt: skip
    populations = (Population("a", 2, sender, sums={"power": "v_pre*v_pre"}), Population("b", 2, receiver))
    phases = (Phase("all", "9 ms", learn=("W",), hold=(hold("b.held = r + 1"), hold("all_held = 0.5"))),)

    def made(update: str, *, reads: tuple[str, ...] = ("reciprocal",)) -> Circuit:
        rule = Rule(
            update, "q : 1", {"rate": 0.5}, typing.cast(Timing, timing), reads, traces="trace : 1" * (timing == "step")
        )
        forward = Pathway("W", "a.r", "b.drive", rule=rule, initial=Initial("constant", 0.5), sigma=0.1)
        back = Pathway("B", "b.r", "a.k", initial=Initial("constant", 0.25))
        return Circuit("read", populations, (forward, back), phases)

    neurons = [f"{name}_pre" for name in ("v", "r", "k", "power")] + [
        f"{n}_post" for n in ("drive", "r", "held", "on", "mean")
    ]
    neurons += ["int(flag_pre)", "all_held", *(["spikes_pre"] if timing == "step" else [])]
    own = ["rate", "q", "w", "w_reciprocal", "dt/ms", "sigma", "noise*0", *(["trace"] if timing == "step" else [])]
    readable = own if timing == "presentation" else [*own, *neurons]
    if timing == "presentation":
        readable.remove("noise*0")
        for name in neurons:
            with pytest.raises(NeurosimError, match="has no value yet"):
                made(f"w += {name}")
    circuit = made(
        "w += 0.001*(" + " + ".join(readable) + ")\nq += 0.01*w" + "\ntrace += 0.1*r_pre" * (timing == "step")
    )
    known = {name.removesuffix("_pre").removesuffix("_post") for name in rule_names(circuit, "W")}
    assert {"w", "q", "rate", "w_reciprocal"} <= known
    found = learned(circuit)
    assert np.all(found["W.w"] != 0.5) and np.all(found["W.q"] != 0)
