"""Rules at the ends of phases: what each collects over a batch, and how it is applied."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import brian2
import numpy as np
from brian2.utils.stringtools import word_substitute

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.circuit.description import Pathway, Phase
from neurosim.circuit.moments import BEGINNING, STEP, acting, at_end
from neurosim.circuit.plasticity import UPDATE_NOISE, rule_names, rule_terms, separated
from neurosim.circuit.validation import reciprocal_of
from neurosim.engines.brian.names import (
    LEARNING,
    NOISE,
    SHARING,
    SIDES,
    SIGMA,
    SPIKING,
    change_of,
    synaptic,
)
from neurosim.engines.brian.objects import Objects, sums_positions
from neurosim.engines.noise import draw_update_noise
from neurosim.engines.state import State, learned_names
from neurosim.equations.whole import real_numbers
from neurosim.rules._rule import OracleRule, Rule


class Learning:
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
        #: Pathways whose rules act before the first phase.
        self.beginning = tuple(pathway.name for pathway in acting(circuit, phases, BEGINNING))
        self.collecting: dict[str, Any] = {}
        self.applying: dict[str, Any] = {}
        #: Rules that act at every step; the Network holds them.
        self.stepping: dict[str, tuple[Any, ...]] = {}
        self.oracle: dict[str, Any] = {}
        self.collected: dict[str, list[dict[str, np.ndarray]]] = {}
        for name in learning_pathways(circuit):
            pathway, synapses = circuit.pathway[name], objects.synapses[name]
            if isinstance(pathway.rule, OracleRule):
                self._start_oracle(name, state)
            elif pathway.rule.moment is STEP:
                self.stepping[name] = stepping_runners(circuit, pathway, objects)
            else:
                averaged = pathway.reduction == "mean" and pathway.rule.moment.averaged
                divisor = batch if averaged else 1
                names = [(synaptic(v), synaptic(change_of(v))) for v in pathway.rule.changed]
                lines = [f"{own} = {own} + {change}/{divisor}\n{change} = 0" for own, change in names]
                self.collecting[name] = objects.runner(synapses, rule_code(circuit, pathway))
                self.applying[name] = objects.runner(synapses, "\n".join(lines))

    @property
    def runners(self) -> list[Any]:
        """What has to be compiled before the first end of a phase."""
        return [*self.collecting.values(), *self.applying.values()]

    def _start_oracle(self, name: str, state: Mapping[str, np.ndarray]) -> None:
        self.oracle |= {f"{name}.{v}": state[f"{name}.{v}"] for v in self.circuit.pathway[name].rule.changed}

    def start_from(self, state: Mapping[str, np.ndarray]) -> None:
        """Begin anew from a state: another network with the same pathways."""
        self.state = state
        for name in learning_pathways(self.circuit):
            if isinstance(self.circuit.pathway[name].rule, OracleRule):
                self._start_oracle(name, state)
        self.set_initial()

    def set_initial(self) -> None:
        """Weights, further synaptic variables and rule parameters, from the state."""
        for pathway in self.circuit.owners:
            if pathway.sigma is not None:
                self.objects.set_synaptic(pathway.name, SIGMA, self.state[f"{pathway.name}.sigma"])
            local = isinstance(pathway.rule, Rule)
            for variable in (*pathway.rule.synaptic_variables, *pathway.rule.parameters) if local else ("w",):
                if variable in pathway.rule.trace_variables:
                    continue  # set with the neurons' state, at the start of a presentation
                self.objects.set_synaptic(pathway.name, variable, self.state[f"{pathway.name}.{variable}"])

    def begin(self, phase: Phase, acting: frozenset[str]) -> None:
        """Switch the rules that act at every step."""
        for name in self.stepping:
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
            if UPDATE_NOISE in self.circuit.pathway[name].rule.names:
                self.objects.set_synaptic(name, UPDATE_NOISE, self._update_noise(name, number))
        first = [name for name in self.beginning if name in acting and not resumed]
        for name in first:
            copy_reciprocal(self.circuit, self.circuit.pathway[name], self.objects)
        for name in first:
            if name in self.collecting:
                self.collecting[name].run()
        for name in first:
            self._apply(name)
        for name in first:
            if name not in self.collecting:
                self._step_oracle(name, [])
        self._leave_noise(first, number)

    def collect(self, phase: Phase, acting: frozenset[str]) -> None:
        """One trial's increments, all from the weights as they are."""
        learning = [pathway.name for pathway in at_end(self.circuit, phase, acting)]
        for name in learning:
            copy_reciprocal(self.circuit, self.circuit.pathway[name], self.objects)
        for name in learning:
            if name in self.collecting:
                self.collecting[name].run()
            elif isinstance(self.circuit.pathway[name].rule, OracleRule):
                seen = rule_names(self.circuit, name)
                self.collected.setdefault(name, []).append({a: self.objects.get(n) for a, (_, n) in seen.items()})

    def apply(self, number: int, acting: frozenset[str]) -> None:
        """The batch of that running number is over: change the weights."""
        for name in self.applying:
            if name not in self.beginning:
                self._apply(name)
        for name, trials in self.collected.items():
            self._step_oracle(name, trials)
        self.collected.clear()
        self._leave_noise([name for name in acting if name not in self.beginning], number)

    def _apply(self, name: str) -> None:
        """Change a pathway by what its synapses have collected, if it is theirs to change."""
        if name in self.applying:
            if self.circuit.connectivity(name).shared:
                for variable in self.circuit.pathway[name].rule.changed:
                    self.objects.share(name, change_of(variable))
            self.applying[name].run()

    def _step_oracle(self, name: str, trials: Sequence[Mapping[str, np.ndarray]]) -> None:
        """Let an oracle rule change a pathway, from what it saw in each trial."""
        pathway = self.circuit.pathway[name]
        rule = pathway.rule
        assert isinstance(rule, OracleRule)
        inputs = {argument: np.stack([trial[argument] for trial in trials]) for argument in rule.uses}
        if "reciprocal" in rule.reads:
            inputs["w_reciprocal"] = self.objects.get_synaptic(str(reciprocal_of(self.circuit, pathway)), "w").T
        values = {variable: self.oracle[f"{name}.{variable}"] for variable in rule.changed}
        after = rule.step(np, values, inputs, {p: self.state[f"{name}.{p}"] for p in rule.parameters})
        self.oracle |= {f"{name}.{variable}": after[variable] for variable in rule.changed}
        self.objects.set_synaptic(name, "w", after["w"])

    def _leave_noise(self, pathways: Iterable[str], number: int) -> None:
        """What the updates of a batch leave on the weights, past their rules."""
        for name in pathways:
            scale = self.circuit.pathway[name].update_noise
            if scale is not None:
                rate = self.state[f"{name}.learning_rate"]
                left = self.objects.get_synaptic(name, "w") + rate * scale * self._update_noise(name, number)
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
    if "reciprocal" in pathway.rule.reads and isinstance(pathway.rule, Rule):
        weights = objects.get_synaptic(str(reciprocal_of(circuit, pathway)), "w")
        objects.set_synaptic(pathway.name, "w_reciprocal", np.swapaxes(weights, 0, 1) if weights.ndim > 1 else weights)


def learning_pathways(circuit: Circuit) -> tuple[str, ...]:
    """Pathways that learn in any phase."""
    return tuple(dict.fromkeys(name for phase in circuit.phases for name in phase.learn))


def rule_code(circuit: Circuit, pathway: Pathway) -> str:
    """The rule as the abstract code of its Synapses.

    At the end of a phase, increments are collected over the trials of a batch; for a rule that acts at every step they
    are those of this step, in phases in which it is switched on.
    """
    assert isinstance(pathway.rule, Rule)
    lines, names = [], _names(circuit, pathway)
    for variable, expression in pathway.rule.increments.items():
        text = real_numbers(
            word_substitute(_shared_out(circuit, pathway, expression), names), _truths(circuit, pathway)
        )
        change = synaptic(change_of(variable))
        if pathway.rule.moment is STEP:
            lines.append(f"{change} = {synaptic(LEARNING)}*({text})")
        else:
            lines.append(f"{change} = {change} + ({text})")
    return "\n".join(lines)


def _names(circuit: Circuit, pathway: Pathway) -> dict[str, str]:
    """What the names of a rule are called in Brian2, where that is another name."""
    own = (*pathway.rule.synaptic_variables, *pathway.rule.parameters, UPDATE_NOISE, "w_reciprocal", SHARING)
    found = {name: synaptic(name) for name in own}
    found |= {f"spikes_{side}": f"{SPIKING}_{side}" for side in SIDES}
    return found | ({"noise": synaptic(NOISE), "sigma": synaptic(SIGMA)} if pathway.sigma is not None else {})


def _truths(circuit: Circuit, pathway: Pathway) -> set[str]:
    """The truth values among what a rule reads of neurons."""
    ends = {"pre": pathway.pre, "post": pathway.post}
    return {f"{name}_{side}" for side, population in ends.items() for name in compose(circuit)[population].truths}


def stepping_runners(circuit: Circuit, pathway: Pathway, objects: Objects) -> tuple[Any, ...]:
    """What a Network runs for a rule that acts at every step: increments first, from the variables as they were."""
    code, synapses = rule_code(circuit, pathway), objects.synapses[pathway.name]
    changed = pathway.rule.changed
    names = [(synaptic(variable), synaptic(change_of(variable))) for variable in changed]
    added = "\n".join(f"{own} = {own} + {change}" for own, change in names)
    before: list[Any] = []
    if "reciprocal" in pathway.rule.reads:
        # Of all pathways before any of them changes.
        copy = functools.partial(copy_reciprocal, circuit, pathway, objects)
        before = [Called(objects, f"{pathway.name}__reciprocal", copy, order=-1)]
    if not circuit.connectivity(pathway.name).shared:
        return (*before, objects.runner(synapses, f"{code}\n{added}"))
    # Synapses that share a weight come to share their increments.
    share = functools.partial(_share, objects, pathway.name, [change_of(variable) for variable in changed])
    between = Called(objects, f"{pathway.name}__sharing", share, order=1)
    return (*before, objects.runner(synapses, code), between, objects.runner(synapses, added, order=2))


class Called(brian2.BrianObject):  # type: ignore[misc]
    """What is done on arrays at the end of each step, between pieces of code."""

    add_to_magic_network = False

    def __init__(self, objects: Objects, name: str, call: Callable[[], object], *, order: int) -> None:
        super().__init__(clock=objects.clock, when="end", order=order, name=name)
        self.call = call

    def run(self) -> None:
        """Called by the Network at every step."""
        self.call()


def _share(objects: Objects, pathway: str, variables: Sequence[str]) -> None:
    for variable in variables:
        objects.share(pathway, variable)


def _shared_out(circuit: Circuit, pathway: Pathway, increment: str) -> str:
    """An increment whose sum over the synapses of a shared weight counts once what none of them sees of a neuron."""
    if not sums_positions(circuit, pathway):
        return increment
    assert isinstance(pathway.rule, Rule)
    variable = next(name for name, text in pathway.rule.increments.items() if text == increment)
    terms = zip(separated(circuit, pathway.name, increment), rule_terms(circuit, pathway.name)[variable], strict=True)
    return " + ".join(
        f"({text.post})*({text.pre})*({text.own}){'' if term.sees_neurons else f'/{SHARING}'}" for text, term in terms
    )
