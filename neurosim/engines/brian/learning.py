"""Rules at the ends of phases: what each collects over a batch, and how it is applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Phase
from neurosim.circuit.moments import BEGINNING, INTEGRAL, PHASE_END, STEP, acting, at_end
from neurosim.circuit.plasticity import UPDATE_NOISE, rule_names
from neurosim.circuit.validation import reciprocal_of
from neurosim.engines.bounds import within_bounds
from neurosim.engines.brian.names import (
    LEARNING,
    SIGMA,
    change_of,
    synaptic,
)
from neurosim.engines.brian.objects import Objects
from neurosim.engines.brian.rule_runners import copy_reciprocal, integral_runners, rule_code, stepping_runners
from neurosim.engines.brian.synapse_texts import bounding
from neurosim.engines.noise import draw_update_noise
from neurosim.engines.state import State, learned_names
from neurosim.rules._moments import MOMENTS, Timing
from neurosim.rules._oracle import OracleRule
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
        """Draw the update noise that rules read, and apply the rules that act before the first phase.

        Parameters
        ----------
        number
            Running number of the batch, by which that noise is drawn.
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
        """Change the weights at the end of the batch with this running number."""
        for name, timing in self.applying:
            if MOMENTS[timing].averaged:
                self._apply(name, timing)
        for name, trials in self.collected.items():
            self._step_oracle(name, trials)
        self.collected.clear()
        self._leave_noise([name for name in acting if name not in self.beginning], number)

    def _apply(self, name: str, timing: Timing) -> None:
        """Apply the increments that a pathway's synapses have collected, if they act at this moment."""
        if (name, timing) in self.applying:
            if self.circuit.connectivity(name).shared:
                rule = self.circuit.pathway[name].synapse.at(MOMENTS[timing])
                if rule is not None:
                    for variable in [each for each in rule.changed if each in rule.learned]:
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


def learning_pathways(circuit: Circuit) -> tuple[str, ...]:
    """Pathways that learn in any phase."""
    return tuple(dict.fromkeys(name for phase in circuit.phases for name in phase.learn))
