"""What the page "Which scheme?" shows: what schemes declare, and what was measured of them, from where it is kept."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from page_parts import table

from neurosim import registry
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import Pathway, Role
from neurosim.circuit.roles import role
from neurosim.engines import Call, Setting, limits_met
from neurosim.errors import NeurosimError
from neurosim.model_files.model_file import load
from neurosim.schemes._pairing import unsuited
from neurosim.tasks import Sizes

#: Neurons that stand for all that spike, and for images a layer of convolutions; tried one after the other.
_SPIKING = ("lif", "discrete_lif")
_IMAGE = [{"channels": 2, "kernel": 3}, 7]
_HEADS = (
    "scheme",
    "network",
    "local",
    "teaching signal",
    "phases",
    "simulated",
    "feedback weights",
    "spikes",
    "images",
    "levels",
)
_WIDTHS = (20, 9, 6, 11, 12, 9, 15, 6, 6, 6)


def pages(repository: Path) -> dict[str, str | bytes]:
    """The two tables, to be included."""
    return {"schemes_declared.md": _declared(), "schemes_measured.md": _measured(repository)}


@functools.cache
def circuit_of(scheme: str, *, neuron: str = "", images: bool = False) -> Circuit:
    """The circuit that a scheme builds with its default settings, two hidden layers, and a neuron of this kind.

    Raises
    ------
    NeurosimError
        It does not build on that.
    """
    network: dict[str, Any] = {"hidden": _IMAGE if images else [8, 7]}
    settings: dict[str, object] = {"kind": scheme}
    if unsuited(scheme, "layered"):
        # Noise that enters with the drive: where some schemes need it, and of no matter to the others.
        network |= {"kind": "recurrent", "readout_from": "all"}
        network["neuron"] = {"kind": "leaky_rate", "noise_site": "current"}
        settings |= {"duration": "50 ms"}
    if neuron:
        network["neuron"] = {"kind": neuron}
    sections = {"network": network, "scheme": settings, "training": {}, "task": {"kind": "teacher_student"}}
    return load(sections).build(Sizes(64, 5, image=(8, 8, 1)) if images else Sizes(6, 5))


def _declared() -> str:
    rows = [_row(name) for name in registry.names("schemes")]
    return table(_HEADS, rows, widths=_WIDTHS, name="filtered")


def _row(name: str) -> tuple[str, ...]:
    circuit = circuit_of(name)
    steady = limits_met(
        registry.load("engines", "batched").limits(), circuit, Setting(level="steady"), Call(learn=True)
    )
    networks = [kind for kind in ("layered", "recurrent") if not unsuited(name, kind)]
    return (
        f"[{name}](/generated/schemes.md#{name})",
        ", ".join(networks),
        "yes" if circuit.local else "no",
        _signal(circuit),
        ", ".join(phase.name for phase in circuit.phases),
        f"{sum(phase.steps(1e-3) for phase in circuit.phases):g} ms",
        feedback(circuit),
        "yes" if any(_builds(name, neuron=neuron) for neuron in _SPIKING) else "no",
        "yes" if _builds(name, images=True) else "no",
        "rate" if steady or circuit.over_time else "steady, rate",
    )


def _signal(circuit: Circuit) -> str:
    """What tells hidden neurons how they did: errors of each output, one number, both, or the gradient itself."""
    if any("gradient" in pathway.synapse.reads for pathway in circuit.pathways):
        return "the gradient"
    vector = any(role(circuit, pathway) is Role.FEEDBACK for pathway in circuit.pathways)
    words = [word for word, there in (("vector", vector), ("scalar", circuit.global_scalar)) if there]
    return " and ".join(words) or "none"


def _builds(name: str, **settings: Any) -> bool:
    try:
        circuit_of(name, **settings)
    except NeurosimError:
        return False
    return True


def feedback(circuit: Circuit) -> str:
    """What the pathways that carry the teaching signal are."""
    ways = dict.fromkeys(_way(pathway) for pathway in circuit.pathways if role(circuit, pathway) is Role.FEEDBACK)
    return ", ".join(ways) or "none"


def _way(pathway: Pathway) -> str:
    if pathway.synapse.learns:
        return "learned" if pathway.synapse.local else f"learned, reading the {' and the '.join(pathway.synapse.reads)}"
    if pathway.tie is not None:
        return "the forward weights transposed" if pathway.tie.transposed else "tied to others"
    return "computed from the forward weights" if pathway.derived is not None else "fixed"


def _measured(repository: Path) -> str:
    """Accuracy, presentations and angles, of rate and of spiking networks, by scheme."""
    text = (repository / "models" / "lansdell2020" / "README.md").read_text()
    rates, spikes = (measured_rows(text, model) for model in ("schemes", "schemes_spiking"))
    rows = []
    for name, scheme in _variants(rates).items():
        told = rates[name]
        fired = spikes.get("schemes_spiking" if name == "schemes" else name, ["-"] * 6)
        settings = "" if name == "schemes" else f" (`{name}`)"
        rows.append(
            (
                f"[{scheme}](/generated/schemes.md#{scheme}){settings}",
                told[3],
                told[1],
                told[2],
                _pair(told),
                fired[1],
                _pair(fired),
            )
        )
    heads = (
        "scheme (variant)",
        "local",
        "accuracy (%)",
        "presentations to 90 %",
        "angles (deg)",
        "spiking: accuracy (%)",
        "spiking: angles (deg)",
    )
    return table(heads, rows, widths=(24, 6, 12, 14, 16, 12, 16))


def _pair(row: Sequence[str]) -> str:
    """The angles of both hidden layers, if there are any."""
    return " · ".join(row[4:]) if row[4] != "-" else "-"


def measured_rows(readme: str, model: str) -> dict[str, list[str]]:
    """The rows of the table of all schemes, by their variant; the first is the model itself.

    Raises
    ------
    ValueError
        There is no such table in the text.
    """
    cells = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in readme.splitlines()]
    start = next((n for n, row in enumerate(cells) if len(row) == 6 and row[0] == f"`{model}`"), None)
    if start is None:
        raise ValueError(f"no table whose first row is `{model}`")
    found: dict[str, list[str]] = {}
    for row in cells[start:]:
        if len(row) != 6 or not re.fullmatch(r"`\w+`", row[0]):
            break
        found[row[0].strip("`")] = row
    return found


def _variants(rows: Mapping[str, list[str]]) -> dict[str, str]:
    """The scheme of each variant."""
    own = "lansdell2020/schemes"
    return {name: load(own if name == "schemes" else f"{own}+{name}").scheme_kind for name in rows}
