"""Sizes that no machine has room for are refused before anything is drawn or allocated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.gate.limits import largest
from neurosim.gate.limits import shown as shown_size
from neurosim.model_files.checking import Faults

_MOST_NEURONS = 100_000_000
# Bytes of a synapse while it is drawn, and of a weight in a matrix.
_SYNAPSE, _WEIGHT = 40, 8


def refuse_sizes(sections: Mapping[str, Any], faults: Faults) -> None:
    """Refuse populations and pathways that are too large, in sections whose keys and types are checked."""
    sizes = {name: table["size"] for name, table in sections.get("populations", {}).items()}
    for name, size in sizes.items():
        if size > _MOST_NEURONS or sum(sizes.values()) > _MOST_NEURONS:
            faults.add(f"populations.{name}.size", f"got {size}, expected at most {_MOST_NEURONS:,} neurons in all")
    most = largest()
    for name, table in sections.get("pathways", {}).items():
        ends = [str(table.get(end, "")).split(".")[0] for end in ("source", "target")]
        pairs = sizes.get(ends[0], 0) * sizes.get(ends[1], 0)
        kind = table.get("connectivity", "dense")
        probability = kind.get("probability", 1) if isinstance(kind, Mapping) else 0
        needed = pairs * _WEIGHT if kind == "dense" else pairs * probability * _SYNAPSE
        if needed > most and "tie" not in table:
            key = "connectivity" if "connectivity" in table else "target"
            got = f"got {sizes[ends[0]]:,} x {sizes[ends[1]]:,} neurons, whose synapses take {shown_size(int(needed))}"
            faults.add(f"pathways.{name}.{key}", f"{got}; expected at most {shown_size(most)}, half of the memory")
