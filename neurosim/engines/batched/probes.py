"""Arrays that are added within the loop over time, to differentiate with respect to them; pathways cut by them.

Where a step adds them: to variables, before or once they are computed; to what pathways receive of a variable, whatever
else reads it; to what one pathway receives, through which no other derivative goes then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from neurosim.circuit.spike_texts import delivered_names
from neurosim.circuit.wiring import Wiring
from neurosim.engines.batched.pytrees import pytree

if TYPE_CHECKING:
    from neurosim.engines.batched.batch import Outcome
    from neurosim.engines.batched.snapshot import Snapshot
    from neurosim.engines.batched.stretch import Stretch


@pytree
@dataclass(frozen=True)
class Probes:
    """Arrays of each step, ``(step, trial, n)``; those of one step, ``(trial, n)``, within the loop.

    Attributes
    ----------
    added
        By ``population.variable``. To what is computed at an instant it is added once that is computed, to a state
        variable or a stimulus at the beginning of the step.
    received
        By ``population.variable`` or ``population.spikes``: added to what all pathways receive of it. The population's
        own equations, reset and refractoriness do not see it.
    cut
        By pathway, of the size of its source. It delivers what it would, of its source's activity plus this array, and
        derivatives stop at the activity.
    """

    added: Mapping[str, Any] = field(default_factory=dict)
    received: Mapping[str, Any] = field(default_factory=dict)
    cut: Mapping[str, Any] = field(default_factory=dict)

    def window(self, first: int, steps: int) -> Probes:
        """So many steps from one on."""
        return jax.tree.map(lambda course: course[first : first + steps], self)

    @property
    def between(self) -> Probes:
        """At an instant that belongs to no step: nothing is added, and pathways are cut as before."""
        return Probes(cut=dict.fromkeys(self.cut, 0.0))

    def sent(self, variable: str, value: Any) -> Any:
        """The value of a variable, or of ``population.spikes``, as all pathways receive it."""
        return value + self.received[variable] if variable in self.received else value

    def read_by(self, pathway: str, variable: str, value: Any) -> Any:
        """The same as one pathway receives it."""
        value = self.sent(variable, value)
        return jax.lax.stop_gradient(value) + self.cut[pathway] if pathway in self.cut else value

    def touches(self, circuit: Wiring, pathway: str) -> bool:
        """Whether a pathway reads something else than its source's activity."""
        names = delivered_names(circuit, pathway).values()
        read = {circuit.pathway[pathway].source, *(name for kind, name in names if kind == "pre")}
        return pathway in self.cut or not read.isdisjoint(self.received)

    def moves(self, circuit: Wiring) -> set[str]:
        """The names of variables that these arrays make differ from step to step."""
        touched = (each for each in circuit.pathways if self.touches(circuit, each.name)) if self.any else ()
        return {*self.added, *(each.target for each in touched)}

    @property
    def any(self) -> bool:
        """Whether there are some."""
        return bool(self.added or self.received or self.cut)

    def leaves_moved(self, computed: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of state variables and stimuli with what is added to them; not of those that are computed."""
        return {name: values[name] + added for name, added in self.added.items() if name not in computed}


def zeros(circuit: Wiring, pathways: Iterable[str], steps: int, trials: int, dtype: Any) -> dict[str, Any]:
    """Zeros that pathways receive, ``(step, trial, n_pre)``."""
    sizes = {name: circuit.population[circuit.pathway[name].pre].size for name in pathways}
    return {name: jnp.zeros((steps, trials, size), dtype) for name, size in sizes.items()}


#: Nothing is added, and no pathway is cut.
NO_PROBES = Probes()


def sent_name(pathway: str) -> str:
    """The name under which what a cut pathway's source sends is recorded."""
    return f"{pathway}|sent"


def sent(stretch: Stretch, probes: Probes, begun: Snapshot, spiked: Mapping[str, Any]) -> dict[str, Any]:
    """The activity that the source of each cut pathway sends in a step, ``(trial, n_pre)``.

    Parameters
    ----------
    probes
        Of the step.
    begun
        All variables at the step's beginning.
    spiked
        Who spikes in it.
    """
    circuit, activity = stretch.plan.circuit, {}
    for name in probes.cut:
        pathway = circuit.pathway[name]
        # Spikes that nothing depends on are not computed.
        value = spiked.get(pathway.source, 0.0) if pathway.at_spikes else begun[pathway.source]
        value = probes.sent(pathway.source, value)
        shape = (stretch.trials, circuit.population[pathway.pre].size)
        activity[sent_name(name)] = jnp.broadcast_to(value, shape).astype(stretch.dtype)
    return activity


def sent_by(outcome: Outcome) -> dict[str, Any]:
    """The activity that the source of each cut pathway sends at each step, pathway -> ``(step, trial, n_pre)``."""
    ends = sent_name("")
    return {n.removesuffix(ends): array for n, array in outcome.recordings.items() if n.endswith(ends)}
