"""Readouts: the error of each output neuron and its share of the loss, as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from neurosim.border import check_fields, one_of
from neurosim.border.arguments import MAPPING, TEXT
from neurosim.equations.parse import Equation, EquationSet, parse_equations
from neurosim.folded import fields_folded


@dataclass(frozen=True)
class Readout:
    """How loss and error follow from the output population.

    The texts are written in ``y``, the output of a neuron, and ``target``, its target.

    Attributes
    ----------
    error
        Derivative of the trial's loss with respect to ``y``, per output neuron.
    loss
        The neuron's share of the trial's loss; the loss is the sum over output neurons.
    pairwise
        Sums over all output neurons that `error` and `loss` need: a name, and a text in ``y_pre`` (the neuron
        summed over) and ``y_post`` (the neuron that receives the sum).
    change
        The neuron's share of the change of the loss since an earlier phase, in the variables of `held` as that
        phase left them (``y_held``). It must not subtract two losses, because their difference would lose the
        digits they share. Left out, it is that difference.
    held
        What `change` needs of the earlier phase: a name, without ``_held``, and its text.
    change_pairwise
        Sums over all output neurons that `change` needs, as `pairwise`.
    targets
        What the loss is made for: any ``"numbers"``, ``"probabilities"`` from 0 to 1, or ``"shares"`` of classes, which
        add up to one. Data with other targets are refused.
    name
        The file's stem.

    Examples
    --------
    >>> absolute = Readout(error="sign(y - target)", loss="abs(y - target)", name="absolute_error")
    >>> [equation.name for equation in absolute.equations("r")]
    ['y', 'target', 'error', 'loss_share']
    """

    error: str
    loss: str
    pairwise: Mapping[str, str] = field(default_factory=dict)
    change: str = "loss_share - loss_share_held"
    held: Mapping[str, str] = field(default_factory=lambda: {"loss_share": "loss_share"})
    change_pairwise: Mapping[str, str] = field(default_factory=dict)
    targets: Literal["numbers", "probabilities", "shares"] = "numbers"
    name: str = "readout"

    def _repr_html_(self) -> str:
        return fields_folded(self, f"readout {self.name}")

    def __post_init__(self) -> None:
        texts, mappings = ("error", "loss", "change", "name"), ("pairwise", "held", "change_pairwise")
        check_fields(
            self,
            **dict.fromkeys(texts, TEXT),
            **dict.fromkeys(mappings, MAPPING),
            targets=one_of("numbers", "probabilities", "shares"),
        )

    def __hash__(self) -> int:
        texts = (self.pairwise, self.held, self.change_pairwise)
        return hash((self.error, self.loss, self.change, *(tuple(text.items()) for text in texts)))

    def equations(self, output: str, *, change: bool = False, over_time: bool = False) -> tuple[Equation, ...]:
        """The lines this readout adds to the output population, whose output variable is `output`.

        Those for the change of the loss are among them if `change` is asked for. Over time, error and loss are those of
        an instant, times ``mask``; ``spent`` is the neuron's share of the loss so far and ``answer`` the mean output.
        """
        lines = [f"y = {output} : 1", "target : 1", *(f"{name} : 1" for name in self.pairwise)]
        if over_time:
            lines += ["mask : Hz", f"error = mask*({self.error}) : Hz", f"loss_share = mask*({self.loss}) : Hz"]
            lines += ["dspent/dt = loss_share : 1", "danswer/dt = mask*y : 1"]
        else:
            lines += [f"error = {self.error} : 1", f"loss_share = {self.loss} : 1"]
        if change:
            lines += [f"{name} : 1" for name in (*self.held_names, *self.change_pairwise)]
            lines.append(f"loss_change_share = {self.change} : 1")
        text: EquationSet = parse_equations("\n".join(lines))
        return text.equations

    @property
    def held_names(self) -> tuple[str, ...]:
        """The variables of the output neurons that hold the reference of `change`."""
        return tuple(f"{name}_held" for name in self.held)
