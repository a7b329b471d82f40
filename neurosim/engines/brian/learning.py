"""Rules at the ends of phases: what each collects over a batch, and how it is applied."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from brian2.utils.stringtools import word_substitute

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase
from neurosim.circuit.moments import BEGINNING, INTEGRAL, PHASE_END, STEP, acting, at_end
from neurosim.circuit.plasticity import UPDATE_NOISE, rule_names, rule_terms, separated
from neurosim.circuit.validation import reciprocal_of
from neurosim.engines.bounds import within_bounds
from neurosim.engines.brian.flights import Called
from neurosim.engines.brian.names import (
    LEARNING,
    SHARING,
    SIGMA,
    change_of,
    step_of,
    synaptic,
)
from neurosim.engines.brian.objects import Objects
from neurosim.engines.brian.pathways import sums_positions
from neurosim.engines.brian.synapse_texts import bounding, names_in_brian, truths_of
from neurosim.engines.noise import draw_update_noise
from neurosim.engines.state import State, learned_names
from neurosim.equations.whole import real_numbers
from neurosim.rules._moments import MOMENTS, Timing
from neurosim.rules._oracle import OracleRule
from neurosim.rules._rule import Rule
from neurosim.rules._synapse import stepped_by


class LearningPathways:
    """All learning pathways of a circuit.

    A local rule is code of its Synapses. An oracle rule runs on the host, on arrays that each trial leaves.
    """

    def __init__(
        self,
        circuit: Circuit,
        objects: Objects,
        state: Mapping[str, np.ndarray],
        batch: int,
        keys: Mapping[str, np.ndarray],
        phases: Sequence[Phase],
    ) -> None:
        self.circuit, self.objects, self.state, self.keys = circuit, objects, state, keys
        #: Pathways that learn at spikes.
        self.striking = tuple(p.name for p in circuit.owners if p.synapse.learns_at_spikes)
        #: Pathways whose rules act before the first phase.
        self.beginning = tuple(pathway.name for pathway in acting(circuit, phases, BEGINNING))
        #: By pathway and moment.
        self.collecting: dict[tuple[str, Timing], Any] = {}
        self.applying: dict[tuple[str, Timing], Any] = {}
        #: Rules that act at every step; the Network holds them.
        self.stepping: defaultdict[str, tuple[Any, ...]] = defaultdict(tuple)
        self.oracle: dict[str, Any] = {}
        self.collected: dict[str, list[dict[str, np.ndarray]]] = {}
        for name in learning_pathways(circuit):
            pathway, synapses = circuit.pathway[name], objects.synapses[name]
            if pathway.synapse.oracle is not None:
                self._start_oracle(name, state)
            for rule in pathway.synapse.updates:
                if isinstance(rule, OracleRule):
                    continue
                if rule.moment is STEP:
                    self.stepping[name] += stepping_runners(circuit, pathway, rule, objects)
                    continue
                averaged = pathway.reduction == "mean" and rule.moment.averaged
                divisor = batch if averaged else 1
                waiting = [variable for variable in rule.changed if variable not in stepped_by(rule)]
                names = [(synaptic(v), synaptic(change_of(v))) for v in waiting]
                lines = [f"{own} = {own} + {change}/{divisor}\n{change} = 0" for own, change in names]
                lines += bounding(circuit, pathway, waiting)
                if rule.moment is INTEGRAL:
                    self.stepping[name] += integral_runners(circuit, pathway, rule, objects)
                else:
                    self.collecting[name, rule.timing] = objects.runner(synapses, rule_code(circuit, pathway, rule))
                self.applying[name, rule.timing] = objects.runner(synapses, "\n".join(lines))

    @property
    def oracle_pathways(self) -> frozenset[str]:
        """The pathways whose rule computes on whole arrays."""
        return frozenset(name.split(".")[0] for name in self.oracle)

    @property
    def runners(self) -> list[Any]:
        """The runners that have to be compiled before the first end of a phase."""
        return [*self.collecting.values(), *self.applying.values()]

    def _start_oracle(self, name: str, state: Mapping[str, np.ndarray]) -> None:
        self.oracle |= {
            f"{name}.{v}": state[f"{name}.{v}"] for v in self.circuit.pathway[name].synapse.rules[0].changed
        }

    def start_from(self, state: Mapping[str, np.ndarray]) -> None:
        """Begin anew from a state: another network with the same pathways."""
        self.state = state
        for name in learning_pathways(self.circuit):
            if self.circuit.pathway[name].synapse.oracle is not None:
                self._start_oracle(name, state)
        self.set_initial()

    def set_initial(self) -> None:
        """Weights, further synaptic variables and rule parameters, from the state."""
        for pathway in self.circuit.owners:
            if pathway.sigma is not None:
                self.objects.set_synaptic(pathway.name, SIGMA, self.state[f"{pathway.name}.sigma"])
            local = pathway.synapse.oracle is None
            for variable in (*pathway.synapse.synaptic_variables, *pathway.synapse.parameters) if local else ("w",):
                if variable in pathway.synapse.trace_variables:
                    continue  # set with the neurons' state, at the start of a presentation
                self.objects.set_synaptic(pathway.name, variable, self.state[f"{pathway.name}.{variable}"])

    def begin(self, phase: Phase, acting: frozenset[str]) -> None:
        """Switch the rules that act within steps."""
        for name in {*self.stepping, *self.striking}:
            self.objects.set_synaptic(name, LEARNING, float(name in acting and name in phase.learn))

    def begin_batch(self, number: int, acting: frozenset[str], *, resumed: bool = False) -> None:
        """Draw what rules read of the noise of a batch's updates; let those act that act before the first phase.

        Parameters
        ----------
        number
            That noise is drawn by.
        resumed
            Whether an earlier part of the presentation was another call, in which these have acted.
        """
        for name in acting:
            if UPDATE_NOISE in self.circuit.pathway[name].synapse.names:
                self.objects.set_synaptic(name, UPDATE_NOISE, self._update_noise(name, number))
        first = [name for name in self.beginning if name in acting and not resumed]
        for name in first:
            copy_reciprocal(self.circuit, self.circuit.pathway[name], self.objects)
        for name in first:
            if (name, BEGINNING.name) in self.collecting:
                self.collecting[name, BEGINNING.name].run()
        for name in first:
            self._apply(name, BEGINNING.name)
        for name in first:
            if name in self.oracle_pathways:
                self._step_oracle(name, [])
        self._leave_noise(first, number)

    def collect(self, phase: Phase, acting: frozenset[str]) -> None:
        """One trial's increments, all from the weights as they are."""
        learning = [pathway.name for pathway in at_end(self.circuit, phase, acting)]
        for name in learning:
            copy_reciprocal(self.circuit, self.circuit.pathway[name], self.objects)
        for name in learning:
            if (name, PHASE_END.name) in self.collecting:
                self.collecting[name, PHASE_END.name].run()
            elif name in self.oracle_pathways:
                seen = rule_names(self.circuit, name)
                self.collected.setdefault(name, []).append({a: self.objects.get(n) for a, (_, n) in seen.items()})

    def apply(self, number: int, acting: frozenset[str]) -> None:
        """The batch of that running number is over: change the weights."""
        for name, timing in self.applying:
            if MOMENTS[timing].averaged:
                self._apply(name, timing)
        for name, trials in self.collected.items():
            self._step_oracle(name, trials)
        self.collected.clear()
        self._leave_noise([name for name in acting if name not in self.beginning], number)

    def _apply(self, name: str, timing: Timing) -> None:
        """Change a pathway by what its synapses have collected, if it is theirs to change."""
        if (name, timing) in self.applying:
            if self.circuit.connectivity(name).shared:
                rule = self.circuit.pathway[name].synapse.at(MOMENTS[timing])
                for variable in rule.changed if rule is not None else ():
                    if variable in rule.learned:
                        self.objects.share(name, change_of(variable))
            self.applying[name, timing].run()

    def _step_oracle(self, name: str, trials: Sequence[Mapping[str, np.ndarray]]) -> None:
        """Let an oracle rule change a pathway, from what it saw in each trial."""
        pathway = self.circuit.pathway[name]
        rule = pathway.synapse.oracle
        assert rule is not None, "those whose rules are texts have collected"
        inputs = {argument: np.stack([trial[argument] for trial in trials]) for argument in rule.uses}
        if "reciprocal" in rule.reads:
            inputs["w_reciprocal"] = self.objects.get_synaptic(str(reciprocal_of(self.circuit, pathway)), "w").T
        values = {variable: self.oracle[f"{name}.{variable}"] for variable in rule.changed}
        after = dict(rule.step(np, values, inputs, {p: self.state[f"{name}.{p}"] for p in rule.parameters}))
        after["w"] = within_bounds(np, self.circuit, name, self.state, after["w"])
        self.oracle |= {f"{name}.{variable}": after[variable] for variable in rule.changed}
        self.objects.set_synaptic(name, "w", after["w"])

    def _leave_noise(self, pathways: Iterable[str], number: int) -> None:
        """Add the noise of a batch's updates to the weights."""
        for name in pathways:
            scale = self.circuit.pathway[name].update_noise
            if scale is not None:
                rate = self.state[f"{name}.learning_rate"]
                left = self.objects.get_synaptic(name, "w") + rate * scale * self._update_noise(name, number)
                left = within_bounds(np, self.circuit, name, self.state, left)
                self.objects.set_synaptic(name, "w", left)
                if f"{name}.w" in self.oracle:
                    self.oracle[f"{name}.w"] = left

    def learned(self) -> State:
        """All variables that learning changes, as they are now."""
        return {
            name: self.oracle[name] if name in self.oracle else self.objects.get_synaptic(*name.split("."))
            for name in learned_names(self.circuit)
        }

    def _update_noise(self, pathway: str, number: int) -> np.ndarray:
        batch = np.array([number], dtype=np.uint32)
        return np.asarray(draw_update_noise(self.circuit, pathway, self.keys, batch, "float32"), dtype=np.float64)


def copy_reciprocal(circuit: Circuit, pathway: Pathway, objects: Objects) -> None:
    """Let a pathway's synapses see the weights of those that lead back, if its rule reads them."""
    if "reciprocal" in pathway.synapse.reads and pathway.synapse.oracle is None:
        weights = objects.get_synaptic(str(reciprocal_of(circuit, pathway)), "w")
        objects.set_synaptic(pathway.name, "w_reciprocal", np.swapaxes(weights, 0, 1) if weights.ndim > 1 else weights)


def learning_pathways(circuit: Circuit) -> tuple[str, ...]:
    """Pathways that learn in any phase."""
    return tuple(dict.fromkeys(name for phase in circuit.phases for name in phase.learn))


def rule_code(circuit: Circuit, pathway: Pathway, rule: Rule) -> str:
    """The rule as the abstract code of its Synapses.

    Increments that wait are collected over the trials of a batch, and those within steps are of this step; in steps
    they are made in phases in which the rule is switched on.
    """
    lines, names = [], names_in_brian(circuit, pathway)
    for variable, expression in rule.increments.items():
        shared = _shared_out(circuit, pathway, rule, expression)
        text = real_numbers(word_substitute(shared, names), truths_of(circuit, pathway))
        increment = f"{synaptic(LEARNING)}*({text})" if rule.moment.within_steps else f"({text})"
        if variable in stepped_by(rule):
            lines.append(f"{synaptic(step_of(variable))} = {increment}")
        else:
            change = synaptic(change_of(variable))
            lines.append(f"{change} = {change} + {increment}")
    return "\n".join(lines)


def stepping_runners(circuit: Circuit, pathway: Pathway, rule: Rule, objects: Objects) -> tuple[Any, ...]:
    """The runners of a rule that acts at every step: increments first, from the variables as they were."""
    code, synapses = rule_code(circuit, pathway, rule), objects.synapses[pathway.name]
    changed = rule.changed
    changes = [step_of(variable) for variable in changed]
    names = [(synaptic(variable), synaptic(change)) for variable, change in zip(changed, changes, strict=True)]
    added = "\n".join([*(f"{own} = {own} + {change}" for own, change in names), *bounding(circuit, pathway, changed)])
    before: list[Any] = []
    if "reciprocal" in pathway.synapse.reads:
        # Of all pathways before any of them changes.
        copy = functools.partial(copy_reciprocal, circuit, pathway, objects)
        before = [Called(objects, f"{pathway.name}__reciprocal", copy, order=-1)]
    if not circuit.connectivity(pathway.name).shared:
        return (*before, objects.runner(synapses, f"{code}\n{added}"))
    # Synapses that share a weight come to share their increments.
    share = functools.partial(_share, objects, pathway.name, changes)
    between = Called(objects, f"{pathway.name}__sharing", share, order=1)
    return (*before, objects.runner(synapses, code), between, objects.runner(synapses, added, order=2))


def integral_runners(circuit: Circuit, pathway: Pathway, rule: Rule, objects: Objects) -> tuple[Any, ...]:
    """The runners of a rule that acts on the instant at which a step begins: before anything moves."""
    synapses, traces = objects.synapses[pathway.name], stepped_by(rule)
    runners: list[Any] = []
    if "reciprocal" in pathway.synapse.reads:
        copy = functools.partial(copy_reciprocal, circuit, pathway, objects)
        runners.append(Called(objects, f"{pathway.name}__reciprocal_first", copy, when="groups", order=-4))
    runners.append(objects.runner(synapses, rule_code(circuit, pathway, rule), when="groups", order=-3))
    if circuit.connectivity(pathway.name).shared:
        share = functools.partial(_share, objects, pathway.name, [step_of(variable) for variable in traces])
        runners.append(Called(objects, f"{pathway.name}__sharing_first", share, when="groups", order=-2))
    if traces:
        # After their differential equations.
        added = "\n".join(f"{synaptic(v)} = {synaptic(v)} + {synaptic(step_of(v))}" for v in traces)
        runners.append(objects.runner(synapses, added, when="groups"))
    return tuple(runners)


def _share(objects: Objects, pathway: str, variables: Sequence[str]) -> None:
    for variable in variables:
        objects.share(pathway, variable)


def _shared_out(circuit: Circuit, pathway: Pathway, rule: Rule, increment: str) -> str:
    """An increment of a shared weight, in which terms that read no neuron count once, not once a synapse."""
    if not sums_positions(circuit, pathway):
        return increment
    variable = next(name for name, text in rule.increments.items() if text == increment)
    texts = separated(circuit, pathway.name, increment, rule.moment)
    terms = zip(texts, rule_terms(circuit, pathway.name, rule.moment)[variable], strict=True)
    return " + ".join(
        f"({text.post})*({text.pre})*({text.own}){'' if term.sees_neurons else f'/{SHARING}'}" for text, term in terms
    )
