"""Stabilised feedback (not local): repaired before a presentation if its loop around the forward weights is unstable.

Podlaski & Machens (2020), NeurIPS: descent on the spectral abscissa of the loop, by its eigenvector formula. At most
``steps`` of it before each presentation, so that a loop that needs more goes on being repaired.
"""

from __future__ import annotations

from collections.abc import Mapping

from neurosim.rules._oracle import OracleRule
from neurosim.untyped import Array, ArrayModule

#: Steps of descent before each presentation.
STEPS = 20


def _step(
    xp: ArrayModule, values: Mapping[str, Array], inputs: Mapping[str, Array], parameters: Mapping[str, Array]
) -> dict[str, Array]:
    forward, feedback = inputs["w_reciprocal"].T, values["w"]

    def moved(b: Array) -> tuple[Array, Array]:
        rate, gradient = _slowest(xp, forward, b, parameters["leak"], parameters["tau_u"], parameters["tau_x"])
        return rate, b - parameters["repair_rate"] * gradient

    if xp.__name__ == "numpy":
        for _ in range(STEPS):
            rate, after = moved(feedback)
            if rate <= 0:
                break
            feedback = after
        return {"w": feedback}
    from jax import lax

    def unstable(reached: tuple[Array, Array]) -> Array:
        b, done = reached
        return (done < STEPS) & (moved(b)[0] > 0)

    return {"w": lax.while_loop(unstable, lambda reached: (moved(reached[0])[1], reached[1] + 1), (feedback, 0))[0]}


def _slowest(xp: ArrayModule, w: Array, b: Array, leak: Array, tau_u: Array, tau_x: Array) -> tuple[Array, Array]:
    """The real part of the slowest mode that feedback moves, and its gradient with respect to the feedback.

    As `neurosim.stability.abscissa.abscissa_gradient`, in an array namespace.
    """
    contracting = w.shape[0] <= w.shape[1]
    mu, vectors = xp.linalg.eig(w @ b if contracting else b @ w)
    mu = mu + 0j
    damping, product = tau_u + leak * tau_x, tau_u * tau_x
    root = xp.sqrt(damping**2 - 4 * product * (leak - mu))
    rates = -2 * (leak - mu) / (damping + root)
    worst = xp.argmax(rates.real)
    right, left = vectors[:, worst], xp.linalg.inv(vectors)[worst]
    slope = 1 / (2 * product * rates[worst] + damping)
    outer = xp.outer(left @ w, right) if contracting else xp.outer(left, w @ right)
    return rates[worst].real, (slope * outer).real


RULE = OracleRule(
    _step,
    uses=(),
    parameters={"leak": None, "tau_u": None, "tau_x": None, "repair_rate": 0.05},
    reads=("reciprocal",),
    name="stabilised",
    timing="presentation",
)
