"""The contract of an engine: it runs and trains a circuit, and says beforehand what it refuses.

Each engine is one file in `neurosim.engines.variants` with a class ``Config`` of its settings, a function
``build(config, circuit, optimiser) -> Engine``, and a function ``limits() -> tuple[Limit, ...]`` for the pages of the
documentation. The file imports what is heavy within these functions, so that checking a model stays quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from neurosim.engines.optimiser import PLAIN, Optimiser
from neurosim.engines.setting import Level, Precision, Setting
from neurosim.errors import EngineError, NeurosimError
from neurosim.units import parse_quantity
from neurosim.untyped import Array

if TYPE_CHECKING:
    from typing import Self

    import numpy as np

    from neurosim.circuit.circuit import Circuit
    from neurosim.circuit.description import Phase
    from neurosim.circuit.moments import Learn
    from neurosim.engines.outputs import Outputs
    from neurosim.engines.slots import Continuation
    from neurosim.engines.state import State
    from neurosim.engines.stimuli import Stimulus

#: The engine of a model that names none.
DEFAULT = "batched"
#: The kind of part that a limit concerns.
Part = Literal["setting", "optimiser", "circuit", "population", "phase", "pathway", "call"]
#: The words that complete the message of a limit: names and numbers, of any type that can be printed.
Names = Mapping[str, Any]


class EngineConfig(BaseModel):
    """Settings that all engines have; an engine's own class inherits from this one.

    Attributes
    ----------
    kind
        Name of the engine.
    level
        ``steady`` (every unit at its fixed point), ``rate`` or ``spiking``.
    dt
        Time step.
    dtype
        Precision.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The levels that the engine runs.
    levels: ClassVar[tuple[Level, ...]] = ("steady", "rate", "spiking")
    #: Whether it has optimisers other than plain steps.
    optimises: ClassVar[bool] = False

    kind: str
    level: Level = "rate"
    dt: str = "1 ms"
    dtype: Precision = "float32"

    @property
    def setting(self) -> Setting:
        """Level, time step and precision in the form that an engine takes."""
        return Setting(self.level, parse_quantity(self.dt, "second"), self.dtype)


@dataclass(frozen=True)
class Call:
    """The properties of a call on which limits depend.

    Attributes
    ----------
    phases
        Names of the phases that are run; all if ``None``.
    learn
        Whether rules act, or the pathways whose rules act.
    trials, batch
        How many trials are presented, and after how many of them the weights change.
    record, courses
        What is recorded within the run, and stimuli that change in time.
    pieces
        Whether the call starts where another one ended, or says where it ends.
    optimiser
        How increments of weights become steps.
    own_weights
        Whether each trial has weights of its own.
    sampled
        What is recorded in another way than each neuron at every step: weights, sums, or some steps only.
    """

    phases: Sequence[str] | None = None
    learn: Learn = True
    trials: int = 1
    batch: int = 1
    record: Sequence[str] = ()
    courses: Sequence[str] = ()
    pieces: bool = False
    optimiser: Optimiser = PLAIN
    own_weights: bool = False
    sampled: Sequence[str] = ()

    def phases_of(self, circuit: Circuit) -> list[Phase]:
        """The phases that are run."""
        return [phase for phase in circuit.phases if self.phases is None or phase.name in self.phases]


#: One trial, with all rules.
ANY_CALL = Call()


@dataclass(frozen=True)
class Limit:
    """Something that an engine refuses.

    Attributes
    ----------
    part
        The kind of part that it is about.
    what
        What is refused, as a noun phrase for the list of limits.
    message
        The sentence of the error, with the names of parts, and ``remedy``, in braces.
    remedy
        What to do instead.
    finds
        Finds it: for each part that is refused, the names that the message has in braces.
    error
        The class of the error.
    names
        The names, once a part is found that meets it.
    """

    part: Part
    what: str
    message: str
    remedy: str
    finds: Callable[[Circuit, Setting, Call], Iterable[Names]] = field(repr=False, compare=False)
    error: type[NeurosimError] = EngineError
    names: Names = field(default_factory=dict[str, Any], hash=False)

    def __str__(self) -> str:
        return self.message.format(**self.names, remedy=self.remedy)


def limits_met(limits: Iterable[Limit], circuit: Circuit, setting: Setting, call: Call) -> list[Limit]:
    """The limits that a call meets, each with the names of what it concerns; empty if the engine can do it all."""
    return [replace(limit, names=names) for limit in limits for names in limit.finds(circuit, setting, call)]


def refuse(met: Iterable[Limit]) -> None:
    """Raise the error of the first limit, if there is any.

    Raises
    ------
    NeurosimError
        Error of the limit's class: `EngineError`, `CircuitError`.
    """
    for limit in met:
        raise limit.error(str(limit))


class Engine(Protocol):
    """Runs and trains one circuit at one setting.

    Attributes
    ----------
    compiles_each_size
        Whether a batch of another size is compiled anew, so that callers fill up the last one.
    circuit, setting
        What is run, and how.
    """

    compiles_each_size: ClassVar[bool]

    @property
    def circuit(self) -> Circuit: ...

    @property
    def setting(self) -> Setting: ...

    def with_circuit(self, circuit: Circuit) -> Self:
        """The same engine for another circuit."""
        ...

    def refuses(self, call: Call = ANY_CALL, /) -> list[Limit]:
        """The limits that a call would meet, see `limits_met`; `run` and `train` raise the error of the first."""
        ...

    def run(
        self,
        state: Mapping[str, Array],
        stimuli: Mapping[str, Array | Stimulus],
        *,
        seed: int = 0,
        first: int = 0,
        noise: Mapping[str, Mapping[str, Array]] | None = None,
        report: Sequence[str] = (),
        record: Sequence[str] = (),
        learn: bool = True,
        phases: Sequence[str] | None = None,
        trials: int | None = None,
        start: Continuation | None = None,
        keep: bool = False,
        watch: bool = False,
        own_weights: bool = False,
        every: Mapping[str, int] | None = None,
        unfinished: bool = False,
    ) -> tuple[State, Outputs]:
        """Present trials, as one batch; parameters and results are described at `BatchedEngine.run`."""
        ...

    def train(
        self,
        state: Mapping[str, Array],
        stimuli: Mapping[str, Array | Stimulus],
        order: np.ndarray,
        *,
        seed: int,
        first: int,
        report: Sequence[str] = (),
    ) -> tuple[State, Outputs]:
        """Learn from mini-batches; parameters and results are described at `BatchedEngine.train`."""
        ...

    def placed(self, stimuli: Mapping[str, Array | Stimulus], batch: int) -> dict[str, Array]:
        """Data brought once to where batches of this size are run, for any number of calls of `train`."""
        ...
