"""A circuit written in a model file beside a task: it is trained as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.circuit.circuit import Circuit
from neurosim.model_files.checking import Faults
from neurosim.model_files.circuits.built import SECTIONS, described
from neurosim.model_files.sections import copied
from neurosim.networks._network import Sized

#: Name in place of a scheme's, where there is none.
NAME = "circuit"
#: The population that shows the inputs of a task, and the variable that they are.
_INPUT, _SHOWN = "input", "r"


@dataclass(frozen=True)
class TrainableSections:
    """The sections of a circuit in a model file, checked but for their equations."""

    sections: Mapping[str, Any]

    @property
    def readout(self) -> str | None:
        """The name of the readout, if it says one."""
        return self.sections.get("circuit", {}).get("readout")

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of its populations."""
        return tuple(self.sections["populations"])

    def circuit(self, name: str, task: Sized) -> Circuit:
        """The circuit, if it fits a task.

        Raises
        ------
        ConfigError
            With all faults: in its texts, or sizes that are not those of the task.
        """
        faults = Faults()
        circuit = described(self.sections, faults).circuit(NAME, faults)
        faults.raise_any(name)
        assert circuit is not None
        self._fit(circuit, task, faults)
        faults.raise_any(name)
        return circuit

    def _fit(self, circuit: Circuit, task: Sized, faults: Faults) -> None:
        shown = circuit.population.get(_INPUT)
        # Late, so that a slip is told before anything heavy is imported.
        from neurosim.engines.over_time import told_to_fire

        spikes = shown is not None and getattr(task, "events", False) and told_to_fire(shown.model) is not None
        if shown is None or (_SHOWN not in shown.model.equation_set.by_name and not spikes):
            faults.add(
                f"populations.{_INPUT}",
                f"missing, expected a population with a variable '{_SHOWN}', which shows the inputs of the task, such "
                "as { size = " + str(task.n_inputs) + ", neuron = 'stimulus' }",
            )
        elif shown.size != task.n_inputs:
            faults.add(
                f"populations.{_INPUT}.size", f"got {shown.size}, expected {task.n_inputs}, the inputs of the task"
            )
        output = circuit.output_population
        if circuit.readout is None or output is None:
            faults.add(
                "circuit",
                "missing, expected a readout and an output, such as { readout = 'cross_entropy', output = 'output.r' }",
            )
        elif circuit.population[output].size != task.n_outputs:
            size = circuit.population[output].size
            faults.add(f"populations.{output}.size", f"got {size}, expected {task.n_outputs}, the outputs of the task")
        if not circuit.phases:
            faults.add("phases", "missing, expected a table [phases.NAME], at whose end pathways learn")


def written_section(table: Mapping[str, Any], faults: Faults) -> TrainableSections:
    """The circuit in the sections of a model, its keys, types and sizes checked."""
    sections = {name: copied(table[name]) for name in SECTIONS if isinstance(table.get(name), Mapping)}
    described({name: table[name] for name in SECTIONS if name in table}, faults)
    return TrainableSections(sections)


def is_circuit(sections: Mapping[str, Any]) -> bool:
    """Whether sections describe a circuit without a task."""
    return "populations" in sections and "task" not in sections
