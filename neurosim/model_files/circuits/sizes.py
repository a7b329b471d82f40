"""Numbers of neurons and synapses that no machine has room for, refused before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.description import Pathway, Population
from neurosim.circuit.synapses import Ends
from neurosim.model_files.checking import Faults

_MOST_NEURONS = 100_000_000


def refuse_synapses(parts: Mapping[str, tuple[Any, ...]], faults: Faults) -> None:
    """Refuse pathways whose synapses would not fit, all before the first is drawn; `parts` are those of a circuit."""
    known: dict[str, Population] = {population.name: population for population in parts["populations"]}
    pathways: tuple[Pathway, ...] = parts["pathways"]
    for pathway in pathways:
        pre, post = known.get(pathway.pre), known.get(pathway.post)
        # Connectivities that are none, or join missing populations, are reported with the circuit's other faults.
        if pre is None or post is None or pathway.tie is not None or isinstance(pathway.connectivity, str):
            continue
        ends = Ends(pre.size, post.size, pre.shape, post.shape, recurrent=pre is post)
        told = getattr(pathway.connectivity, "settings_faults", pathway.connectivity.faults)
        for sentence in told(ends):
            faults.add(f"pathways.{pathway.name}.connectivity", f"from '{pre.name}' to '{post.name}': {sentence}")


def refuse_sizes(sections: Mapping[str, Any], faults: Faults) -> None:
    """Refuse populations that are empty or too large, in sections whose keys and types are checked."""
    total = 0
    for name, table in sections.get("populations", {}).items():
        total += table["size"]
        if table["size"] < 1:
            faults.add(f"populations.{name}.size", f"got {table['size']}, expected at least 1")
        if total > _MOST_NEURONS:
            key = f"populations.{name}.size"
            faults.add(key, f"got {table['size']}, expected at most {_MOST_NEURONS:,} neurons in all populations")
