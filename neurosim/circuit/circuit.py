"""A circuit: populations, pathways, phases and a readout that fit together."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from neurosim.border import FLAG, check_fields, instance, optional
from neurosim.border.arguments import TEXT, several
from neurosim.circuit.description import Pathway, Phase, Population
from neurosim.circuit.wiring import Wiring
from neurosim.errors import CircuitError
from neurosim.folded import as_parts, folded
from neurosim.readouts._readout import Readout


@dataclass(frozen=True)
class Circuit(Wiring):
    """Populations, pathways, the phases of one presentation, and a readout.

    Attributes
    ----------
    name
        What it is called.
    populations, pathways, phases
        Its parts; phases in the order of a presentation.
    readout
        How loss and error are read from `output`; without one there is no loss.
    output
        The variable read as the network's answer (``output.r``), needed with a readout.
    carry
        Whether state carries over from one presentation to the next, instead of starting from its initial
        values: each trial of a batch goes on where the same trial of the batch before ended. Refractoriness
        does not carry over.
    delivered_at
        The phase at whose end feedback has delivered; the first by default. Signals are compared with gradients there.
    loops
        Control loops in it, whose stability can be told from weights and time constants before anything runs.
    over_time
        Whether the loss counts at every step, instead of at the end of a phase. The output population then has a
        stimulus ``mask : Hz``, whose integral over a presentation is one; error and loss are those of a step, times the
        mask; ``total_loss`` is the loss summed over time, and the output's variable ``answer`` the mean of the output.

    Raises
    ------
    CircuitError
        With all faults at once, when parts do not fit together.

    Examples
    --------
    >>> leak = NeuronModel("dv/dt = (drive - v)/tau : 1\\ndrive : 1\\nr = tanh(v) : 1", parameters={"tau": "10 ms"})
    >>> populations = (Population("below", 2, leak), Population("above", 3, leak))
    >>> circuit = Circuit("pair", populations, (Pathway("W", "below.r", "above.drive"),), (Phase("all", "20 ms"),))
    >>> circuit.shape("W"), circuit.local
    ((3, 2), True)
    """

    def __post_init__(self) -> None:
        parts = {"populations": Population, "pathways": Pathway, "phases": Phase}
        check_fields(
            self,
            name=TEXT,
            **{field: several(instance(kind, expected=f"a {kind.__name__}")) for field, kind in parts.items()},
            readout=optional(instance(Readout, expected="a Readout")),
            output=optional(TEXT),
            carry=FLAG,
            over_time=FLAG,
            delivered_at=optional(TEXT),
        )
        # Imported late, here and below: reading a scheme's settings needs no algebra.
        from neurosim.circuit.validation import faults_of

        faults = faults_of(self)
        if faults:
            lines = [f"{key}: {sentence}" if key else sentence for key, sentence in faults]
            listed = "".join(f"\n  - {line}" for line in lines)
            raise CircuitError(f"the circuit '{self.name}' does not fit together:{listed}", faults=faults)

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        return hash((self.name, str(self)))

    @property
    def global_scalar(self) -> bool:
        """Whether anything in it reads a scalar that is broadcast to all: the loss, or its change."""
        from neurosim.circuit.composition import reads_broadcast

        return reads_broadcast(self)

    def __str__(self) -> str:
        from neurosim.circuit.printing import circuit_text

        return circuit_text(self)

    def _repr_html_(self) -> str:
        named = (("populations", self.populations), ("pathways", self.pathways), ("phases", self.phases))
        lists = [folded(f"{len(of)} {kind}", "", as_parts(of)) for kind, of in named if of]
        return folded(repr(self), "", [*lists, folded("as text", str(self))], opened=True)

    def __repr__(self) -> str:
        """Its size: all of it is ``print(circuit)``."""
        neurons = sum(population.size for population in self.populations)
        counts = (
            f"{len(self.populations)} populations ({neurons} neurons), {len(self.pathways)} pathways, "
            f"{len(self.phases)} phases"
        )
        readout = f", readout {self.readout.name}" if self.readout is not None else ""
        return f"<Circuit {self.name}: {counts}{readout}>"
