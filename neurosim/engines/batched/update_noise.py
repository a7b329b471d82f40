"""Noise of the updates of weights, drawn once for each batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.plasticity import UPDATE_NOISE
from neurosim.engines.noise import draw_update_noise


@dataclass(frozen=True)
class NoiseOfUpdates:
    """The effect of noise on a batch's updates.

    Attributes
    ----------
    read
        What rules read, ``pathway.update_noise``.
    before
        Pathway -> what it leaves on the weights of rules that act at the beginning of a presentation.
    after
        ``pathway.w`` -> what it leaves on the weights of the others.
    """

    read: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


def update_noise(
    circuit: Circuit,
    acting: Collection[str],
    keys: Mapping[str, Any],
    batch: Any,
    values: Mapping[str, Any],
    dtype: Any,
) -> NoiseOfUpdates:
    """Normal numbers for a batch's updates; what is left is times its standard deviation and the learning rate.

    Parameters
    ----------
    acting
        Pathways that learn in this batch.
    batch
        Running number of the batch, shape (1,).
    """
    pathways = [circuit.pathway[name] for name in sorted(acting) if f"update:{name}" in keys]
    drawn = {pathway.name: draw_update_noise(circuit, pathway.name, keys, batch, dtype) for pathway in pathways}
    read = {f"{name}.{UPDATE_NOISE}": array for name, array in drawn.items()}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for pathway in pathways:
        if pathway.update_noise is not None:
            array = values[f"{pathway.name}.learning_rate"] * pathway.update_noise * drawn[pathway.name]
            if any(moment.sees_activity for moment in pathway.synapse.moments):
                after[f"{pathway.name}.w"] = array
            else:
                before[pathway.name] = array
    return NoiseOfUpdates(read, before, after)
