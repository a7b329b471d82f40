"""One page for each kind of variant, from what the registry finds: what there is, with settings and equations."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from numpydoc.docscrape import NumpyDocString
from page_parts import code, evaluated, table, toctree
from scheme_guide import circuit_of, feedback
from symbols import of_neuron, of_readout, of_rule, of_scheme

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.readouts import Readout
from neurosim.rules import Rule

_INTRODUCTIONS = {
    "neurons": "Neuron models: equations with units. A model names one as `network.neuron.kind`.",
    "rules": "Learning rules of pathways. Schemes choose them; in Python they are given to `Pathway`.",
    "readouts": "How loss and error are read from the output: `network.readout`.",
    "tasks": "Data to learn from: `task.kind`.",
    "networks": "Topologies that schemes build on: `network.kind`, which is `layered` if a model names none.",
    "schemes": "Ways of credit assignment: `scheme.kind`. What the table of needs says is read off the circuits "
    "that the schemes build for a network with two hidden layers, with their default settings; what they deliver is "
    "declared by each, of linear networks. How far the signal is from the gradient in others is measured: "
    "[angles](models/lansdell2020/index.md).",
    "metrics": "What is measured of signals, weights, spikes and predictions.",
    "probes": "Measurements of a circuit that are no training: `probe.kind`.",
    "engines": "What runs a circuit: `engine.kind`. What each refuses: [limits](../limits.md).",
}

#: What formulas of these kinds have in common.
_SYMBOLS = (
    "In symbols: *i* is the neuron that receives, *j* the one that sends, $w_{ij}$ the synapse from *j* to *i*; "
    "$\\eta$ is the learning rate, $\\xi$ noise, $\\Delta t$ the time step; brackets $[v > 0]$ are one where it "
    "holds, else zero; *held* is the value at the end of a phase. The text below the formulas is what runs. Measured "
    "angles, estimators and levels: [definitions](../concepts/definitions.md).\n"
)


def pages(repository: Path) -> dict[str, str | bytes]:
    """The page of each kind, and the page of all kinds."""
    found: dict[str, str | bytes] = {f"{kind}.md": _page(kind) for kind in registry.kinds}
    # The first sentence of what their page says.
    told = {kind: re.split(r"(?<=\.)\s", _INTRODUCTIONS[kind])[0] for kind in registry.kinds}
    rows = [(f"[{kind}]({kind}.md)", str(len(registry.names(kind))), told[kind]) for kind in registry.kinds]
    found["kinds.md"] = (
        "# Catalogue\n\nAll that a model is put together from. Each is one file, found by its name; to add one, write "
        "one: [how](../how-to/add/index.md). Which scheme suits you: [guide](../which-scheme.md).\n\n"
        + table(("kind", "how many", "what they are"), rows, widths=(15, 10, 75))
        + "\n"
        + toctree(registry.kinds, hidden=True)
    )
    return found


def scheme_rows() -> list[tuple[str, ...]]:
    """What the circuits of all schemes say of themselves."""
    return [_scheme_row(name, circuit_of(name)) for name in registry.names("schemes")]


SCHEME_COLUMNS = (
    "scheme",
    "local",
    "phases",
    "broadcast scalar",
    "feedback weights",
    "rules that learn",
)


def _scheme_row(name: str, circuit: Circuit) -> tuple[str, ...]:
    rules = dict.fromkeys(pathway.synapse.name for pathway in circuit.pathways if pathway.synapse.learns)
    return (
        f"[{name}](#{name})",
        "yes" if circuit.local else "no",
        ", ".join(phase.name for phase in circuit.phases),
        "yes" if circuit.global_scalar else "no",
        feedback(circuit),
        ", ".join(f"[{rule}](rules.md#{rule})" if rule in registry.names("rules") else rule for rule in rules),
    )


def _page(kind: str) -> str:
    names = registry.names(kind)
    title = kind.capitalize()
    described = {name: registry.describe(kind, name) for name in names}
    rows = [(f"[{name}](#{name})", text) for name, text in described.items()]
    symbols = _SYMBOLS if kind in ("neurons", "rules", "readouts", "schemes") else ""
    parts = [f"# {title}\n", _INTRODUCTIONS[kind] + "\n", symbols, table(("name", "what it is"), rows)]
    if kind == "schemes":
        parts += ["## What each scheme needs\n", table(SCHEME_COLUMNS, scheme_rows(), widths=(18, 7, 15, 10, 25, 25))]
        delivered = [(f"[{name}](#{name})", registry.load(kind, name).GRADIENT) for name in names]
        parts += ["## What each delivers\n", table(("scheme", "signal beside the gradient"), delivered)]
    for name in names:
        module = registry.load(kind, name)
        parts += [f"## {name}\n", evaluated(inspect.getdoc(module) or ""), _details(kind, name, module)]
    return "\n".join(parts)


def _details(kind: str, name: str, module: ModuleType) -> str:
    parts = []
    if isinstance(found := getattr(module, "RULE", None) or getattr(module, "READOUT", None), Rule | Readout):
        parts += [of_rule(found) if isinstance(found, Rule) else of_readout(found), code(_equations(found))]
    if kind == "schemes":
        parts.append(of_scheme(circuit_of(name)))
    config = getattr(module, "Config", None)
    if config is not None:
        parts.append(settings_table(config))
    if kind == "neurons":
        built: Callable[[Any], Any] | None = getattr(module, "build", None)
        if built is not None and config is not None:
            neuron = built(config())
            parts += [of_neuron(neuron), code(str(neuron))]
    for function in ("measure", "load") if kind in ("metrics", "tasks") else ():
        if hasattr(module, function):
            parts.append(evaluated(f".. autofunction:: neurosim.{kind}.{name}.{function}"))
    return "\n".join(parts)


def _equations(found: Rule | Readout) -> str:
    """The text that a rule or a readout is, without what it leaves out."""
    if isinstance(found, Rule):
        own = {"variables": found.variables, "traces": found.traces, "on_pre": found.on_pre, "on_post": found.on_post}
        own |= {"update": found.update, "timing": found.timing if found.statements else ""}
        own["reads beyond the synapse"] = ", ".join(found.reads)
        own["parameters"] = ", ".join(_valued(name, value) for name, value in found.parameters.items())
        own["initial"] = ", ".join(_valued(name, value) for name, value in found.initial.items())
    else:
        own = {"error": found.error, "loss": found.loss}
    texts = {name: inspect.cleandoc(text).strip() for name, text in own.items() if text.strip()}
    return "\n".join(f"{name}:{_indented(text) if chr(10) in text else f' {text}'}" for name, text in texts.items())


def _valued(name: str, value: Any) -> str:
    """A name with the value that it has by default."""
    return name if value is None else f"{name} = {value if isinstance(value, str) else format(value, 'g')}"


def _indented(text: str) -> str:
    return "".join(f"\n    {line}" for line in text.splitlines())


def settings_table(
    config: type[Any], *, names: Collection[str] | None = None, defaults: Mapping[str, str] | None = None
) -> str:
    """The settings of a component with their defaults and what its docstrings say of them.

    Parameters
    ----------
    config
        Its class.
    names
        Those to show; all by default.
    defaults
        What to show as the default of some.
    """
    described, shown = _described(config), dict(defaults or {})
    rows = [
        (f"`{name}`", shown.get(name) or _default(field), described.get(name, ""))
        for name, field in config.model_fields.items()
        if names is None or name in names
    ]
    return table(("setting", "default", "meaning"), rows, widths=(22, 18, 60)) if rows else ""


def _default(field: Any) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    return "none" if value is None else f"`{value}`"


def _described(config: type[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    # The nearest docstring counts.
    for each in reversed(config.__mro__):
        if each.__doc__ and each.__module__.startswith("neurosim"):
            parsed = NumpyDocString(inspect.cleandoc(each.__doc__))
            for parameter in (*parsed["Parameters"], *parsed["Attributes"]):
                text = " ".join(parameter.desc).replace("``", "`")
                if "See `neurosim." not in text and "see `neurosim." not in text.lower():
                    found |= dict.fromkeys(_names(parameter.name), text)
    return found


def _names(listed: str) -> Iterable[str]:
    return (name.strip() for name in listed.split(","))
