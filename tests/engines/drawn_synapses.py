"""Synapses drawn at random, and many of them run side by side: circuits that do not meet, compiled as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Explicit, InDegree, OutDegree, Sparse, Where
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.weights import Initial
from neurosim.engines.batched.engine import BatchedEngine
from neurosim.engines.brian.engine import BrianEngine
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.neurons._model import NeuronModel
from neurosim.rules._moments import Timing
from neurosim.rules._rule import Rule

SETTING = Setting("spiking", dt=5e-4, dtype="float64")
#: Euler's method: its code is short, and other tests compare the others.
CELL = NeuronModel(
    "dv/dt = (i_ext + g + k - v)/(5*ms) : 1\ndg/dt = -g/(3*ms) : 1\ndz/dt = -z/(6*ms) : 1\ni_ext : 1\nk : 1",
    threshold="v > 1",
    reset="v = 0\nz += 1",
    method="euler",
)
SIZE, TOLERANCE = 3, 1e-9
FLOWS = "dx/dt = -x/(7*ms) : 1\ndy/dt = (z_pre - y)/(9*ms) : 1\nq = x - 0.5*y : 1"
TRACES = (FLOWS, "dx/dt = -x/tau : 1\ny : 1\nq = x*y : 1", "x : 1\ny : 1\nq = 0.3*z_post : 1")
#: What texts are made of.
FACTORS = ("x", "y", "q", "w", "z_post", "z_pre", "(1 - w)", "clip(v_post, -1, 1)", "exp(-x)", "int(x > y)", "bias")
#: Statements at spikes; braces take products of factors, which are bounded, so that all stays finite.
TRACED = ("x += {}", "x = clip({}, -2, 2)", "x *= 0.5", "y -= 0.1*{}", "part = {}\nx += 0.3*part", "y = 1")
LEARNED = ("w += 0.1*{}", "w -= 0.1*{}", "w *= 0.9", "w = clip(w + 0.2*{}, -1, 1)", "w /= 1.1")
#: What is delivered must not change what a text reads.
DELIVERED = ("g_post += 0.3*{}", "g_post -= 0.1*w")
#: Updates whose terms separate, and one of any product.
UPDATES = ("w += dt*({})*(10*Hz)", "w -= 0.01*{}")
DELAYS = (None, "0.5 ms", "0.75 ms", "3 ms", "40 ms", "(1 + abs(i - j))*0.6*ms", "0.3*ms + 3*ms*rand()")
BOUNDS = (None, (0, 0.6), ("-0.1", None), (None, "bias"))
CONNECTIVITY = (
    "dense",
    "one_to_one",
    Sparse(0.7),
    Where("i != j"),
    Where("i <= j", p=0.8),
    InDegree(2),
    OutDegree(2),
    Explicit((0, 2, 1, 1), (1, 0, 2, 2)),
)
DELIVERS = ("w*x", "w*(0.2 + z_pre)", "0.5*w", "w*q", "w*(v_pre - v_post)")
#: What a pathway delivers that has no traces.
BARE = ("w*z_pre", "0.5*w", "w*(v_pre - v_post)")


@dataclass(frozen=True)
class Drawn:
    """A circuit: a pathway, whether its target is its source, and whether another one leads back."""

    options: dict[str, Any]
    rules: tuple[Rule, ...]
    recurrent: bool = False
    back: bool = False


@st.composite
def products(draw: st.DrawFn) -> str:
    """A product of a few factors."""
    return f"clip({'*'.join(draw(st.lists(st.sampled_from(FACTORS), min_size=1, max_size=3)))}, -2, 2)"


@st.composite
def statements(draw: st.DrawFn, texts: Sequence[str]) -> str:
    """A text at spikes, perhaps none."""
    lines = draw(st.lists(st.sampled_from(texts), max_size=4))
    return "\n".join(line.format(draw(products())) for line in lines)


@st.composite
def spike_rules(draw: st.DrawFn, traces: str, deliveries: Sequence[str]) -> Rule:
    """A rule with texts at spikes; what spikes do not change has a start of its own."""
    texts = [*TRACED, *LEARNED]
    on_pre, on_post = draw(statements([*texts, *deliveries])), draw(statements(texts))
    if not on_pre and not on_post:
        on_pre = "x += 1"
    initial = draw(st.sampled_from([{}, {"x": 0.4}, {"y": -0.3, "x": 1}]))
    parameters = {"bias": 0.4, **({"tau": "8 ms"} if "tau" in traces else {})}
    return Rule(traces=traces, on_pre=on_pre, on_post=on_post, parameters=parameters, initial=initial, name="spikes")


@st.composite
def moment_rules(draw: st.DrawFn, first: Rule) -> Rule:
    """A rule with an update, whose traces are those of the first."""
    text = draw(st.sampled_from(UPDATES))
    text = text.format(draw(st.sampled_from(["x", "y*w", "z_post*x", "z_pre", "w", "q"])))
    # What has no equation is changed by spikes alone, or by an update at every step.
    late = "dt" not in text and "/dt" in first.traces and draw(st.booleans())
    timing: Timing = "phase_end" if late else "step"
    tau = {"tau": "8 ms"} if "tau" in first.traces else {}
    return Rule(text, traces=first.traces, timing=timing, parameters=tau, initial=first.initial, name="moment")


@st.composite
def circuits(draw: st.DrawFn) -> Drawn:
    """What one circuit says."""
    graded, recurrent = draw(st.booleans()), draw(st.booleans())
    rules: list[Rule] = []
    if draw(st.integers(0, 5)):
        traces = draw(st.sampled_from(TRACES))
        rules.append(draw(spike_rules(traces, () if graded else DELIVERED)))
        rules += [draw(moment_rules(rules[0])) for _ in range(draw(st.integers(0, 2)))]
    options: dict[str, Any] = {
        "source": "a.v" if graded else "a.spikes",
        "target": ("a" if recurrent else "b") + (".k" if graded else ".g"),
        "delay": draw(st.sampled_from(DELAYS)),
        "connectivity": draw(st.sampled_from(CONNECTIVITY)),
        "bounds": draw(st.sampled_from(BOUNDS if rules else BOUNDS[:3])),
        "initial": draw(st.sampled_from([Initial("uniform", 0.5), "0.3*rand()", 0.25])),
    }
    if draw(st.booleans()):
        options["delivers"] = draw(st.sampled_from(DELIVERS if rules else BARE))
    return Drawn(options, tuple(rules), recurrent, not recurrent and draw(st.booleans()))


def parts(drawn: Drawn, number: int) -> tuple[list[Population], list[Pathway]]:
    """Populations and pathways of a circuit, whose names end with its number among others."""
    ends = {end: f"{drawn.options[end].replace('.', f'{number}.')}" for end in ("source", "target")}
    given = {"rule": drawn.rules} if drawn.rules else {}
    pathways = [Pathway(f"W{number}", **{**drawn.options, **ends, **given})]
    if drawn.back:
        # What is learned comes round.
        law = Initial("uniform", 0.3)
        pathways.append(Pathway(f"B{number}", f"b{number}.spikes", f"a{number}.g", initial=law, delay="1 ms"))
    names = ("a",) if drawn.recurrent else ("a", "b")
    return [Population(f"{name}{number}", SIZE, CELL) for name in names], pathways


def side_by_side(several: Sequence[Drawn], phases: Sequence[Phase]) -> Circuit:
    """One circuit of several; in phases that learn, all of them do."""
    made = [parts(drawn, number) for number, drawn in enumerate(several)]
    pathways = [pathway for _, each in made for pathway in each]
    learn = tuple(pathway.name for pathway in pathways if pathway.synapse.learns)
    phases = [replace(phase, learn=learn if phase.learn else ()) for phase in phases]
    return Circuit("drawn", tuple(p for each, _ in made for p in each), tuple(pathways), tuple(phases))


def differences(several: Sequence[Drawn], phases: Sequence[Phase], seed: int) -> dict[int, str]:
    """What differs between the engines: number of the circuit -> variable and values.

    All variables are compared that both engines have: weights, traces, what is recorded, what is under way.
    """
    made = side_by_side(several, phases)
    state, generator = initial_state(made, seed), np.random.default_rng(seed)
    names = [population.name for population in made.populations]
    given = {f"{name}.i_ext": generator.uniform(1.2, 3.5, (1, SIZE)) for name in names}
    record = [f"{name}.{variable}" for name in names for variable in ("spikes", "v", "g")]
    results: list[dict[str, np.ndarray]] = []
    for engine in (BatchedEngine(made, SETTING), BrianEngine(made, SETTING)):
        after, outputs = engine.run(state, given, trials=1, record=record, keep=True)
        assert outputs.end is not None
        results.append({n: np.asarray(a) for n, a in {**after, **outputs.end.values, **outputs.recordings}.items()})
    own = {f"{p.name}.{name}" for p in made.pathways for name in ("w", *p.synapse.synaptic_variables)}
    wanted = {*record, *own}
    assert wanted <= results[0].keys() & results[1].keys()
    assert all(results[1][f"{name}.spikes"].any() for name in names if name.startswith("a"))
    found: dict[int, str] = {}
    for name in sorted(results[0].keys() & results[1].keys()):
        one, other = (np.asarray(result[name], dtype=float) for result in results)
        assert np.isfinite(other).all() or name not in wanted, f"{name} is not finite and tests nothing"
        if not np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE):
            number = int(name.partition(".")[0].lstrip("abWB"))
            found.setdefault(number, f"{name}: {np.abs(one - other).max():.3g} apart")
    return found


def smaller(drawn: Drawn) -> Iterator[Drawn]:
    """The same circuit without one of its parts."""
    for name in ("delivers", "delay", "bounds", "connectivity"):
        if drawn.options.get(name) is not None:
            yield replace(drawn, options={key: value for key, value in drawn.options.items() if key != name})
    if drawn.back:
        yield replace(drawn, back=False)
    for number, rule in enumerate(drawn.rules):
        before, after = drawn.rules[:number], drawn.rules[number + 1 :]
        yield replace(drawn, rules=(*before, *after))
        for text in ("on_pre", "on_post", "traces"):
            lines = getattr(rule, text).splitlines()
            for line in range(len(lines)):
                shorter = "\n".join([*lines[:line], *lines[line + 1 :]])
                try:
                    yield replace(drawn, rules=(*before, replace(rule, **{text: shorter}), *after))
                except ValueError:
                    # What is left is no rule.
                    continue


def smallest(drawn: Drawn, fails: Callable[[Drawn], bool]) -> Drawn:
    """What is left of a circuit that fails once nothing can be taken away."""
    for less in smaller(drawn):
        if fails(less):
            return smallest(less, fails)
    return drawn
