"""Mean response (not local): feedback weights that are the exact average of noise times response so far.

The rule ``response`` with a learning rate of one over the number of samples, which no synapse counts. ``memory``
forgets: the number of presentations after which a sample counts 1/e; infinite by default.
"""

from __future__ import annotations

from collections.abc import Mapping

from neurosim.rules._oracle import OracleRule
from neurosim.untyped import Array, ArrayModule


def _step(
    xp: ArrayModule, values: Mapping[str, Array], inputs: Mapping[str, Array], parameters: Mapping[str, Array]
) -> dict[str, Array]:
    eligibility, response = inputs["eligibility_post"], inputs["response_pre"]
    batch = response.shape[0]
    seen = values["seen"] * xp.exp(-batch / parameters["memory"]) + batch
    # Weights from before the first sample do not count.
    weights = values["w"] + (eligibility.T @ response - batch * values["w"]) / seen
    return {"w": weights, "seen": seen}


RULE = OracleRule(
    _step,
    uses=("eligibility_post", "response_pre"),
    variables={"seen": ("pre",)},
    parameters={"memory": float("inf")},
    reads=("the number of samples",),
    name="mean_response",
)
