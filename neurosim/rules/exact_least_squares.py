"""Exact least squares (not local): feedback weights that best predict the noise-based estimate so far.

Lansdell, Prakash & Kording (2020), ICLR: the closed-form solution accumulated over all samples, with ``gamma`` times
the identity added to the second moment of the sender's error. ``memory`` forgets: the number of presentations after
which a sample counts 1/e; infinite as published.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from neurosim.rules._oracle import OracleRule
from neurosim.untyped import Array, ArrayModule


def _step(
    xp: ArrayModule, values: Mapping[str, Array], inputs: Mapping[str, Array], parameters: Mapping[str, Array]
) -> dict[str, Array]:
    error, estimate = inputs["delta_held_pre"], inputs["estimate_post"]
    lost = -xp.expm1(-error.shape[0] / parameters["memory"])
    moment, moment_rest = _added(values["moment"], error.T @ error, lost, values["moment_rest"])
    cross, cross_rest = _added(values["cross"], estimate.T @ error, lost, values["cross_rest"])
    size = moment.shape[0]
    # Cholesky's decomposition takes half the time of a general one; SciPy has it, and JAX its version of SciPy.
    linalg = import_module(f"{xp.__name__.replace('numpy', 'scipy')}.linalg")
    weights = linalg.solve(moment + parameters["gamma"] * xp.eye(size, dtype=moment.dtype), cross.T, assume_a="pos").T
    return {"w": weights, "moment": moment, "cross": cross, "moment_rest": moment_rest, "cross_rest": cross_rest}


def _added(total: Array, new: Array, lost: Array, rest: Array) -> tuple[Array, Array]:
    # Millions of samples add up to numbers beside which the next one is rounded away in single precision, and with
    # it the directions in which errors are rare. What rounding loses is added with the next sample (Kahan 1965).
    step = new - lost * total + rest
    after = total + step
    return after, step - (after - total)


RULE = OracleRule(
    _step,
    uses=("delta_held_pre", "estimate_post"),
    variables={
        "moment": ("pre", "pre"),
        "cross": ("post", "pre"),
        "moment_rest": ("pre", "pre"),
        "cross_rest": ("post", "pre"),
    },
    parameters={"gamma": 0.1, "memory": float("inf")},
    reads=("all samples of the pathway",),
    name="exact_least_squares",
)
