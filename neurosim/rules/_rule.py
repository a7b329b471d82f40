"""What a learning rule is: the increment of a synapse's variables, as text."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from neurosim.equations.grammar import Place, check_identifier
from neurosim.equations.parse import EquationSet, Statement, parse_equations, parse_statements
from neurosim.errors import EquationError

Timing = Literal["phase_end", "step"]


@dataclass(frozen=True)
class Rule:
    """The learning equation of a pathway.

    A rule sees what a synapse sees: variables of the presynaptic neuron (``*_pre``), of the postsynaptic one
    (``*_post``), its own, and scalars that are broadcast to all (``loss``, phase switches).

    Attributes
    ----------
    update
        Statements such as ``w += learning_rate*delta_post*r_pre``; only ``+=`` and ``-=``, so that the
        increments of several trials can be averaged.
    variables
        Further variables of the synapse, one declaration a line (``trace : 1``).
    parameters
        Names and default values of the rule's parameters; no default is given as ``None``.
    timing
        At the end of each phase in which the pathway learns, or at every step of such a phase.
    reads
        What the rule needs beyond the synapse (``"reciprocal"``: the weight of the synapse in the opposite
        direction, as ``w_reciprocal``). A rule that reads anything is not local.
    name
        The file's stem.
    """

    update: str = ""
    variables: str = ""
    parameters: Mapping[str, float | None] = field(default_factory=dict)
    timing: Timing = "phase_end"
    reads: tuple[str, ...] = ()
    name: str = "rule"

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        for name in (*self.parameters, *self.synaptic_variables):
            check_identifier(name, Place())
        for statement in self.statements:
            if statement.target not in self.synaptic_variables:
                raise statement.place.error(
                    f"a rule changes its synapse's own variables ({', '.join(self.synaptic_variables)}), "
                    f"not '{statement.target}'"
                )
            if statement.operator not in ("+=", "-="):
                raise statement.place.error(f"expected += or -= in a rule, got '{statement.operator}'")
        if unknown := set(self.reads) - {"reciprocal"}:
            raise EquationError(f"a rule can read 'reciprocal' beyond the synapse, not {sorted(unknown)}")

    def __hash__(self) -> int:
        return hash((self.update, self.variables, self.timing, self.reads, tuple(self.parameters.items())))

    @functools.cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The parsed update."""
        return parse_statements(self.update)

    @functools.cached_property
    def declared(self) -> EquationSet | None:
        """The parsed declarations of `variables`, none if there are none."""
        return parse_equations(self.variables) if self.variables.strip() else None

    @functools.cached_property
    def synaptic_variables(self) -> tuple[str, ...]:
        """The synapse's own variables: the weight ``w`` first."""
        return ("w", *(equation.name for equation in (self.declared.equations if self.declared else ())))

    @property
    def increments(self) -> dict[str, str]:
        """The increment of each variable that changes, as one expression."""
        found: dict[str, str] = {}
        for statement in self.statements:
            sign = "+" if statement.operator == "+=" else "-"
            before = found.get(statement.target)
            found[statement.target] = f"{before} {sign} ({statement.expression})" if before else (
                statement.expression if sign == "+" else f"-({statement.expression})"
            )
        return found

    @property
    def learns(self) -> bool:
        """Whether it changes anything at all."""
        return bool(self.statements)

    @property
    def local(self) -> bool:
        """Whether every synapse can compute it from what it sees."""
        return not self.reads
