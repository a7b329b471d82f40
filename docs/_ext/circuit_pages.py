"""The reference of circuit files, from the classes that check them, and a page for each circuit that ships."""

from __future__ import annotations

from pathlib import Path

from citation_pages import entries_of
from kind_pages import settings_table
from model_pages import diagram, result
from page_parts import code, folded, table, toctree

from neurosim import registry
from neurosim.circuit.description import Population
from neurosim.model_files.about import About
from neurosim.model_files.circuits import parts
from neurosim.model_files.circuits.circuit_file import CircuitFile, load_circuit
from neurosim.model_files.circuits.values import Array, GivenSpikes

#: Defaults that are said in the words of files.
_DEFAULTS = {
    "[populations.NAME]": {"neuron": "its own keys"},
    "[pathways.NAME]": {"rule": "`fixed`", "initial": "`{ law = 'normal', scale = 1.0, fan = 'in' }`"},
}
_SECTIONS = (
    ("[model]", "What the file is.", About, None),
    (
        "[populations.NAME]",
        "Neurons that share one model. Without `neuron`, the keys of `[neurons.NAME]` stand here as well; beside a "
        "neuron, `equations` are lines that are added to its own.",
        parts.POPULATION,
        tuple(Population.__dataclass_fields__),
    ),
    (
        "[neurons.NAME]",
        "A neuron that several populations name: `neuron = 'NAME'`. A neuron of the [registry](neurons.md) is a table "
        "with its kind: `neuron = { kind = 'lif', tau_m = '10 ms' }`.",
        parts.NEURON,
        None,
    ),
    (
        "[pathways.NAME]",
        "Synapses from one population to another. `rule` is the name of a table `[rules.NAME]` or of the "
        "[registry](rules.md), a table of either sort, or a list of them. `tie` is the name of the pathway, or a table "
        "`{ pathway = 'W1', transposed = true }`.",
        parts.PATHWAY,
        None,
    ),
    ("[rules.NAME]", "A rule that several pathways name.", parts.RULE, None),
    ("[phases.NAME]", "The phases of a presentation, in the order of the file.", parts.PHASE, None),
    ("[circuit]", "What concerns the circuit as a whole.", parts.CIRCUIT, None),
    ("[simulation]", "Arguments of {py:func}`neurosim.simulate`.", parts.Simulation, None),
)


def pages(repository: Path) -> dict[str, str | bytes]:
    """The reference, the page of each circuit, and the page of all."""
    found: dict[str, str | bytes] = {"circuit-files.md": _reference()}
    rows = []
    for name in registry.circuits():
        file = load_circuit(name)
        found[f"circuits/{name}.md"] = _circuit(file, repository)
        found[f"circuits/{name}.svg"] = diagram(file.circuit)
        rows.append((f"[{name}]({name}.md)", file.about.title))
    found["circuits/index.md"] = (
        "# Circuits\n\nNetworks that are simulated from their files: `neurosim simulate NAME`. How such a file is "
        "written: [how to](../../how-to/circuit-files.md).\n\n"
        + table(("circuit", "what it is"), rows)
        + "\n"
        + toctree(registry.circuits(), hidden=True)
    )
    return found


def _reference() -> str:
    parts_of_page = [
        "# Keys of circuit files\n",
        "How such a file is written: [how to](../how-to/circuit-files.md). These tables are made from the classes that "
        "check files.\n",
    ]
    for title, text, config, names in _SECTIONS:
        parts_of_page += [
            f"## {title}\n",
            f"{text}\n",
            settings_table(config, names=names, defaults=_DEFAULTS.get(title)),
        ]
    parts_of_page += [
        "## [inputs] and [state]\n",
        "Names of variables (`[inputs.E]` and `i_ext = ...`, or `'E.i_ext' = ...`) with their values: a number, a "
        "quantity, an array, or one of these tables. Arrays may stand in tables wherever a value of each neuron or "
        "each synapse is allowed.\n",
        settings_table(Array),
        "Spikes of neurons of the kind `spike_source`:\n",
        settings_table(GivenSpikes),
        "## connectivity\n",
        "A word (`dense`, `one_to_one`, `per_channel`), or a table with a kind and these keys.\n",
    ]
    for name, config in parts.connectivities().items():
        if config.model_fields:
            parts_of_page += [f"### {name}\n", settings_table(config)]
    parts_of_page += ["## initial\n", "A value of each synapse, or a law:\n", settings_table(parts.INITIAL)]
    return "\n".join(parts_of_page)


def _circuit(file: CircuitFile, repository: Path) -> str:
    about, text = file.about, (repository / "models" / f"{file.name}.toml").read_text()
    found = [f"# {about.title or file.name}\n", f"`{file.name}`\n", f"{about.description}\n"]
    found += [f"{about.reference}.\n"] if about.reference else []
    found.append(result(file.name, repository) or code(f"neurosim simulate {file.name} --plot figure.png", "shell"))
    if file.variants:
        rows = [(f"`{file.name}+{name}`", title) for name, title in file.variants.items()]
        found += ["## Variants\n", table(("name", "what changes"), rows)]
    found += ["## The file\n", code(text, "toml"), "## The circuit\n"]
    found += [f"![Diagram of the circuit of {file.name}]({file.name.partition('/')[2]}.svg)\n", code(str(file.circuit))]
    if entries := entries_of(about.reference, repository):
        found.append(folded("Cite the paper", code(entries, "bibtex")))
    return "\n".join(found)
