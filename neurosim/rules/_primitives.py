"""The primitives of layerwise alignment between forward weights ``W`` and feedback weights ``B``, as rule text.

Each primitive is minus the gradient, with respect to B, of a regulariser of one layer's activity ``x``, that of the
layer above ``y``, W and B (Kunin, Nayebi, Sagastuy-Brena, Ganguli, Bloom & Yamins 2020, ICML), in half-normalised form:

========== ============================== ==================== =========================================
primitive  regulariser                    gradient step of B   what the synapse needs
========== ============================== ==================== =========================================
``amp``    ``-<x^T B y>``                 ``+<x y^T>``         both activities
``null``   ``<|B y|^2>/2``                ``-B <y y^T>``       what B itself delivers, ``u = B y``
``decay``  ``|B|^2/2``                    ``-B``               its own weight
``sparse`` ``<|x^T B|^2>/2``              ``-<x x^T> B``       ``p = B^T x`` at the sender: B used in reverse
``self``   ``-tr(B W)``                   ``+W^T``             the weight of the reciprocal synapse
========== ============================== ==================== =========================================

A feedback synapse leads from the layer above (``pre``) to the layer below (``post``). The layers hold what a rule
reads as ``mirror_x``, ``mirror_y``, ``mirror_u`` and ``mirror_p``. A coefficient is called after its primitive,
``c_amp``: ``amp`` alone is a unit.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from neurosim.rules._oracle import OracleRule
from neurosim.rules._rule import Rule
from neurosim.untyped import Array, ArrayModule


@dataclass(frozen=True)
class Primitive:
    """One statement, and what it reads beyond the synapse."""

    update: str
    reads: tuple[str, ...] = ()


#: Steps of feedback weights.
FEEDBACK: Mapping[str, Primitive] = {
    "amp": Primitive("w += learning_rate*c_amp*mirror_x_post*mirror_y_pre"),
    "null": Primitive("w -= learning_rate*c_null*mirror_u_post*mirror_y_pre"),
    "decay": Primitive("w -= learning_rate*c_decay*w"),
    "sparse": Primitive("w -= learning_rate*c_sparse*mirror_x_post*mirror_p_pre"),
    "self": Primitive("w += learning_rate*c_self*w_reciprocal", ("reciprocal",)),
}

#: The same regularisers' steps of the forward weights, for a linear response ``y = W x``; those that read no activity
#: are the same. ``mirror_p`` is ``B^T x`` and ``mirror_q`` is ``B^T B y``, both at the layer above; the step of
#: ``sparse`` is of ``|y|^2/2``, as in the authors' code.
FORWARD: Mapping[str, Primitive] = {
    **FEEDBACK,
    "amp": Primitive("w += learning_rate*c_amp*mirror_p_post*mirror_x_pre"),
    "null": Primitive("w -= learning_rate*c_null*mirror_q_post*mirror_x_pre"),
    "sparse": Primitive("w -= learning_rate*c_sparse*mirror_y_post*mirror_x_pre"),
}


def coefficient(primitive: str) -> str:
    """The name of a primitive's coefficient in rules and in the state."""
    return f"c_{primitive}"


def combined(name: str, *primitives: str, base: Rule | None = None, of: Mapping[str, Primitive] = FEEDBACK) -> Rule:
    """The sum of primitives as one rule, with a coefficient for each and a learning rate for all.

    Parameters
    ----------
    name
        The rule's name.
    primitives
        Which ones; their coefficients have no default.
    base
        A rule to add them to, with the same learning rate.
    of
        `FEEDBACK` or `FORWARD`.

    Raises
    ------
    KeyError
        For a primitive that does not exist.
    """
    chosen = [of[primitive] for primitive in primitives]
    before = Rule(parameters={"learning_rate": None}) if base is None else base
    lines = [*before.update.strip().splitlines(), *(primitive.update for primitive in chosen)]
    return Rule(
        "\n".join(line.strip() for line in lines),
        variables=before.variables,
        parameters={**before.parameters, **{coefficient(primitive): None for primitive in primitives}},
        reads=tuple(dict.fromkeys((*before.reads, *(read for primitive in chosen for read in primitive.reads)))),
        name=name,
    )


def running_mean(role: str) -> Rule:
    """A mean as the weight of a unit that is always on: it follows what of an activity (``x``, ``y``) is left over."""
    return Rule(f"w += learning_rate*mirror_{role}_post", parameters={"learning_rate": None}, name="running_mean")


@functools.cache
def batch_centred(*primitives: str) -> OracleRule:
    """The sum of primitives of activities less their means over the batch, which no synapse sees.

    Raises
    ------
    KeyError
        For a primitive that reads no activity but the reciprocal weight.
    """
    #: Both factors of each product, and its sign.
    products = {"amp": (1.0, "x", "y"), "null": (-1.0, "u", "y"), "sparse": (-1.0, "x", "p")}
    chosen = {primitive: products[primitive] for primitive in primitives if primitive != "decay"}

    def step(
        xp: ArrayModule, values: Mapping[str, Array], inputs: Mapping[str, Array], parameters: Mapping[str, Array]
    ) -> dict[str, Array]:
        change = -parameters[coefficient("decay")] * values["w"] if "decay" in primitives else 0.0 * values["w"]
        for primitive, (sign, post, pre) in chosen.items():
            left, right = inputs[f"mirror_{post}_post"], inputs[f"mirror_{pre}_pre"]
            product = (left - left.mean(0)).T @ (right - right.mean(0)) / left.shape[0]
            change = change + sign * parameters[coefficient(primitive)] * product
        return {"w": values["w"] + parameters["learning_rate"] * change}

    uses = [name for _, post, pre in chosen.values() for name in (f"mirror_{post}_post", f"mirror_{pre}_pre")]
    return OracleRule(
        step,
        uses=tuple(dict.fromkeys(uses)),
        parameters={"learning_rate": None, **{coefficient(primitive): None for primitive in primitives}},
        reads=("the mean over the batch",),
        name="batch_centred",
    )
