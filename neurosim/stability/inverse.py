"""The fixed point of dynamic inversion: the inverse that a loop computes, as a matrix. NumPy, or JAX if given.

Loops and signs as in `inversion`. Podlaski & Machens (2020), NeurIPS; with B = -W^T it is the pseudo-inverse, damped
by the leak. `xp` is the namespace of the arrays, ``numpy`` or ``jax.numpy``; nothing here branches on values but that
of a leak, which is a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from neurosim.errors import ConfigError
from neurosim.stability._arguments import checked_loop
from neurosim.untyped import Array, ArrayModule

#: ``right``: solve in the layer above; ``left``: in the layer below; ``auto``: in the smaller one.
Form = Literal["auto", "right", "left"]


@checked_loop()
def inverse(
    w: Array, b: Array, leak: float, form: Form = "auto", *, least_squares: bool = False, xp: ArrayModule = np
) -> Array:
    """The matrix K of the fixed point ``x = K target``.

    ``right``: ``B (W B - leak)^-1``, exact without leak if W B has an inverse: W K = 1.
    ``left``: ``(B W - leak)^-1 B``, with K W = 1. With a leak both are the same matrix.

    Parameters
    ----------
    w, b
        Forward weights, (n_post, n_pre), and feedback weights, (n_pre, n_post).
    leak
        Leak of the controller; a number.
    form
        ``auto`` is ``right`` for n_post <= n_pre, otherwise ``left``, which without leak is no fixed point of the
        dynamics but their limit for a vanishing leak.
    least_squares
        Solve by singular values, so that what has no inverse gives the smallest least-squares solution, as the
        authors do. By default it gives numbers that are not finite, or an error of the namespace.

    Returns
    -------
    array
        (n_pre, n_post).

    Raises
    ------
    ConfigError
        Shapes that do not fit, or a form that without leak has no solution for these shapes.
    """
    above, below = w.shape
    if b.shape != (below, above):
        raise ConfigError(
            f"feedback weights: got shape {tuple(b.shape)} beside forward weights of shape {tuple(w.shape)}, "
            "expected those reversed"
        )
    if form not in ("auto", "right", "left"):
        raise ConfigError(f"form: got {form!r}, expected 'auto', 'right' or 'left'")
    side = ("right" if above <= below else "left") if form == "auto" else form
    if leak == 0 and not least_squares and ((side == "right") == (above > below)) and above != below:
        other = "left" if side == "right" else "right"
        raise ConfigError(
            f"form: got {side!r} without leak for {above} units above {below}, where that matrix is singular; "
            f"expected {other!r} or 'auto', a leak above 0, or least_squares"
        )
    if side == "right":
        loop = _minus_leak(w @ b, leak, xp)
        return b @ (xp.linalg.pinv(loop) if least_squares else xp.linalg.inv(loop))
    loop = _minus_leak(b @ w, leak, xp)
    # JAX solves many right sides slowly; the small matrix alone is inverted in a fiftieth of the time.
    return (xp.linalg.pinv(loop) if least_squares else xp.linalg.inv(loop)) @ b


@checked_loop()
def pseudo_inverse(w: Array, leak: float = 0.0, *, xp: ArrayModule = np) -> Array:
    """The Moore-Penrose inverse of W, (n_pre, n_post), or with a leak ``W^T (W W^T + leak)^-1``.

    Which is what `inverse` gives for B = -W^T. Without leak it is the rule "pseudobackprop" of Lillicrap, Cownden,
    Tweed & Akerman (2014), arXiv:1411.0247.

    Parameters
    ----------
    w
        Forward weights, (n_post, n_pre).
    leak
        A number.
    """
    if leak:
        return inverse(w, -w.T, leak, xp=xp)
    above, below = w.shape
    if 5 * min(above, below) > 4 * max(above, below):
        return xp.linalg.pinv(w)
    # Else the Gram matrix of random weights is well conditioned, and smaller to decompose. JAX's singular values, too,
    # were seen to fail in single precision where nothing is singular (784 x 500, all between 0.97 and 1.03).
    gram = xp.linalg.pinv(w @ w.T if above < below else w.T @ w, hermitian=True)
    return w.T @ gram if above < below else gram @ w.T


@checked_loop()
def single_loop_fixed_point(ws: Sequence[Array], b: Array, leak: float, *, xp: ArrayModule = np) -> tuple[Array, ...]:
    """The matrices that give each layer's error from the target when one controller at the output reaches layer 1.

    The error of layer 1 is ``B (W_L ... W_2 B - leak)^-1 target``; the layers above are driven through the forward
    weights, so that theirs is the error below times these.

    Parameters
    ----------
    ws
        Forward weights W_2 to W_L of linear layers, (n_l, n_(l-1)) each.
    b
        Feedback from the output to layer 1, (n_1, n_L).
    leak
        Leak of the controller; a number.

    Returns
    -------
    tuple
        For the layers 1 to L - 1: (n_l, n_L).

    Raises
    ------
    ConfigError
        Shapes that do not fit.
    """
    product = chained(ws, xp=xp)
    if b.shape != (product.shape[1], product.shape[0]):
        raise ConfigError(
            f"feedback weights: got shape {tuple(b.shape)}, expected {(product.shape[1], product.shape[0])}, "
            "from the output to the first hidden layer"
        )
    loop = _minus_leak(product @ b, leak, xp)
    matrices = [xp.linalg.solve(loop.T, b.T).T]
    for w in ws[:-1]:
        matrices.append(w @ matrices[-1])
    return tuple(matrices)


@checked_loop()
def chained(ws: Sequence[Array], *, xp: ArrayModule = np) -> Array:
    """The product W_L ... W_2 of W_2 to W_L; ConfigError if they do not fit."""
    if not ws:
        raise ConfigError("forward weights: got none, expected those from the first hidden layer to the output")
    product = xp.asarray(ws[0])
    for place, w in enumerate(ws[1:], start=3):
        if w.shape[1] != product.shape[0]:
            raise ConfigError(f"forward weights W_{place}: got shape {tuple(w.shape)} above {product.shape[0]} units")
        product = w @ product
    return product


def _minus_leak(square: Array, leak: float, xp: ArrayModule) -> Array:
    return square - leak * xp.eye(square.shape[0], dtype=square.dtype)
