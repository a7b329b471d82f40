"""Numbers of neurons and synapses that no machine has room for, refused before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.model_files.checking import Faults

_MOST_NEURONS = 100_000_000


def refuse_sizes(sections: Mapping[str, Any], faults: Faults) -> None:
    """Refuse populations that are too large, in sections whose keys and types are checked."""
    total = 0
    for name, table in sections.get("populations", {}).items():
        total += table["size"]
        if total > _MOST_NEURONS:
            key = f"populations.{name}.size"
            faults.add(key, f"got {table['size']}, expected at most {_MOST_NEURONS:,} neurons in all populations")
