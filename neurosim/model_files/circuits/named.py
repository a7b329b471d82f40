"""Settings that are another part: by a name in the file, by one in the registry, or as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from neurosim import registry
from neurosim.circuit.connectivity import NAMED
from neurosim.circuit.weights import Initial, Tie
from neurosim.model_files.checking import Faults, check_kind, check_table, shown
from neurosim.model_files.circuits.making import Making
from neurosim.model_files.circuits.parts import INITIAL, NEURON, RULE, TIE, connectivities
from neurosim.model_files.circuits.values import Array, check_plain, read
from neurosim.model_files.component_sections import component_section
from neurosim.neurons._model import NeuronModel
from neurosim.rules._rule import Rule
from neurosim.suggestions import did_you_mean

Tables = Mapping[str, Making]


def neuron(value: Any, path: str, tables: Tables, faults: Faults, name: str = "neuron") -> Making | None:
    """A neuron: the name of a table ``[neurons.cell]``, or of the registry; a table with a kind, or with equations."""
    if isinstance(value, str):
        return _by_name("neurons", value, path, tables, faults)
    if isinstance(value, Mapping) and "kind" in value:
        kind, config = component_section("neurons", value, path, faults)
        if config is None:
            return None
        return Making(path, value, lambda _: registry.load("neurons", kind).build(config))
    table = check_table(NEURON, value, path, faults)
    return table and Making(path, value, lambda _: NeuronModel(**table.given, name=name))


def rule(value: Any, path: str, tables: Tables, faults: Faults, name: str = "rule") -> Making | None:
    """A rule: the name of a table ``[rules.stdp]``, or of the registry; a table with a kind, or with statements."""
    if isinstance(value, str):
        return _by_name("rules", value, path, tables, faults)
    if isinstance(value, Mapping) and "kind" in value:
        return _rule_of_kind(value, path, faults)
    table = check_table(RULE, value, path, faults)
    return table and Making(path, value, lambda _: Rule(**table.given, name=name))


def rules(value: Any, path: str, tables: Tables, faults: Faults) -> Making | None:
    """One rule, or a list of several."""
    if not isinstance(value, list | tuple):
        return rule(value, path, tables, faults)
    if not value:
        faults.add(path, "got no rule, expected at least one; leave the key out for weights that stay")
        return None
    each_rule = [rule(each, f"{path}.{number}", tables, faults) for number, each in enumerate(value)]
    parts = [each for each in each_rule if each is not None]

    def build(late: Faults) -> Any:
        made = tuple(part.made(late) for part in parts)
        return None if None in made else made

    return Making(path, {}, build) if len(parts) == len(each_rule) else None


def _by_name(kind: str, name: str, path: str, tables: Tables, faults: Faults) -> Making | None:
    if name in tables:
        return tables[name]
    known = [*tables, *registry.names(kind)]
    if name not in known:
        expected = f"expected a table [{kind}.{name}] or a name from 'neurosim list {kind}'"
        faults.add(path, f"got {shown(name)}, {expected}: {did_you_mean(name, known)}")
        return None
    if kind == "rules":
        return _rule_of_kind({"kind": name}, path, faults)
    _, config = component_section(kind, {"kind": name}, path, faults)
    return None if config is None else Making(path, {}, lambda _: registry.load(kind, name).build(config))


def _rule_of_kind(value: Mapping[str, Any], path: str, faults: Faults) -> Making | None:
    """A rule of the registry; other keys are its settings, or its parameters if it has no settings."""
    module = check_kind("rules", value["kind"], f"{path}.kind", faults)
    if module is None:
        return None
    settings = {key: each for key, each in value.items() if key != "kind"}
    if hasattr(module, "Config"):
        config = check_table(module.Config, settings, path, faults)
        return None if config is None else Making(path, value, lambda _: module.build(config))
    known = module.RULE.parameters
    for key in settings:
        if key not in known:
            faults.add(f"{path}.{key}", f"unknown key, got {shown(settings[key])}; {did_you_mean(key, known)}")
    return Making(path, value, lambda _: replace(module.RULE, parameters={**known, **settings}))


def connectivity(value: Any, path: str, faults: Faults) -> Making | None:
    """A connectivity: a word, or a table with its kind and settings."""
    known = connectivities()
    if isinstance(value, str):
        if value in NAMED:
            return Making(path, {}, lambda _: value)
        more = f"; '{value}' has settings: {{ kind = '{value}', ... }}" if value in known else ""
        faults.add(path, f"got {shown(value)}, expected {', '.join(NAMED)}, or a table with a kind{more}")
        return None
    if not isinstance(value, Mapping):
        faults.add(path, f"got {shown(value)}, expected {', '.join(NAMED)}, or a table with a kind")
        return None
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in known:
        got = "nothing" if kind is None else shown(kind)
        faults.add(f"{path}.kind", f"got {got}, expected one of them: {did_you_mean(str(kind), known)}")
        return None
    settings = {key: each for key, each in value.items() if key != "kind"}
    table = check_table(known[kind], settings, path, faults)
    return table and Making(path, value, lambda _: known[kind].described(**table.given))


def initial(value: Any, path: str, faults: Faults) -> Making | None:
    """Initial weights: a law, or a value of each synapse."""
    if isinstance(value, Mapping) and "values" not in value and "file" not in value:
        table = check_table(INITIAL, value, path, faults)
        return table and Making(path, value, lambda _: Initial(**table.given))
    if isinstance(value, Mapping):
        array = check_table(Array, value, path, faults)
        return array and Making(path, value, lambda _: array.read())
    try:
        weight = check_plain(value)
    except ValueError as error:
        faults.add(path, f"{error}, or a table such as {{ law = 'normal', scale = 0.5 }}")
        return None
    return Making(path, {}, lambda _: read(weight))


def tie(value: Any, path: str, faults: Faults) -> Making | None:
    """The pathway whose weights are used, by its name, or a table that says whether they are transposed."""
    table = check_table(TIE, {"pathway": value} if isinstance(value, str) else value, path, faults)
    return table and Making(path, {}, lambda _: Tie(**table.given))
