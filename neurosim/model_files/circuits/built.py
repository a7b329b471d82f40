"""From the sections of a file to a circuit: keys and types first, equations later, all faults at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Phase, Population, hold
from neurosim.errors import CircuitError, NeurosimError
from neurosim.model_files.checking import Faults, check_kind, check_table, shown
from neurosim.model_files.circuits import named
from neurosim.model_files.circuits.making import Making, fault_in, key_in, quoted_in
from neurosim.model_files.circuits.parts import CIRCUIT, OF_NEURON, PATHWAY, PHASE, POPULATION
from neurosim.model_files.circuits.sizes import refuse_sizes, refuse_synapses
from neurosim.neurons._model import NeuronModel

#: The sections that describe a circuit.
SECTIONS = ("circuit", "neurons", "populations", "rules", "pathways", "phases")
# Faults of connectivities are reported with the populations that they join.
_PART = re.compile(r"(population|pathway|phase) '(\w+)'(?P<ends> \('\w+' -> '\w+'\))?(?P<colon>:|,| )\s*")
_NEURON = tuple(NeuronModel.__dataclass_fields__)
Checker = Callable[[str, Any, str], Making | None]


@dataclass
class DescribedCircuit:
    """The checked sections of a circuit, each part still to be made."""

    given: Mapping[str, Any]
    populations: dict[str, Making | None] = field(default_factory=dict)
    pathways: dict[str, Making | None] = field(default_factory=dict)
    phases: dict[str, Making | None] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    named: tuple[Making, ...] = ()

    def circuit(self, name: str, faults: Faults) -> Circuit | None:
        """The circuit; ``None`` with faults."""
        # Parts that nothing names are read as well: a variant, or an override, may name them.
        for making in self.named:
            making.made(faults)
        parts: dict[str, tuple[Any, ...]] = {
            kind: tuple(None if making is None else making.made(faults) for making in getattr(self, kind).values())
            for kind in ("populations", "pathways", "phases")
        }
        if any(None in made for made in parts.values()):
            return None
        refuse_synapses(parts, faults)
        if faults.listed:
            return None
        settings = dict(self.settings)
        if settings.get("readout") is not None:
            settings["readout"] = registry.load("readouts", settings["readout"]).READOUT
        try:
            return Circuit(name, **parts, **settings)
        except NeurosimError as error:
            keyed = error.faults if isinstance(error, CircuitError) and error.faults else (("", str(error)),)
            for key, sentence in keyed:
                known = key.split(".")[:2] in [["populations", name] for name in self.populations]
                faults.add(*((key, sentence) if known else self._located(sentence)))
        return None

    def _located(self, sentence: str) -> tuple[str, str]:
        """The key that a sentence about the whole circuit is about, and what it says of that."""
        match = _PART.match(sentence)
        if match is None:
            return self._quoted(sentence) or "populations", sentence
        section, name, rest = f"{match[1]}s", match[2], sentence[match.end() :]
        table = self.given.get(section, {}).get(name, {})
        key = "connectivity" if match["ends"] and "connectivity" in table else key_in(rest, table)
        said = rest if match["colon"] == ":" else sentence
        return f"{section}.{name}.{key}".rstrip("."), said

    def _quoted(self, sentence: str) -> str:
        """The key of the text that a sentence quotes, or the key of the section [circuit] that it names."""
        key = key_in(sentence, self.given.get("circuit", {}))
        if key:
            return f"circuit.{key}"
        return quoted_in(sentence, {section: self.given.get(section, {}) for section in SECTIONS})


def described(sections: Mapping[str, Any], faults: Faults) -> DescribedCircuit:
    """Check the sections of a circuit: their keys, types, names and sizes."""
    neurons = _each(sections, "neurons", faults, lambda n, v, p: named.neuron(v, p, {}, faults, n))
    rules = _each(sections, "rules", faults, lambda n, v, p: named.rule(v, p, {}, faults, n))
    whole = DescribedCircuit(sections, named=tuple(m for m in (*neurons.values(), *rules.values()) if m is not None))
    # The fault of a named part is reported once.
    beside = {
        kind: {n: m or Making("", {}, lambda _: None) for n, m in made.items()}
        for kind, made in (("neurons", neurons), ("rules", rules))
    }
    whole.populations = _each(sections, "populations", faults, lambda n, v, p: _population(n, v, p, beside, faults))
    whole.pathways = _each(sections, "pathways", faults, lambda n, v, p: _pathway(n, v, p, beside, faults))
    whole.phases = _each(sections, "phases", faults, lambda n, v, p: _phase(n, v, p, faults))
    table = check_table(CIRCUIT, sections.get("circuit", {}), "circuit", faults)
    if table is not None:
        whole.settings = table.given
        if whole.settings.get("readout") is not None:
            check_kind("readouts", whole.settings["readout"], "circuit.readout", faults)
    if not whole.populations:
        faults.add("populations", "missing, expected a table [populations.NAME] for each population")
    if not faults.listed:
        refuse_sizes(sections, faults)
    return whole


def _each(sections: Mapping[str, Any], section: str, faults: Faults, check: Checker) -> dict[str, Making | None]:
    tables = sections.get(section, {})
    if not isinstance(tables, Mapping):
        faults.add(section, f"got {shown(tables)}, expected tables [{section}.NAME]")
        return {}
    return {str(name): check(str(name), table, f"{section}.{name}") for name, table in tables.items()}


def _population(name: str, value: Any, path: str, beside: Mapping[str, Any], faults: Faults) -> Making | None:
    table = check_table(POPULATION, value, path, faults)
    if table is None:
        return None
    given = set(table.model_fields_set)
    if "neuron" not in given:
        if "equations" not in given:
            faults.add(f"{path}.equations", "missing, expected equations, or a neuron")
            return None

        def whole(_: Faults) -> Population:
            settings = table.given
            own = {key: settings.pop(key) for key in _NEURON if key in settings}
            return _whole(Population(name, neuron=NeuronModel(**own, name=name), **settings))

        return Making(path, value, whole)
    for key in sorted(given & set(OF_NEURON)):
        faults.add(f"{path}.{key}", "got it beside a neuron, expected it in the table of that neuron")
    neuron = named.neuron(value["neuron"], f"{path}.neuron", beside["neurons"], faults)

    def of_neuron(late: Faults) -> Population | None:
        made = neuron.made(late) if neuron else None
        return made and _whole(Population(name, neuron=made, **table.given_without("neuron")))

    return neuron and Making(path, value, of_neuron)


def _whole(population: Population) -> Population:
    """The population, whose lines fit its neuron: they are read here, where the table is known."""
    _ = population.model
    return population


def _pathway(name: str, value: Any, path: str, beside: Mapping[str, Any], faults: Faults) -> Making | None:
    table = check_table(PATHWAY, value, path, faults)
    if table is None:
        return None
    readers = {
        "rule": lambda v, p: named.rules(v, p, beside["rules"], faults),
        "connectivity": lambda v, p: named.connectivity(v, p, faults),
        "initial": lambda v, p: named.initial(v, p, faults),
        "tie": lambda v, p: named.tie(v, p, faults),
    }
    parts = {key: read(value[key], f"{path}.{key}") for key, read in readers.items() if key in value}
    if None in parts.values():
        return None

    def build(late: Faults) -> Pathway | None:
        made = {key: part.made(late) for key, part in parts.items() if part is not None}
        return (
            None
            if any(each is None for each in made.values())
            else Pathway(name, **table.given_without(*parts), **made)
        )

    return Making(path, value, build)


def _phase(name: str, value: Any, path: str, faults: Faults) -> Making | None:
    table = check_table(PHASE, value, path, faults)
    if table is None:
        return None

    def build(late: Faults) -> Phase | None:
        settings, held = table.given, []
        for number, text in enumerate(settings.pop("hold", ())):
            try:
                held.append(hold(text))
            except NeurosimError as error:
                late.add(f"{path}.hold.{number}", fault_in(error, {})[1])
        return None if len(held) < len(value.get("hold", ())) else Phase(name, hold=tuple(held), **settings)

    return Making(path, value, build)
