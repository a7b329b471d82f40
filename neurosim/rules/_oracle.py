"""Reference rules that are no synapse's: they compute on the arrays of a whole pathway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from neurosim.border import FLAG, check_fields, optional, whole
from neurosim.border.arguments import POSITIVE
from neurosim.equations.parse import Statement
from neurosim.errors import ArgumentError
from neurosim.rules._moments import MOMENTS, Moment, Timing
from neurosim.untyped import Array, ArrayModule

#: The axes of a variable.
Axes = tuple[Literal["post", "pre"], ...]
#: What a rule says that it reads to be told the gradient of the loss.
GRADIENT = "gradient"


def gradient_name(pathway: str) -> str:
    """The name of the gradient with respect to a pathway's weights, among an engine's values."""
    return f"{pathway}|gradient"


@dataclass(frozen=True)
class OracleRule:
    """A reference rule that is no synapse's: it computes on the arrays of a whole pathway.

    Attributes
    ----------
    step
        ``step(xp, values, inputs, parameters) -> values``: the new value of each of `variables`. `values` holds
        ``w`` and the further variables; `inputs` the variables named in `uses`, shape (trial, n); `xp` is the
        array module. Pure, and without a branch on values.
    uses
        The neurons' variables it reads, as ``name_pre`` and ``name_post``.
    variables
        Further variables and their shapes, in terms of ``post`` and ``pre``.
    parameters
        Names and default values.
    reads
        What it needs beyond the synapse, in words for tables. With ``"reciprocal"`` its inputs hold ``w_reciprocal``:
        the weights of the pathway that leads back, transposed, so that they have the shape of ``w``. With
        ``"gradient"`` they hold ``w_gradient``, in the shape of ``w``: that of the mean loss over trials, at the end of
        the phase in which the pathway learns. Such a rule takes any connectivity and computes element by element.
    timing
        At the end of each phase in which the pathway learns, or at the beginning of each ``presentation`` with such a
        phase; then it can read no neuron's variable.
    hops
        Of a rule that reads the gradient, through how many recurrent transmissions; through all if left out.
    surrogate_width
        Likewise, the width of the pseudo-derivative of spikes, in place of that of the setting.
    forward
        Likewise, whether the gradient is carried forward with the state, weight by weight, instead of back in time. It
        is the same, and takes as many runs as there are weights.
    """

    step: Callable[[ArrayModule, Mapping[str, Array], Mapping[str, Array], Mapping[str, Array]], Mapping[str, Array]]
    uses: tuple[str, ...]
    variables: Mapping[str, Axes] = field(default_factory=dict[str, Axes])
    parameters: Mapping[str, float | None] = field(default_factory=dict[str, float | None])
    reads: tuple[str, ...] = ("pathway",)
    name: str = "oracle"
    timing: Timing = "phase_end"
    hops: int | None = None
    surrogate_width: float | None = None
    forward: bool = False

    local: bool = field(default=False, init=False)
    learns: bool = field(default=True, init=False)
    statements: tuple[Statement, ...] = field(default=(), init=False)
    declared: None = field(default=None, init=False)
    trace_variables: tuple[str, ...] = field(default=(), init=False)

    def __hash__(self) -> int:
        tables = (tuple(self.variables.items()), tuple(self.parameters.items()))
        return hash((self.step, self.uses, *tables, self.timing, self.hops, self.surrogate_width, self.forward))

    def __post_init__(self) -> None:
        check_fields(self, hops=optional(whole(0)), surrogate_width=optional(POSITIVE), forward=FLAG)
        if self.hops is not None and not self.reads_gradient:
            raise ArgumentError("hops", self.hops, f"None, as the rule '{self.name}' does not read the gradient")
        if self.forward and (self.hops is not None or not self.reads_gradient):
            raise ArgumentError("forward", self.forward, "False, or a rule that reads the gradient through all hops")

    @property
    def reads_gradient(self) -> bool:
        """Whether it is told the gradient of the loss."""
        return GRADIENT in self.reads

    @property
    def moment(self) -> Moment:
        """When it acts, and what it can see then."""
        return MOMENTS[self.timing]

    @property
    def synaptic_variables(self) -> tuple[str, ...]:
        """``w`` first."""
        return ("w", *self.variables)

    @property
    def changed(self) -> tuple[str, ...]:
        """The variables it changes: all."""
        return self.synaptic_variables

    @property
    def learned(self) -> tuple[str, ...]:
        """The variables that learning changes for good: all."""
        return self.synaptic_variables

    @property
    def names(self) -> frozenset[str]:
        """All names it refers to."""
        return frozenset(self.uses)

    def shape_of(self, variable: str, n_post: int, n_pre: int) -> tuple[int, ...]:
        """The shape of one of its variables."""
        sizes = {"post": n_post, "pre": n_pre}
        return (n_post, n_pre) if variable == "w" else tuple(sizes[side] for side in self.variables[variable])
