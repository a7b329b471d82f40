"""The batched engine: all trials of a mini-batch at once, compiled by JAX.

(Over 300 lines: a third of them documents arguments, for all engines.)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from neurosim.border import public
from neurosim.circuit.batch_schedule import learning_in
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import reported_loss
from neurosim.circuit.plan import plan
from neurosim.engines._engine import ANY_CALL, Call, Limit, limits_met
from neurosim.engines.arguments import RUN, TRAIN, check_run, check_training, trials_in
from neurosim.engines.batched import optimiser_updates as optimisation
from neurosim.engines.batched.batch import Batch, Outcome, Request
from neurosim.engines.batched.compiled import Data, Learning, run_batch, train_batches
from neurosim.engines.batched.host.cpu_placement import each, few_cores, shares
from neurosim.engines.batched.host.trials import has_rows, joined, shared_out
from neurosim.engines.batched.kernels.events import sparse_courses
from neurosim.engines.batched.limits import LIMITS
from neurosim.engines.batched.loop import presented
from neurosim.engines.batched.sampling import trimmed
from neurosim.engines.bounds import all_within_bounds
from neurosim.engines.finite import Broken, broken_now, first_batch, first_broken
from neurosim.engines.noise import noise_keys
from neurosim.engines.optimiser import PLAIN, Optimiser, is_memory
from neurosim.engines.outputs import Outputs
from neurosim.engines.own_weights import each_its_own
from neurosim.engines.setting import Setting
from neurosim.engines.slots import LONG_AGO, Continuation, carried_shapes, neuron_variables, slots
from neurosim.engines.state import State, learned_names
from neurosim.engines.stimuli import Stimulus, stimuli_in
from neurosim.imports import require_jax


@dataclass(frozen=True)
class BatchedEngine:
    """Runs a circuit on arrays with a trial axis.

    Each method compiles once for each circuit, set of arguments and shape of the batch.

    Attributes
    ----------
    circuit, setting
        What to run and how.
    optimiser
        How the increments of forward weights become steps in `train`.

    Examples
    --------
    >>> from neurosim import Circuit, NeuronModel, Phase, Population, Setting, initial_state
    >>> leak = NeuronModel("dv/dt = (i_ext - v)/tau : 1", parameters={"tau": "10 ms", "i_ext": 1})
    >>> circuit = Circuit("one", (Population("p", 2, leak),), phases=(Phase("all", "10 ms"),))
    >>> engine = BatchedEngine(circuit, Setting(dtype="float64"))
    >>> _, outputs = engine.run(initial_state(circuit, 0), {}, trials=3, report=["p.v"])
    >>> outputs.ends["all"]["p.v"].shape, round(float(outputs.ends["all"]["p.v"][0, 0]), 3)
    ((3, 2), 0.632)
    """

    compiles_each_size: ClassVar[bool] = True

    circuit: Circuit
    setting: Setting
    optimiser: Optimiser = PLAIN

    def __post_init__(self) -> None:
        require_jax()

    def with_circuit(self, circuit: Circuit) -> BatchedEngine:
        """The same engine for another circuit."""
        return replace(self, circuit=circuit)

    def refuses(self, call: Call = ANY_CALL, /) -> list[Limit]:
        """The limits that a call would meet."""
        return limits_met(LIMITS, self.circuit, self.setting, call)

    @public(**RUN)
    def run(
        self,
        state: Mapping[str, Any],
        stimuli: Mapping[str, Any],
        *,
        seed: int = 0,
        first: int = 0,
        noise: Mapping[str, Mapping[str, Any]] | None = None,
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
        """Present one batch of trials.

        Parameters
        ----------
        state
            See `neurosim.engines.state`.
        stimuli
            ``population.variable -> (trial, n)``; what changes in time is a `Stimulus` of kind ``course``, of shape
            ``(trial, step, n)``. The targets of a readout are ``<output population>.target``.
        seed
            Of the noise.
        first
            Running number of the first trial's presentation: noise depends on (seed, number) alone, and which rules
            act on the number of the batch.
        noise
            Held noise to use instead: ``phase -> population.variable -> (trial, n)``, and for noise on weights
            ``pathway.noise -> (trial, n_post, n_pre)``.
        report
            Variables wanted at the end of each phase.
        record
            What is recorded within the run, see `neurosim.engines.records`: ``hidden1.v``, ``hidden1.v[:10]``,
            ``W1.w[::100]``, ``mean(hidden1.spikes)``.
        learn
            Whether rules act.
        phases
            Run these phases only.
        trials
            Size of the batch, where no stimulus tells it.
        start
            Go on from there, within a presentation whose earlier part was another call; courses begin with this call.
        keep
            Whether the outputs say how to go on.
        watch
            Whether the outputs say which variable stops being finite, recorded or not.
        own_weights
            Whether each trial is a network with weights of its own, which start from `state` (where they can have an
            axis of trials in front) and which its rules change. Then the new state has that axis.
        every
            Text of `record`, or variable -> how many steps lie between two samples.
        unfinished
            Whether the presentation goes on in another call: rules at the ends of phases wait for that.

        Returns
        -------
        tuple
            The new state and the `Outputs`.
        """
        given = stimuli_in(stimuli)
        trials = trials_in(given, trials)
        records = check_run(
            self.circuit,
            self.setting,
            state,
            given,
            trials=trials,
            report=report,
            record=record,
            phases=phases,
            noise=noise,
            every=every,
            own_weights=own_weights,
        )
        begin = start.step if start is not None else 0
        learning = learning_in(self.circuit, int(first) // trials) if learn else frozenset()
        with self._compiled_for(trials):
            numbers = (int(first) + np.arange(trials)).astype(np.uint32)
            batch = self._batch(state, given, noise or {}, start, noise_keys(self.circuit, seed), numbers)
            request = Request(
                # Where state carries over, all of it is advanced and returned; what is watched is advanced, too.
                circuit=replace(self.circuit, carry=True) if keep or watch else self.circuit,
                setting=self.setting,
                report=tuple(report),
                record=records,
                learn=learning,
                phases=None if phases is None else tuple(phases),
                watch="ends" if watch and not self.setting.steady else "",
                sparse=sparse_courses(batch.courses),
                own_weights=own_weights,
                unfinished=unfinished,
                resumed=start is not None,
            )
            outcome, first_of = self._presented(request, batch)
        if own_weights:
            state = each_its_own(self.circuit, state, trials)
        after = {name: np.asarray(array) for name, array in state.items()}
        after |= {n: after[n] + change for n, change in outcome.changes.items() if n not in outcome.stepped}
        after |= outcome.stepped
        after = all_within_bounds(np, self.circuit, state, after, outcome.changes.keys() | outcome.stepped.keys())
        steps = [phase.steps(self.setting.dt) for phase in request.run]
        recordings = trimmed(records, outcome.recordings, begin, steps)
        done = begin + sum(steps)
        end = Continuation.at(done, self.circuit, outcome.final, self.setting.dt) if keep else None
        if self.circuit.carry:
            after |= {
                n: np.asarray(a) for n, a in outcome.final.items() if n in carried_shapes(self.circuit, self.setting.dt)
            }
        if watch and first_of is None and end is not None:
            first_of = broken_now({name: end.values[name] for name in neuron_variables(self.circuit)}, end.step)
        return after, Outputs(ends=outcome.ends, recordings=recordings, end=end, broken=first_of)

    def _batch(
        self,
        state: Mapping[str, Any],
        stimuli: Mapping[str, Stimulus],
        noise: Mapping[str, Mapping[str, Any]],
        start: Continuation | None,
        keys: Mapping[str, Any],
        presentations: np.ndarray,
    ) -> Batch:
        """The arguments as a compiled program takes them."""
        values = {name: self._passed(array) for name, array in state.items() if not is_memory(name)}
        if start is not None:
            values |= {name: self._slot(name, array) for name, array in start.now(self.circuit).items()}
        return Batch(
            values=values,
            stimuli={name: self._passed(each.values) for name, each in stimuli.items() if not each.changes},
            courses={name: self.course(each) for name, each in stimuli.items() if each.changes},
            keys=keys,
            presentations=presentations,
            noise={phase: {name: self._passed(a) for name, a in drawn.items()} for phase, drawn in noise.items()},
            begin=np.int32(start.step if start is not None else 0),
        )

    def _presented(self, request: Request, batch: Batch) -> tuple[Outcome, Broken | None]:
        """The results of a batch, and the first variable that stops being finite, if that is watched."""
        together = bool(request.learn) and not request.own_weights
        alone = not together and has_rows(batch) and not presented.serves(request, batch)
        parts = shares(self.circuit, batch.trials, request.wanted) if alone else []
        if parts:
            each_part = [(request, part) for part in shared_out(batch, request.circuit, self._dt, parts)]
            outcome = joined(each(self._outcome, each_part), own_weights=request.own_weights)
        else:
            outcome = self._outcome(request, batch)
        if not any(outcome.broken.values()):
            return outcome, None
        # Once more, noting when and where, which would slow down what stays finite.
        return outcome, first_broken(self._outcome(replace(request, watch="steps"), batch).broken)

    @property
    def _dt(self) -> float | None:
        """The time step; none at the steady level, where nothing is under way."""
        return None if self.setting.steady else self.setting.dt

    def _outcome(self, request: Request, batch: Batch) -> Outcome:
        """The results of a batch, on the host; any thread may call it."""
        with self.precision():
            if presented.serves(request, batch):
                return presented.present(request, batch)
            return jax.device_get(run_batch(batch, request=request))

    def _slot(self, name: str, array: np.ndarray) -> Any:
        """A slot's array as a compiled program takes it."""
        slot = slots(self.circuit, self.setting.dt)[name]
        if slot.dtype is None:
            return self._passed(array)
        return np.maximum(array, LONG_AGO).astype(slot.dtype) if slot.counts_steps else array.astype(slot.dtype)

    @public(**TRAIN)
    def train(
        self,
        state: Mapping[str, Any],
        stimuli: Mapping[str, Any],
        order: np.ndarray,
        *,
        seed: int,
        first: int,
        report: Sequence[str] = (),
    ) -> tuple[State, Outputs]:
        """Learn from mini-batches, all in one compiled call.

        Parameters
        ----------
        stimuli
            All trials of the data, ``population.variable -> (trial, n)``, or courses as for `run`.
        order
            Which trials each step presents, shape (step, batch).
        seed, first
            As for `run`.
        report
            Variables wanted of every presentation, besides the loss of a circuit with a readout.

        Returns
        -------
        tuple
            The new state, and outputs whose `ends` have what was asked for of every presentation, in order.
        """
        given = stimuli_in(stimuli)
        order = check_training(self.circuit, self.setting, state, given, order, report)
        names = set(learned_names(self.circuit))
        with self._compiled_for(order.shape[1]):
            values = {name: self.array(a) for name, a in state.items()}
            weights = {name: values.pop(name) for name in sorted(names)}
            memory = optimisation.initial_memory(self.circuit, self.optimiser, {**values, **weights})
            moving = self._moving(values, order.shape[1])
            data = Data(
                values={name: array for name, array in values.items() if not is_memory(name)},
                stimuli={name: self.array(each.values) for name, each in given.items() if not each.changes},
                courses={name: self._whole(each) for name, each in given.items() if each.changes},
                order=jnp.asarray(order, jnp.int32),
                keys=noise_keys(self.circuit, seed),
                first=jnp.uint32(first),
            )
            losses = (reported_loss(self.circuit),) if self.circuit.readout is not None else ()
            request = Request(self.circuit, self.setting, report=(*losses, *report))
            trained = jax.device_get(
                train_batches(Learning(weights, memory), moving, data, request=request, optimiser=self.optimiser)
            )
        learning: Learning = trained.learning
        after = {name: np.asarray(array) for name, array in state.items()}
        after |= {**learning.weights, **learning.memory, **learning.moving}
        return after, Outputs(ends=trained.ends, broken_batch=first_batch(trained.broken))

    def _moving(self, values: dict[str, Any], batch: int) -> dict[str, Any]:
        """Take out what carries over from batch to batch, one array a trial."""
        if not self.circuit.carry:
            return {}
        computed = plan(self.circuit, steady=self.setting.steady).nodes
        under_way = {} if self.setting.steady else slots(self.circuit, self.setting.dt)
        starts = {name: self.array(slot.start) for name, slot in under_way.items() if slot.kind == "flight"}
        shapes = carried_shapes(self.circuit, None if self.setting.steady else self.setting.dt)
        moving = {n: s for n, s in shapes.items() if (n in values or n in starts) and n not in computed}
        return {n: jnp.broadcast_to(values.pop(n, starts.get(n)), (batch, *s)) for n, s in moving.items()}

    def placed(self, stimuli: Mapping[str, Any], batch: int) -> dict[str, Any]:
        """Data brought once to where batches of this size are run, for any number of calls of `train`."""
        with self._compiled_for(batch):
            return {
                name: replace(each, values=self._whole(each)) if isinstance(each, Stimulus) else self.array(each)
                for name, each in stimuli.items()
            }

    @contextlib.contextmanager
    def _compiled_for(self, trials: int) -> Iterator[None]:
        """A context in which JAX has the setting's precision, and as many cores as so many trials are worth."""
        with self.precision(), few_cores(self.circuit, trials):
            yield

    def precision(self) -> Any:
        """A context in which JAX has the setting's precision."""
        # Single precision, too, whatever JAX is set to: constants would make parts of it double.
        return jax.enable_x64(self.setting.dtype == "float64")

    def array(self, array: Any) -> Any:
        """An array of the setting's precision on the device."""
        return jnp.asarray(self._passed(array), dtype=self.setting.dtype)

    def _whole(self, stimulus: Stimulus) -> Any:
        """All trials of a stimulus on the device, trials first; of events, the neurons as whole numbers."""
        return jnp.asarray(stimulus.values, jnp.int32) if stimulus.kind == "events" else self.array(stimulus.values)

    def course(self, stimulus: Stimulus) -> Any:
        """A course as a compiled program takes it, steps first; of events, the neurons as whole numbers."""
        steps = stimulus.steps_first()
        return np.asarray(steps, dtype=np.int32) if stimulus.kind == "events" else self._passed(steps)

    def _passed(self, array: Any) -> Any:
        """An array as a compiled program takes it; it brings many to the device faster than one by one."""
        if isinstance(array, jax.Array):
            return jnp.asarray(array, dtype=self.setting.dtype)
        # Converted on the host: on the device even that would be compiled.
        return np.asarray(array, dtype=self.setting.dtype)
