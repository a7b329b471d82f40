"""Which state variables matter in a phase: those that its end, or a later phase, still asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase
from neurosim.circuit.moments import acting
from neurosim.circuit.plan import Plan
from neurosim.circuit.plasticity import rule_names
from neurosim.circuit.spike_texts import acts_within_steps
from neurosim.equations.switched import switched
from neurosim.neurons._model import NeuronModel

#: Variables that follow from a population's spikes.
_OF_SPIKES = ("spikes", "not_refractory", "lastspike")


def asked_at_end(circuit: Circuit, plan: Plan, phase: Phase) -> set[str]:
    """Variables that are read at the end of a phase, by its holds and by the rules that act in it."""
    asked: set[str] = set()
    for held in phase.hold:
        asked |= {plan.resolve(held.population, name) for name in held.statement.names}
    for pathway in acting(circuit, phase):
        names = rule_names(circuit, pathway.name).values()
        asked |= {name for kind, name in names if kind in ("pre", "post", "trial")}
    return asked | ({phase.until[0]} if phase.until else set())


def _moving(model: NeuronModel) -> tuple[str, ...]:
    """Variables that steps of a population change, with its spikes."""
    return model.moving + (("spikes",) if model.threshold is not None else ())


def live_states(plan: Plan, asked: Iterable[str], frozen: Collection[str] = ()) -> tuple[str, ...]:
    """All that moves whose course the asked variables depend on, in a fixed order.

    State variables and what resets assign; ``population.spikes`` where a population's spikes matter. Those that are
    `frozen` stay as they are, so nothing that would move them is needed.
    """
    circuit = plan.circuit
    states = {f"{p}.{name}": (p, name) for p, model in plan.models.items() for name in _moving(model)}
    spiking = {p for p, model in plan.models.items() if model.threshold is not None}
    live: set[str] = set()
    stack = list(asked)
    seen: set[str] = set()
    while stack:
        name = stack.pop()
        for leaf in plan.leaves_of([name]):
            population, _, variable = leaf.rpartition(".")
            if leaf in seen or leaf in frozen:
                continue
            seen.add(leaf)
            if population in spiking and (leaf in states or variable in _OF_SPIKES):
                model = plan.models[population]
                live |= {f"{population}.{v}" for v in _moving(model)}
                stack += [f"{population}.{v}" for v in model.moving]
                functions = model.functions
                used = {
                    a
                    for f in ("advance", "threshold", "reset", "refractory")
                    if f in functions
                    for a in functions[f].arguments
                }
                stack += [
                    plan.resolve(population, a)
                    for a in used
                    if a not in ("dt", "t", "spikes") and not a.startswith("rand")
                ]
                stack += [w.source for w in circuit.pathways if w.at_spikes and w.post == population]
            elif leaf in states:
                live.add(leaf)
                equation = plan.models[population].equation_set.by_name[variable]
                stack += [plan.resolve(population, n) for n in equation.names if n != "xi" and not n.startswith("xi_")]
                stack += [w.source for w in circuit.pathways if w.at_spikes and w.target == leaf]
    return tuple(name for name in states if name in live)


def lives(
    plan: Plan,
    asked_by_phase: list[set[str]],
    *,
    restarts: Sequence[bool],
    switches: Sequence[Mapping[str, float]],
    all_at_end: bool,
) -> list[tuple[str, ...]]:
    """Live states of every phase of a presentation, found from the last phase backwards.

    `switches` are the values that each phase gives its switches.
    """
    every = {f"{p}.{name}" for p, model in plan.models.items() for name in _moving(model)}
    if any(acts_within_steps(plan.circuit, pathway.name) for pathway in plan.circuit.pathways):
        # Spikes under way, and synapses' own texts, may reach any variable.
        everything = tuple(f"{p}.{name}" for p, model in plan.models.items() for name in _moving(model))
        return [everything for _ in asked_by_phase]
    wanted: set[str] = set(every) if all_at_end else set()
    by_phase: list[tuple[str, ...]] = []
    phases = zip(reversed(asked_by_phase), reversed(restarts), reversed(switches), strict=True)
    for asked, restart, numbers in phases:
        frozen = _frozen(plan, numbers)
        live = live_states(plan, asked | wanted, frozen)
        by_phase.append(live)
        # The phase before has to deliver the states that this one starts from or leaves alone.
        passed = {leaf for leaf in plan.leaves_of({*asked, *wanted, *_needs_of(plan, live)}) if leaf in every}
        wanted = set() if restart else set(live) | passed
    return by_phase[::-1]


def _frozen(plan: Plan, switches: Mapping[str, float]) -> frozenset[str]:
    """State variables whose equation is zero with these switches. Spikes may increment a state, so not these."""
    struck = {pathway.target for pathway in plan.circuit.pathways if pathway.at_spikes}
    frozen = set()
    for population, model in plan.models.items():
        if model.threshold is not None:
            continue
        known = {name.split(".")[1]: value for name, value in switches.items() if name.split(".")[0] == population}
        for equation in model.equation_set.of("differential"):
            name = f"{population}.{equation.name}"
            if known and name not in struck and _is_zero(switched(equation.expression or "", known)):
                frozen.add(name)
    return frozenset(frozen)


def _is_zero(text: str) -> bool:
    try:
        return float(text) == 0
    except ValueError:
        return False


def _needs_of(plan: Plan, live: Iterable[str]) -> set[str]:
    """Variables that the equations of live states read."""
    needed = set()
    for name in live:
        population, _, variable = name.rpartition(".")
        equation = plan.models[population].equation_set.by_name.get(variable)
        names = frozenset() if equation is None else equation.names
        needed |= {plan.resolve(population, n) for n in names if n != "xi" and not n.startswith("xi_")}
    return needed
