"""Texts of node perturbation through time: what neurons explored times presynaptic rate, times the change of the loss.

The product of a synapse is formed at every step. With ``running`` estimates the loss of each step meets what was added
up until then, with ``episodic`` ones the loss of the whole presentation meets all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from neurosim.rules._rule import Rule

#: What a synapse multiplies: noise and rate; the deviation of the potential and the rate before it; or cubed, that.
Factor = Literal["noise", "deviation", "cubed_deviation"]
Estimate = Literal["running", "episodic"]


@dataclass(frozen=True)
class _Product:
    """The product of a synapse.

    Attributes
    ----------
    text
        With ``{pre}`` for the presynaptic variable.
    acted
        Whether what it is made of has already acted on the loss of the same step.
    """

    text: str
    acted: bool


_PRODUCTS: dict[Factor, _Product] = {
    "noise": _Product("factor_post*{pre}_pre", acted=False),
    "deviation": _Product("deviation_post*{pre}_pre", acted=True),
    "cubed_deviation": _Product("(deviation_post*{pre}_pre)**3", acted=True),
}


def exploring(
    estimate: Estimate, factor: Factor, *, pre: str = "r", scaled: bool = False, name: str = "exploring"
) -> Rule:
    """The rule of weights into a neuron that explores.

    Parameters
    ----------
    estimate, factor
        See `Estimate` and `Factor`.
    pre
        The presynaptic variable that acted with it: that of the same step for ``noise``, that of the step
        before for a potential.
    scaled
        Whether the change of the loss counts times the loss that was expected.
    name
        Of the rule.
    """
    product, acted = _PRODUCTS[factor].text.format(pre=pre), _PRODUCTS[factor].acted
    parameters: dict[str, Any] = {"learning_rate": None}
    if estimate == "episodic":
        surprise = f"{'total_expected_post*' if scaled else ''}total_surprise_post"
        flow = f"dseen/dt = {product}/dt : 1"
        return Rule(f"w -= learning_rate*{surprise}*seen", traces=flow, parameters=parameters, name=name)
    surprise = f"{'expected_post*' if scaled else ''}surprise_post"
    causes = f"(keep*seen + {product})" if acted else "seen"
    text = f"seen += (keep - 1)*seen + {product}\nw -= dt*learning_rate*{surprise}*{causes}"
    parameters["keep"] = 1.0
    return Rule(text, traces="seen : 1", parameters=parameters, timing="integral", name=name)
