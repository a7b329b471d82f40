"""Exact least squares (not local): feedback weights that best predict the noise-based estimate so far.

Lansdell, Prakash & Kording (2020), ICLR: the closed-form solution accumulated over all samples, from
``gamma`` times the identity. ``memory`` forgets: the number of presentations after which a sample counts 1/e;
infinite as published.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from neurosim.rules._rule import OracleRule


def _step(
    xp: Any, values: Mapping[str, Any], inputs: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    error, estimate = inputs["delta_held_pre"], inputs["estimate_post"]
    keep = xp.exp(-error.shape[0] / parameters["memory"])
    moment = keep * values["moment"] + error.T @ error
    cross = keep * values["cross"] + estimate.T @ error
    # The prior is one more sample: it counts gamma at first and is forgotten like all others.
    forgotten = 1 - keep * (1 - values["forgotten"])
    prior = xp.diag(parameters["gamma"] * (1 - forgotten))
    weights = _linalg(xp).solve(moment + prior, cross.T, assume_a="pos").T
    return {"w": weights, "moment": moment, "cross": cross, "forgotten": forgotten}


def _linalg(xp: Any) -> Any:
    # SciPy's, or JAX's version of it: Cholesky's decomposition takes half the time of a general one.
    return import_module(f"{xp.__name__.replace('numpy', 'scipy')}.linalg")


RULE = OracleRule(
    _step,
    uses=("delta_held_pre", "estimate_post"),
    variables={"moment": ("pre", "pre"), "cross": ("post", "pre"), "forgotten": ("pre",)},
    parameters={"gamma": 0.1, "memory": float("inf")},
    reads=("all samples of the pathway",),
    name="exact_least_squares",
)
