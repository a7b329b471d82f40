"""The steady level in plain NumPy: every equation, sum and increment is what its text says, synapse by synapse.

The reference to compare other engines with: `NumpyEngine` presents trials, `Instant` computes variables, `increments`
what rules change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from neurosim.border import public
from neurosim.circuit.batch_schedule import learning_in
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import PERTURB, Phase
from neurosim.circuit.moments import BEGINNING, PHASE_END, acting, at_end
from neurosim.circuit.plan import plan, resolve
from neurosim.engines._engine import ANY_CALL, Call, Limit, limits_met, refuse
from neurosim.engines.arguments import RUN, TRAIN, check_run, check_training, trials_in
from neurosim.engines.bounds import all_within_bounds
from neurosim.engines.noise import draw_noise, noise_keys
from neurosim.engines.outputs import Outputs
from neurosim.engines.plain.instant import Instant
from neurosim.engines.plain.learning import increments
from neurosim.engines.plain.limits import LIMITS
from neurosim.engines.setting import Setting
from neurosim.engines.slots import Continuation
from neurosim.engines.state import State
from neurosim.engines.stimuli import stimuli_in
from neurosim.equations.array_code import expression_function
from neurosim.untyped import Array


@dataclass(frozen=True)
class NumpyEngine:
    """Runs a circuit at the level ``steady`` in plain NumPy and double precision.

    Attributes
    ----------
    circuit, setting
        What to run and how.

    Examples
    --------
    >>> from neurosim import Circuit, NeuronModel, Phase, Population, Setting, initial_state
    >>> leak = NeuronModel("dv/dt = (i_ext - v)/tau : 1", parameters={"tau": "10 ms", "i_ext": 1.5})
    >>> circuit = Circuit("one", (Population("p", 2, leak),), phases=(Phase("all", "10 ms"),))
    >>> engine = NumpyEngine(circuit, Setting("steady", dtype="float64"))
    >>> _, outputs = engine.run(initial_state(circuit, 0), {}, report=["p.v"])
    >>> outputs.ends["all"]["p.v"].tolist()
    [[1.5, 1.5]]
    """

    compiles_each_size: ClassVar[bool] = False

    circuit: Circuit
    setting: Setting

    def __post_init__(self) -> None:
        refuse(limit for limit in self.refuses() if limit.part == "setting")

    def with_circuit(self, circuit: Circuit) -> NumpyEngine:
        """The same engine for another circuit."""
        return replace(self, circuit=circuit)

    def refuses(self, call: Call = ANY_CALL, /) -> list[Limit]:
        """The limits that a call would meet."""
        return limits_met(LIMITS, self.circuit, self.setting, call)

    def placed(self, stimuli: Mapping[str, Array], batch: int) -> dict[str, Any]:
        """Data as `train` takes them; see `BatchedEngine.placed`."""
        return dict(stimuli)

    @public(**RUN)
    def run(
        self,
        state: Mapping[str, Array],
        stimuli: Mapping[str, Array],
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
        """Present one batch of trials; see `BatchedEngine.run` for parameters and results."""
        given, circuit = stimuli_in(stimuli), self.circuit
        trials = trials_in(given, trials)
        asked: dict[str, Any] = {"report": report, "record": record, "phases": phases, "noise": noise}
        asked |= {"every": every, "own_weights": own_weights}
        check_run(circuit, self.setting, state, given, trials=trials, **asked)
        courses = [name for name, stimulus in given.items() if stimulus.changes]
        pieces = keep or start is not None or unfinished
        call = Call(phases, learn, trials, trials, record, courses, pieces, own_weights=own_weights)
        refuse(self.refuses(call))
        run = call.phases_of(circuit)
        batch = PresentedTrials(circuit, trials, learning_in(circuit, first // trials) if learn else frozenset())
        arrays = {**state, **{name: stimulus.values for name, stimulus in given.items()}, "dt": self.setting.dt}
        known = {name: np.asarray(array, np.float64) for name, array in arrays.items()}
        changes = batch.begin(known, run)
        numbers, keys = np.arange(first, first + trials, dtype=np.uint32), noise_keys(circuit, seed)
        ends = {}
        for phase in run:
            drawn = (noise or {}).get(phase.name)
            drawn = draw_noise(circuit, phase, keys, numbers, "float32") if drawn is None else drawn
            known |= {name: np.asarray(array, np.float64) for name, array in drawn.items()}
            end, learned = batch.present(known, phase)
            ends[phase.name] = {name: batch.full(name, end[name]) for name in report}
            for name, change in learned.items():
                changes[name] = changes.get(name, 0.0) + change
        after = {name: np.asarray(array) for name, array in state.items()}
        after |= {name: after[name] + change for name, change in changes.items()}
        after = all_within_bounds(np, circuit, state, after, changes)
        return after, Outputs(ends=ends)

    @public(**TRAIN)
    def train(
        self,
        state: Mapping[str, Array],
        stimuli: Mapping[str, Array],
        order: np.ndarray,
        *,
        seed: int,
        first: int,
        report: Sequence[str] = (),
    ) -> tuple[State, Outputs]:
        """Learn from mini-batches, one after the other; see `BatchedEngine.train`."""
        given = stimuli_in(stimuli)
        order = check_training(self.circuit, self.setting, state, given, order, report)
        losses = ("loss",) if self.circuit.readout is not None else ()
        reports: list[dict[str, dict[str, np.ndarray]]] = []
        after = dict(state)
        for number, rows in enumerate(order):
            data = {name: np.asarray(stimulus.values)[rows] for name, stimulus in given.items()}
            at = first + number * len(rows)
            after, outputs = self.run(after, data, seed=seed, first=at, report=(*losses, *report))
            reports.append(outputs.ends)
        ends = {p: {n: np.concatenate([each[p][n] for each in reports]) for n in reports[0][p]} for p in reports[0]}
        return after, Outputs(ends=ends)


@dataclass(frozen=True)
class PresentedTrials:
    """The trials that are presented at once.

    Attributes
    ----------
    circuit
        What they are presented to.
    trials
        How many they are.
    learning
        The pathways whose rules act.
    """

    circuit: Circuit
    trials: int
    learning: frozenset[str]

    def begin(self, known: dict[str, np.ndarray], phases: Sequence[Phase]) -> dict[str, np.ndarray]:
        """Let rules act before the first phase, with effect at once; gives their increments.

        Parameters
        ----------
        known
            All given variables, to which this and `present` add.
        """
        graph = plan(self.circuit, steady=True)
        for name in graph.nodes.keys() & known.keys():
            # State variables are at their fixed points, whatever they start from.
            del known[name]
        changes: dict[str, np.ndarray] = {}
        for pathway in acting(self.circuit, phases, BEGINNING, self.learning):
            changes |= increments(Instant(graph, known), pathway.name, 1, BEGINNING)
        for name, change in changes.items():
            known[name] = known[name] + change
        known |= all_within_bounds(np, self.circuit, known, known, changes)
        known |= {f"{pathway.name}.noise": np.zeros(()) for pathway in self.circuit.perturbed}
        derived = self.circuit.derived_weights(np, lambda name: known[f"{name}.w"])
        known |= {f"{name}.derived": np.asarray(array) for name, array in derived.items()}
        return changes

    def present(self, known: dict[str, np.ndarray], phase: Phase) -> tuple[Instant, dict[str, np.ndarray]]:
        """All variables at the end of a phase, and the increments of the rules that act there."""
        graph = plan(self.circuit, steady=True)
        end = Instant(graph, known | self._switches(phase) | self._on_weights(phase, known))
        now = end
        for item in phase.hold:
            function = expression_function("held", item.statement.expression)
            arguments = {name: resolve(self.circuit, item.population, name) for name in function.arguments}
            known[item.target] = now.call(function, arguments)
            # Rules and later holds read held values; inputs of neurons stay those of the phase's end.
            now = Instant(graph, {**now.given, item.target: known[item.target]}, inputs=end)
        changes: dict[str, np.ndarray] = {}
        for pathway in at_end(self.circuit, phase, self.learning):
            changes |= increments(now, pathway.name, self.trials, PHASE_END)
        return end, changes

    def full(self, name: str, value: np.ndarray) -> np.ndarray:
        """A variable with both axes, ``(trial, neuron)``; one column if it is broadcast."""
        population = self.circuit.population.get(name.rpartition(".")[0])
        return np.broadcast_to(value, (self.trials, population.size if population else 1)).copy()

    def _switches(self, phase: Phase) -> dict[str, np.ndarray]:
        """The shared parameters of neurons that the phase sets."""
        models = plan(self.circuit, steady=True).models.items()
        return {
            f"{population}.{name}": np.asarray(float(value))
            for population, model in models
            for name, value in phase.switches.items()
            if name in model.equation_set.by_name and "shared" in model.equation_set.by_name[name].flags
        }

    def _on_weights(self, phase: Phase, known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The noise on the weights of each trial, if the phase switches it on."""
        on = phase.switches.get(PERTURB, 0.0)
        return {
            f"{pathway.name}.perturbation": on * known[f"{pathway.name}.sigma"] * known[f"{pathway.name}.noise"]
            for pathway in self.circuit.perturbed
            if on and known[f"{pathway.name}.noise"].ndim
        }
