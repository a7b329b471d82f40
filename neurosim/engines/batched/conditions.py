"""State updates that depend on a condition: computed for true and for false, of which each neuron takes one.

What depends on parameters, the time step and the condition alone is computed once before the loop over time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from neurosim.circuit.plan import Plan
from neurosim.engines.batched.snapshot import TIMES, Arrays, Snapshot
from neurosim.equations.array_code import ArrayFunction
from neurosim.equations.hoisted import depends_on, halves

#: The condition: whether a neuron is past its refractory period.
_CONDITION = "not_refractory"


@dataclass(frozen=True)
class _Branch:
    """What is left of an update where the condition is known, and the values that it finds ready."""

    function: ArrayFunction
    ready: Mapping[str, Any]


@dataclass(frozen=True)
class Update:
    """A population's state update.

    Attributes
    ----------
    yes, no
        Where the condition holds, and where it does not.
    conditional
        The variables that it makes a difference to.
    """

    yes: _Branch
    no: _Branch
    conditional: frozenset[str]

    def of(self, population: str, start: Snapshot, draws: Arrays, *, clamped: frozenset[str]) -> Arrays:
        """The new values of state variables.

        Parameters
        ----------
        start
            The beginning of the step.
        draws
            Random numbers that the update reads.
        clamped
            Variables that stand still where the condition does not hold; the caller sees to that.
        """
        yes = _results(self.yes, population, start, draws)
        chosen = self.conditional - clamped
        if not chosen:
            return yes
        no, ready = _results(self.no, population, start, draws), start.values[f"{population}.{_CONDITION}"]
        return yes | {name: jnp.where(ready, yes[name], no[name]) for name in chosen}


def _results(branch: _Branch, population: str, start: Snapshot, draws: Arrays) -> Arrays:
    function = branch.function
    given = {name: value for name, value in {**draws, **branch.ready}.items() if name in function.arguments}
    results = start.local(population, function, **given)
    return dict(zip(function.returns, results if len(function.returns) > 1 else (results,), strict=True))


def updates(plan: Plan, populations: tuple[str, ...], still: Snapshot) -> dict[str, Update]:
    """The updates that depend on the condition, by population.

    Parameters
    ----------
    populations
        Those that spike.
    still
        All that does not change in the loop, and nothing else.
    """
    prepared: dict[str, Update] = {}
    for population in populations:
        function = plan.models[population].functions.get("advance")
        # What reads the time is computed as a whole, in double precision.
        if function is None or _CONDITION not in function.arguments or TIMES & set(function.arguments):
            continue
        read = set(function.arguments) - {draw for draw, _ in function.draws}
        known = frozenset(name for name in read if plan.resolve(population, name) in still.values)
        yes, no = (_branch(function, known, population, still, truth=truth) for truth in (True, False))
        prepared[population] = Update(yes, no, depends_on(function, _CONDITION))
    return prepared


def _branch(
    function: ArrayFunction, known: frozenset[str], population: str, still: Snapshot, *, truth: bool
) -> _Branch:
    cut = halves(function, known - {_CONDITION}, ((_CONDITION, truth),))
    if cut.before is None:
        return _Branch(cut.rest, {})
    results = still.local(population, cut.before)
    returns = cut.before.returns
    return _Branch(cut.rest, dict(zip(returns, results if len(returns) > 1 else (results,), strict=True)))
