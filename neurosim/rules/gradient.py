"""Gradient descent (not local): minus the exact gradient of the loss, through time where the loss is over time.

Backpropagation through time (Werbos 1990, Proceedings of the IEEE 78:1550) by automatic differentiation of the engine's
own steps. It is a reference: no synapse could compute it.
"""

from __future__ import annotations

from collections.abc import Mapping

from neurosim.rules._oracle import OracleRule
from neurosim.untyped import Array, ArrayModule


def _step(
    xp: ArrayModule, values: Mapping[str, Array], inputs: Mapping[str, Array], parameters: Mapping[str, Array]
) -> dict[str, Array]:
    return {"w": values["w"] - parameters["learning_rate"] * inputs["w_gradient"]}


RULE = OracleRule(_step, uses=(), parameters={"learning_rate": None}, reads=("gradient",), name="gradient")
