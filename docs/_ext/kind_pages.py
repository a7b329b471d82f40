"""One page for each kind of variant, from what the registry finds: what there is, with settings and equations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from numpydoc.docscrape import NumpyDocString
from page_parts import code, evaluated, table, toctree

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Role
from neurosim.circuit.roles import role
from neurosim.model_files.model_file import load
from neurosim.readouts import Readout
from neurosim.rules import Rule
from neurosim.schemes._pairing import unsuited
from neurosim.tasks import Sizes

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
    "metrics": "What is measured.",
    "probes": "Measurements of a circuit that are no training: `probe.kind`.",
    "engines": "What runs a circuit: `engine.kind`. What each refuses: [limits](../limits.md).",
}


def pages(repository: Path) -> dict[str, str | bytes]:
    """The page of each kind, and the page of all kinds."""
    found: dict[str, str | bytes] = {f"{kind}.md": _page(kind) for kind in registry.kinds}
    found["kinds.md"] = (
        "# Components\n\nEach is one file, found by its name. To add one, write one: "
        "[how](../how-to/add/index.md).\n\n" + toctree(registry.kinds)
    )
    return found


def scheme_rows() -> list[tuple[str, ...]]:
    """What the circuits of all schemes say of themselves."""
    return [_scheme_row(name, _circuit(name)) for name in registry.names("schemes")]


SCHEME_COLUMNS = (
    "scheme",
    "local",
    "phases",
    "reads a broadcast scalar",
    "feedback weights",
    "rules that learn",
)


def _circuit(scheme: str) -> Circuit:
    network: dict[str, object] = {"hidden": [8, 7]}
    settings: dict[str, object] = {"kind": scheme}
    if unsuited(scheme, "layered"):
        # Noise that enters with the drive: where some schemes need it, and of no matter to the others.
        neuron = {"kind": "leaky_rate", "noise_site": "current"}
        network |= {"kind": "recurrent", "readout_from": "all", "neuron": neuron}
        settings |= {"duration": "50 ms"}
    model = load({"network": network, "scheme": settings, "training": {}, "task": {"kind": "teacher_student"}})
    return model.build(Sizes(6, 5))


def _scheme_row(name: str, circuit: Circuit) -> tuple[str, ...]:
    rules = dict.fromkeys(pathway.synapse.name for pathway in circuit.pathways if pathway.synapse.learns)
    return (
        f"[{name}](#{name})",
        "yes" if circuit.local else "no",
        ", ".join(phase.name for phase in circuit.phases),
        "yes" if circuit.global_scalar else "no",
        _feedback(circuit),
        ", ".join(f"[{rule}](rules.md#{rule})" if rule in registry.names("rules") else rule for rule in rules),
    )


def _feedback(circuit: Circuit) -> str:
    """What the pathways that carry the teaching signal are."""
    ways = dict.fromkeys(_way(pathway) for pathway in circuit.pathways if _carries_feedback(circuit, pathway))
    return ", ".join(ways) or "none"


def _carries_feedback(circuit: Circuit, pathway: Pathway) -> bool:
    return role(circuit, pathway) is Role.FEEDBACK


def _way(pathway: Pathway) -> str:
    if pathway.synapse.learns:
        return "learned" if pathway.synapse.local else f"learned, reading the {' and the '.join(pathway.synapse.reads)}"
    if pathway.tie is not None:
        return "the forward weights transposed" if pathway.tie.transposed else "tied to others"
    return "computed from the forward weights" if pathway.derived is not None else "fixed"


def _page(kind: str) -> str:
    names = registry.names(kind)
    title = kind.capitalize()
    described = {name: registry.describe(kind, name) for name in names}
    rows = [(f"[{name}](#{name})", text) for name, text in described.items()]
    parts = [f"# {title}\n", _INTRODUCTIONS[kind] + "\n", table(("name", "what it is"), rows)]
    if kind == "schemes":
        parts += ["## What each scheme needs\n", table(SCHEME_COLUMNS, scheme_rows())]
        delivered = [(f"[{name}](#{name})", registry.load(kind, name).GRADIENT) for name in names]
        parts += ["## What each delivers\n", table(("scheme", "signal beside the gradient"), delivered)]
    for name in names:
        module = registry.load(kind, name)
        parts += [f"## {name}\n", evaluated(inspect.getdoc(module) or ""), _details(kind, name, module)]
    return "\n".join(parts)


def _details(kind: str, name: str, module: ModuleType) -> str:
    parts = []
    if isinstance(found := getattr(module, "RULE", None) or getattr(module, "READOUT", None), Rule | Readout):
        parts.append(code(_equations(found)))
    config = getattr(module, "Config", None)
    if config is not None:
        parts.append(settings_table(config))
    if kind == "neurons":
        built: Callable[[Any], Any] | None = getattr(module, "build", None)
        if built is not None and config is not None:
            parts.append(code(str(built(config()))))
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
    return table(("setting", "default", "meaning"), rows) if rows else ""


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
