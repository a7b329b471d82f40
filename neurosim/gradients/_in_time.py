"""What is differentiated through time: which variables, which pathways are cut, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose, reported_loss
from neurosim.circuit.roles import drives
from neurosim.circuit.ruleless import without_rules
from neurosim.circuit.transmissions import recurrent_pathways, uncountable
from neurosim.engines.batched.differentiable import Differentiable
from neurosim.engines.setting import Setting
from neurosim.errors import CircuitError
from neurosim.gradients._arguments import check_presented, phase_of
from neurosim.gradients.true_gradient import with_surrogate


@dataclass(frozen=True)
class InTime:
    """What is differentiated. Hashable, so that compiled programs take it as a static argument.

    Attributes
    ----------
    through
        The presentation, which reports the loss.
    received
        The variables whose credit is asked for.
    added
        State variables of which the derivative with respect to a kick is asked for.
    cut
        Pathways through which a derivative goes as often as it is told to; none if each goes as often as it likes.
    weights
        Synaptic variables.
    """

    through: Differentiable
    received: tuple[str, ...]
    added: tuple[str, ...]
    cut: tuple[str, ...] | None
    weights: tuple[str, ...]

    @property
    def phase(self) -> str:
        """The phase at whose end the loss is read."""
        return (self.through.phases or ("",))[-1]


def in_time(
    circuit: Circuit,
    setting: Setting,
    state: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    *,
    phase: str | None = None,
    added: Sequence[str] = (),
    recurrent: Sequence[str] | None = None,
    uncut: bool = False,
) -> InTime:
    """What `neurosim.gradients.credit_in_time` differentiates, checked.

    Raises
    ------
    CircuitError
        The circuit is not over time, or has no steps whose number is known, or names are unknown.
    """
    check_over_time(circuit, setting)
    chosen = phase_of(circuit, phase)
    check_presented(circuit, setting, state, stimuli, chosen.name)
    quiet = without_rules(circuit)
    through = Differentiable.until(quiet, with_surrogate(quiet, setting), chosen.name, reported_loss(quiet))
    through = replace(through, lean=True)
    for each in circuit.phases:
        if through.phases and each.name in through.phases and each.until is not None:
            raise CircuitError(
                f"phase '{each.name}' ends once '{each.until[0]}' is below {each.until[1]:g}, so that its number of "
                "steps is not known; leave out the threshold"
            )
    for name in added:
        population, _, variable = name.rpartition(".")
        known = {p: compose(circuit)[p].state_variables for p in circuit.population}
        if variable not in known.get(population, ()):
            every = ", ".join(f"{p}.{v}" for p, names in known.items() for v in names)
            raise CircuitError(f"kicked: got '{name}', expected state variables, of {every}")
    cut = None
    if not uncut:
        cut = recurrent_pathways(circuit) if recurrent is None else tuple(recurrent)
        _check_cut(circuit, cut)
    return InTime(
        through,
        received=read_variables(circuit),
        added=tuple(dict.fromkeys(added)),
        cut=cut,
        weights=tuple(f"{p.name}.w" for p in circuit.owners if circuit.connectivity(p.name).weighted),
    )


def check_over_time(circuit: Circuit, setting: Setting) -> None:
    """Refuse a circuit whose loss is not that of every step, and a level without steps.

    Raises
    ------
    CircuitError
        With what to do instead.
    """
    if setting.steady:
        raise CircuitError("credit in time at the level 'steady', which has no steps; use the level 'rate'")
    if not circuit.over_time:
        raise CircuitError(
            f"the loss of the circuit '{circuit.name}' counts at the end of a phase, where no step follows; expected a "
            "circuit with over_time=True, or use neurosim.gradients.true_gradient"
        )


def read_variables(circuit: Circuit) -> tuple[str, ...]:
    """The variables that pathways read of populations which are driven and are not the output, ``hidden1.r``."""
    driven = {p.post for p in circuit.pathways if drives(circuit, p)} - {circuit.output_population}
    return tuple(dict.fromkeys(p.source for p in circuit.pathways if p.pre in driven and drives(circuit, p)))


def _check_cut(circuit: Circuit, cut: Iterable[str]) -> None:
    """Refuse pathways that cannot be cut, and loops that are left."""
    cut = set(cut)
    if unknown := sorted(cut - circuit.pathway.keys()):
        raise CircuitError(f"recurrent: got {', '.join(unknown)}; expected some of {', '.join(circuit.pathway)}")
    for fault in uncountable(circuit, cut):
        raise CircuitError(f"recurrent: {fault}, or say in `recurrent` which pathways count")
