"""The reference engine: Brian2 itself, one trial after the other, everything inspectable.

What runs between the ends of phases is a plain Brian2 network: the rule *is* the Synapses model. All
presentations of a call run in one ``Network.run``, because every such call costs a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from neurosim.border import COUNT, optional, public
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import reported_loss
from neurosim.engines._engine import ANY_CALL, Call, Limit, limits_met, refuse
from neurosim.engines.arguments import RUN, TRAIN, check_run, check_training, trials_in
from neurosim.engines.brian.failures import told
from neurosim.engines.brian.given import CheckedCall
from neurosim.engines.brian.limits import LIMITS, STANDALONE
from neurosim.engines.brian.presentations import Presentations
from neurosim.engines.brian.process import borrowed
from neurosim.engines.outputs import Outputs
from neurosim.engines.records import is_synaptic
from neurosim.engines.setting import Setting
from neurosim.engines.slots import Continuation
from neurosim.engines.state import State
from neurosim.engines.stimuli import Stimulus, stimuli_in

Target = Literal["numpy", "cython", "cpp_standalone"]


@dataclass(frozen=True)
class BrianEngine:
    """Runs a circuit in Brian2.

    Attributes
    ----------
    circuit, setting
        What to run and how; the levels are ``rate`` and ``spiking``.
    target
        Brian2's code generation target: ``numpy`` (starts at once), ``cython`` (compiles, then faster) or
        ``cpp_standalone`` (compiles the whole run).

    Examples
    --------
    >>> from neurosim import Circuit, NeuronModel, Phase, Population, Setting, initial_state
    >>> leak = NeuronModel("dv/dt = (i_ext - v)/tau : 1", parameters={"tau": "10 ms", "i_ext": 1})
    >>> circuit = Circuit("one", (Population("p", 2, leak),), phases=(Phase("all", "10 ms"),))
    >>> engine = BrianEngine(circuit, Setting(dtype="float64"))
    >>> _, outputs = engine.run(initial_state(circuit, 0), {}, trials=1, report=["p.v"])
    >>> round(float(outputs.ends["all"]["p.v"][0, 0]), 3)
    0.632
    """

    compiles_each_size: ClassVar[bool] = False

    circuit: Circuit
    setting: Setting
    target: Target = "numpy"

    def __post_init__(self) -> None:
        refuse(limit for limit in self.refuses() if limit.part == "setting")

    def with_circuit(self, circuit: Circuit) -> BrianEngine:
        """The same engine for another circuit."""
        return replace(self, circuit=circuit)

    def refuses(self, call: Call = ANY_CALL, /) -> list[Limit]:
        """The limits that a call would meet."""
        standalone = STANDALONE if self.target == "cpp_standalone" else ()
        return limits_met((*standalone, *LIMITS), self.circuit, self.setting, call)

    @public(**RUN, batch=optional(COUNT))
    def run(
        self,
        state: Mapping[str, np.ndarray],
        stimuli: Mapping[str, np.ndarray | Stimulus],
        *,
        seed: int = 0,
        first: int = 0,
        batch: int | None = None,
        noise: Mapping[str, Mapping[str, np.ndarray]] | None = None,
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
        """Present trials one after the other; see `BatchedEngine.run` for parameters and results.

        `batch` is the number of trials after which the weights take their increments (all by default; one where each
        trial has weights of its own).
        """
        given = stimuli_in(stimuli)
        count = trials_in(given, trials)
        records = check_run(
            self.circuit,
            self.setting,
            state,
            given,
            trials=count,
            report=report,
            record=record,
            phases=phases,
            noise=noise,
            every=every,
            own_weights=own_weights,
        )
        size = 1 if own_weights else batch or count
        call = Call(
            phases,
            learn,
            trials=count,
            batch=size,
            record=record,
            pieces=keep or start is not None,
            own_weights=own_weights,
            sampled=[one.text for one in records if one.every > 1 or one.over or is_synaptic(self.circuit, one.name)],
        )
        refuse(self.refuses(call))
        presented = CheckedCall(
            state=state,
            stimuli=given,
            trials=count,
            batch=size,
            seed=seed,
            first=first,
            noise=noise or {},
            learn=learn,
            phases=phases,
            start=start,
            keep=keep,
            standalone=self.target == "cpp_standalone",
            own_weights=own_weights,
            unfinished=unfinished,
        )
        presentations = Presentations(self.circuit, self.setting, presented)
        with told(self.circuit), borrowed(self.target, self.setting.dtype):
            after, outputs = presentations.run(tuple(report), records)
            if watch and presentations.broken:
                # Once more, looking when and where, which would slow down what stays finite.
                again = Presentations(self.circuit, self.setting, presented, watch=True)
                outputs.broken = again.run((), ())[1].broken
        return after, outputs

    @public(**TRAIN)
    def train(
        self,
        state: Mapping[str, np.ndarray],
        stimuli: Mapping[str, np.ndarray | Stimulus],
        order: np.ndarray,
        *,
        seed: int,
        first: int,
        report: Sequence[str] = (),
    ) -> tuple[State, Outputs]:
        """Learn from trials in the given order, shape (step, batch); see `BatchedEngine.train`."""
        given = stimuli_in(stimuli)
        order = check_training(self.circuit, self.setting, state, given, order, report)
        flat = {name: each.of_trials(np.ravel(order)) for name, each in given.items()}
        losses = (reported_loss(self.circuit),) if self.circuit.readout is not None else ()
        return self.run(state, flat, seed=seed, first=first, batch=order.shape[1], report=(*losses, *report))

    def placed(self, stimuli: Mapping[str, np.ndarray | Stimulus], batch: int) -> dict[str, Any]:
        """Data as `train` wants them; see `BatchedEngine.placed`."""
        return dict(stimuli)
