"""The units of weights, which nobody declares."""

from __future__ import annotations

from neurosim.circuit.composition import compose
from neurosim.circuit.description import Pathway
from neurosim.circuit.wiring import Wiring
from neurosim.equations.dimensions import dimension_of
from neurosim.units import dimension_text


def weight_unit(circuit: Wiring, pathway: Pathway) -> str:
    """What turns the unit of the source into that of the target, as a product of base units."""
    target, variable = compose(circuit)[pathway.post], pathway.target.split(".")[1]
    dimension = dimension_of(target.equation_set.by_name[variable].unit)
    if not pathway.at_spikes:
        source = compose(circuit)[pathway.pre].equation_set.by_name[pathway.source.split(".")[1]]
        dimension = dimension / dimension_of(source.unit)
    return dimension_text(dimension)
