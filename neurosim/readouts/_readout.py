"""What a readout is: the error of each output neuron and its share of the loss, as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neurosim.equations.parse import Equation, EquationSet, parse_equations


@dataclass(frozen=True)
class Readout:
    """How an answer and an error are read from the output population.

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
    name
        The file's stem.
    """

    error: str
    loss: str
    pairwise: Mapping[str, str] = field(default_factory=dict)
    name: str = "readout"

    def __hash__(self) -> int:
        return hash((self.error, self.loss, tuple(self.pairwise.items())))

    def equations(self, output: str) -> tuple[Equation, ...]:
        """The lines this readout adds to the output population, whose output variable is `output`."""
        lines = [f"y = {output} : 1", "target : 1", *(f"{name} : 1" for name in self.pairwise)]
        lines += [f"error = {self.error} : 1", f"loss_share = {self.loss} : 1"]
        text: EquationSet = parse_equations("\n".join(lines))
        return text.equations
