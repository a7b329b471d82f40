"""The presentations of one call: their schedule, and what happens at the ends of phases.

(Over 300 lines: one class, whose methods are the moments of one schedule.)
"""

from __future__ import annotations

import functools
import itertools
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import brian2
import numpy as np

from neurosim.circuit.batch_schedule import learning_in
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import broadcast, compose
from neurosim.circuit.description import PERTURB
from neurosim.engines.brian.flights import Flights
from neurosim.engines.brian.given import CheckedCall
from neurosim.engines.brian.learning import LearningPathways
from neurosim.engines.brian.names import DERIVED, NOISE, SWITCH
from neurosim.engines.brian.numbers import random_state, set_random_state
from neurosim.engines.brian.objects import build_objects
from neurosim.engines.brian.recorder import Recorder
from neurosim.engines.finite import Broken
from neurosim.engines.noise import draw_noise, noise_keys
from neurosim.engines.outputs import Outputs
from neurosim.engines.own_weights import of_trial
from neurosim.engines.progress import listener
from neurosim.engines.records import Record
from neurosim.engines.setting import Setting
from neurosim.engines.slots import Continuation, Slot, carried_shapes, neuron_variables, slots, starting_shapes
from neurosim.engines.state import State

#: How often to say how far it is.
_REPORT = 0.5 * brian2.second


def _joined(ends: Sequence[Continuation]) -> Continuation:
    """Trials beside each other."""
    values = {name: np.stack([end.values[name] for end in ends]) for name in ends[0].values}
    return Continuation(ends[0].step, values, [end.random[0] for end in ends])


class PhaseEnds(brian2.BrianObject):  # type: ignore[misc]
    """Calls back at the last step of each phase, when the step is over.

    Parameters
    ----------
    ends
        For each phase in order, its number of steps and what to call.
    """

    add_to_magic_network = False

    def __init__(self, clock: Any, ends: Iterable[tuple[int, Callable[[], object]]]) -> None:
        super().__init__(clock=clock, when="end", order=10_000, name="neurosim_phase_ends")
        self.ends = iter(ends)
        self.left, self.call = next(self.ends)

    def run(self) -> None:
        """Called by the Network at every step: it counts, because to ask the clock takes as long as a small network."""
        self.left -= 1
        if self.left == 0:
            call = self.call
            self.left, self.call = next(self.ends, (-1, call))
            call()


class Watch(brian2.BrianObject):  # type: ignore[misc]
    """Looks at the end of each step for the first variable that is not finite.

    Parameters
    ----------
    arrays
        All variables, qualified.
    begin, steps
        The number of a presentation's first step, and how many it has.
    """

    add_to_magic_network = False

    def __init__(self, clock: Any, arrays: Mapping[str, np.ndarray], begin: int, steps: int) -> None:
        super().__init__(clock=clock, when="end", order=9_000, name="neurosim_watch")
        self.arrays, self.begin, self.steps, self.done = arrays, begin, steps, 0
        self.broken: Broken | None = None

    def run(self) -> None:
        """Called by the Network at every step."""
        self.done += 1
        if self.broken is None:
            broken = next((name for name, array in self.arrays.items() if not np.isfinite(array).all()), None)
            if broken is not None:
                trial, step = divmod(self.done - 1, self.steps)
                neuron = int(np.flatnonzero(~np.isfinite(self.arrays[broken]))[0])
                self.broken = Broken(broken, self.begin + step + 1, trial, neuron)


class Presentations:
    """Trials presented one after the other.

    Parameters
    ----------
    circuit, setting
        What to run and how.
    given
        What is presented.
    watch
        Whether to look at every step for what is not finite.
    """

    def __init__(self, circuit: Circuit, setting: Setting, given: CheckedCall, *, watch: bool = False) -> None:
        self.start, self.keep, self.watched = given.start, given.keep, watch
        #: Whether any variable was not finite when a phase ended: it stays so until the neurons begin anew.
        self.broken = False
        #: The first such variable, and the number of its batch.
        self.broken_batch: tuple[str, int] | None = None
        self.begin = given.start.step if given.start is not None else 0
        #: Where each trial ended, if that is asked for.
        self.kept: list[Continuation] = []
        self.circuit, self.setting, self.standalone, self.learn = circuit, setting, given.standalone, given.learn
        self.slots = slots(circuit, setting.dt)
        self.own_weights, self.unfinished = given.own_weights, given.unfinished
        kinds = ("neuron", "trace")
        going = {} if given.start is None else given.start.values
        going = {n: going[n] for n, slot in self.slots.items() if slot.kind in kinds and n in going}
        self.state = {name: np.asarray(array) for name, array in {**given.state, **going}.items()}
        self.phases = [phase for phase in circuit.phases if given.phases is None or phase.name in given.phases]
        self.steps = [phase.steps(setting.dt) for phase in self.phases]
        self.trials, self.batch = given.trials, given.batch
        self.starting = starting_shapes(circuit, setting.dt)
        self.carried = carried_shapes(circuit, setting.dt)
        #: The end state of each place of the batch, where state carries over.
        self.left: list[dict[str, np.ndarray]] = [{} for _ in range(self.places)]
        #: The learned weights of each trial, where each has weights of its own.
        self.learned: list[State] = []
        #: Steps that were done when the presentation that runs began, and where it began.
        self.done = 0
        self.began: dict[str, np.ndarray] = {}
        self.watch: Watch | None = None
        self.stimuli = given.constants(circuit)
        self.courses = given.courses(circuit, sum(self.steps))
        self.events = given.events()
        self.keys = noise_keys(circuit, given.seed)
        self.noise = self._noise(given.noise, given.first)
        #: Running number of the first batch; networks of their own are all in the same one.
        self.first_batch = given.first // (self.trials if self.own_weights else self.batch)
        self.seed, self.first = given.seed, given.first

    @property
    def places(self) -> int:
        """How many trials each begin where another call left them, if state carries over."""
        return self.trials if self.own_weights else self.batch

    def run(self, report: Sequence[str], record: Sequence[Record]) -> tuple[State, Outputs]:
        """Build the objects, run all presentations, read the results."""
        brian2.seed(self._seed(0))
        again = self.trials > 1
        self.objects = build_objects(
            self.circuit,
            self.setting,
            self.courses,
            begin=self.begin,
            again=again,
            keys=None if self.standalone else self.keys,
        )
        for name, events in self.events.items():
            self.objects.fire(name, events, first=self.first, begin=self.begin)
        first = of_trial(self.circuit, self.state, 0) if self.own_weights else self.state
        self.learning = LearningPathways(self.circuit, self.objects, first, self.batch, self.keys, self.phases)
        self.recorder = Recorder(self.objects, record, report, begin=self.begin, steps=sum(self.steps))
        self.holds = self._make_holds()
        self.prepared: set[int] = set()
        self._set_parameters()
        self.learning.set_initial()
        self.flights = Flights(self.circuit, self.objects, self.setting.dt)
        stepping = [one for runners in self.learning.stepping.values() for one in runners] if self.learn else []
        network = brian2.Network(*self.objects.everything(), *self.recorder.everything(), *stepping)
        network.add(*([] if self.standalone else self.flights.called()))
        if self.standalone:
            return self._run_standalone(network)
        self._run_at_once(network)
        return self._results()

    def _run_at_once(self, network: Any) -> None:
        schedule = list(itertools.product(range(self.trials), range(len(self.steps))))
        turns = zip(schedule, [*schedule[1:], None], strict=True)
        ends = [(self.steps[now[1]], functools.partial(self._turn, now, following)) for now, following in turns]
        network.add(PhaseEnds(self.objects.clock, ends))
        if self.watched:
            arrays = {name: self.objects.array(name) for name in neuron_variables(self.circuit)}
            self.watch = Watch(self.objects.clock, arrays, self.begin, sum(self.steps))
            network.add(self.watch)
        self._begin(0, 0)
        network.t_ = self.begin * self.setting.dt
        told: dict[str, Any] = {}
        if (heard := listener()) is not None:
            told = {"report": lambda _elapsed, done, _start, _duration: heard(float(done)), "report_period": _REPORT}
        network.run(self.trials * sum(self.steps) * self.setting.dt * brian2.second, namespace={}, **told)

    def _turn(self, now: tuple[int, int], following: tuple[int, int] | None) -> None:
        """End one phase, given as (trial, number), and begin the next."""
        self._end(*now)
        if following is not None:
            self._begin(*following)

    def _run_standalone(self, network: Any) -> tuple[State, Outputs]:
        for trial, number in itertools.product(range(self.trials), range(len(self.steps))):
            self._begin(trial, number)
            network.run(self.steps[number] * self.setting.dt * brian2.second, namespace={})
            self._end(trial, number)
        with tempfile.TemporaryDirectory(prefix="neurosim_") as folder:
            device: Any = brian2.get_device()
            device.build(directory=folder, compile=True, run=True, with_output=False)
            return self._results()

    def _begin(self, trial: int, number: int) -> None:
        """Set switches, noise and, at a presentation's start, stimuli and initial values."""
        phase = self.phases[number]
        if number == 0:
            self._open(trial)
        elif phase.restart:
            self._rest()
        for pathway in self.circuit.perturbed:
            self.objects.set_synaptic(pathway.name, SWITCH, phase.switches.get(PERTURB, 0.0))
            if number == 0:
                self.objects.set_synaptic(pathway.name, NOISE, np.zeros(self.circuit.weights_shape(pathway.name)))
        on_weights = {f"{pathway.name}.noise": pathway.name for pathway in self.circuit.perturbed}
        for name, array in self.noise[phase.name].items():
            if name in on_weights:
                self.objects.set_synaptic(on_weights[name], NOISE, array[trial])
            else:
                self.objects.set(name, array[trial])
        batch, acting = self._batch(trial)
        if number == 0 and trial % self.batch == 0:
            if self.learning.beginning:
                self._prepare(self.learning.runners)
            self.learning.begin_batch(self._drawing(trial, batch), acting, resumed=self.start is not None)
        if number == 0:
            # From weights as rules at the beginning have left them.
            self._derive()
        self.learning.begin(phase, acting)
        switched = {name for p in self.circuit.phases for name in p.switches}
        for population, model in compose(self.circuit).items():
            for equation in model.equation_set.of("parameter"):
                if equation.name in switched and "shared" in equation.flags:
                    name = f"{population}.{equation.name}"
                    self.objects.set(name, phase.switches.get(equation.name, self.state[name]))

    def _open(self, trial: int) -> None:
        """Begin a presentation: random numbers, time, stimuli, and where state and weights start."""
        if not self.standalone:
            self._set_random(trial)
        self.done = trial * sum(self.steps)
        self.objects.begin(self.done, presentation=self.first + trial)
        for name, array in self.stimuli.items():
            self.objects.set(name, array[trial])
        if self.own_weights and trial:
            self.learning.start_from(of_trial(self.circuit, self.state, trial))
        self._place(trial)

    def _end(self, trial: int, number: int) -> None:
        """Sum all inputs at this instant, hold, collect increments; apply them when a batch is over."""
        phase = self.phases[number]
        self._prepare([*itertools.chain(*self.holds.values()), *self.recorder.reports.values()])
        self._prepare(self.learning.runners)
        for updater in self.objects.sums:
            updater.run()
        self.recorder.report()
        if not self.standalone:
            self._look(trial)
        for runner in self.holds[phase.name]:
            runner.run()
        if self.learn and not self.unfinished:
            batch, acting = self._batch(trial)
            self.learning.collect(phase, acting)
            if number == len(self.steps) - 1 and (trial + 1) % self.batch == 0:
                self.learning.apply(self._drawing(trial, batch), acting)
        if number == len(self.steps) - 1 and self.own_weights and not self.standalone:
            self.learned.append(self.learning.learned())
        if number == len(self.steps) - 1 and self.keep:
            self._keep(trial)
        if number == len(self.steps) - 1 and self.circuit.carry and self.places > 1:
            self.left[trial % self.places] = {name: self._in_trial(name) for name in self.carried}

    def _look(self, trial: int) -> None:
        """Note the first variable that is not finite."""
        if not self.broken:
            variables = neuron_variables(self.circuit)
            name = next((name for name in variables if not np.isfinite(self.objects.array(name)).all()), None)
            self.broken, self.broken_batch = name is not None, None if name is None else (name, trial // self.batch)

    def _prepare(self, runners: Sequence[Any]) -> None:
        """Compile what runs by itself, when it is first needed."""
        for runner in runners:
            if id(runner) not in self.prepared:
                self.prepared.add(id(runner))
                runner.before_run({})

    def _batch(self, trial: int) -> tuple[int, frozenset[str]]:
        """The running number of a trial's batch, and the pathways that learn in it."""
        number = self.first_batch + trial // self.batch
        number = self.first_batch if self.own_weights else number
        return number, learning_in(self.circuit, number) if self.learn else frozenset()

    def _drawing(self, trial: int, batch: int) -> int:
        """The running number that keys noise of updates; each network with weights of its own has one."""
        return self.first + trial if self.own_weights else batch

    def _make_holds(self) -> dict[str, list[Any]]:
        """Join the holds of one population in a row into one piece of code, because each piece is compiled."""
        return {
            phase.name: [
                self.objects.holder(population, [one.statement for one in held])
                for population, held in itertools.groupby(phase.hold, key=lambda h: h.population)
            ]
            for phase in self.circuit.phases
        }

    def _set_parameters(self) -> None:
        # State that carries over is set at the start of each presentation.
        given = {*self.stimuli, *self.courses, *self.starting}
        for population, model in compose(self.circuit).items():
            for equation in model.equation_set.of("parameter"):
                name = f"{population}.{equation.name}"
                if name in self.state and name not in given and equation.name not in broadcast(self.circuit):
                    self.objects.set(name, self.state[name])

    def _seed(self, trial: int) -> int:
        """The seed of Brian2's own random numbers: a function of seed, presentation and the step it begins with."""
        words = [self.seed, self.first + trial, *([self.begin] if self.begin else [])]
        return int(np.random.SeedSequence(words).generate_state(1)[0])

    def _set_random(self, trial: int) -> None:
        """Each trial has its own random numbers, whichever ran before it."""
        brian2.seed(self._seed(trial))
        if self.start is not None and self.start.random:
            set_random_state(self.start.random[trial])

    def _keep(self, trial: int) -> None:
        """Save the end of a trial, from which a later call goes on."""
        now = {slot.name: self._slot(slot, trial) for slot in self._resting()}
        end = Continuation.at(self.begin + sum(self.steps), self.circuit, now, self.setting.dt)
        end.random = [random_state()]
        self.kept.append(end)

    def _resting(self) -> list[Slot]:
        """The slots of neurons and traces; those of spikes where Brian2 has any, which is with a refractory period."""
        models = compose(self.circuit)
        return [
            slot
            for slot in self.slots.values()
            if slot.kind in ("neuron", "trace", "flight")
            or (slot.kind == "refractory" and models[str(slot.owner)].refractory is not None)
        ]

    def _slot(self, slot: Slot, trial: int) -> np.ndarray:
        """The value of a slot now; steps are counted from the presentation's start."""
        if not slot.counts_steps:
            value = self._in_trial(slot.name)
            return value.astype(slot.dtype or value.dtype)
        last = np.round(self.objects.get(f"{slot.owner}.lastspike") / self.setting.dt)
        return last.astype(np.int64) - trial * sum(self.steps)

    def _in_trial(self, name: str) -> np.ndarray:
        """The present value of a neuron's variable, a trace, or spikes under way."""
        rows = self.flights.rows
        return rows[name].copy() if name in rows else self.objects.get_in_trial(name)

    def _fill(self, slot: Slot, value: Any, trial: int) -> None:
        """Write a value into a slot; steps are counted from the presentation's start."""
        if not slot.counts_steps:
            self.objects.set_in_trial(slot.name, value)
        else:
            steps = np.asarray(value, np.int64) + trial * sum(self.steps)
            self.objects.set(f"{slot.owner}.lastspike", steps * self.setting.dt)

    def _place(self, trial: int) -> None:
        """Set the start of a presentation: its initial values, or the end of its place in the batch before."""
        place = trial % self.places
        going = self.circuit.carry and trial >= self.places
        if going and self.places > 1:
            self.began = dict(self.left[place])
        elif going and not self.standalone:
            self.began = {name: self._in_trial(name) for name in self.carried}
        for name, shape in self.starting.items():
            if not going or name not in self.carried:
                value = self.state[name] if self.slots[name].start is None else self.state.get(name, np.zeros(shape))
                with_trials = value.ndim > len(shape)
                self.began[name] = value[place % len(value)] if with_trials else value
        # Standalone code has not run yet: what goes on there is where the presentation before will have left it.
        kept = self.carried if going and self.standalone else ()
        for name, value in self.began.items():
            if name not in self.flights.rows and name not in kept:
                self.objects.set_in_trial(name, value)
        self._forget_spikes()
        self.flights.begin(self.began)
        if self.start is not None:
            now = self.start.now(self.circuit)
            self.flights.begin({name: array[trial] for name, array in now.items() if name in self.flights.rows})
            for slot in self._resting():
                if slot.kind == "refractory" and slot.name in now:
                    self._fill(slot, now[slot.name][trial], trial)

    def _derive(self) -> None:
        """Compute weights that are functions of other weights."""
        derived = self.circuit.derived_weights(np, lambda name: self.objects.get_synaptic(name, "w"))
        for name, weights in derived.items():
            self.objects.set_synaptic(name, DERIVED, weights)

    def _rest(self) -> None:
        """Set state variables to their initial values, as after a silence; held variables stay."""
        for name, slot in self.slots.items():
            if slot.at_rest and slot.kind in ("neuron", "trace"):
                self.objects.set_in_trial(name, self.began[name])
        self.flights.begin({})
        self._forget_spikes()

    def _forget_spikes(self) -> None:
        for population, model in compose(self.circuit).items():
            if model.refractory is not None:
                # As long before this presentation as before any other.
                self.objects.set(f"{population}.lastspike", self.done * self.setting.dt - 1e4)
                self.objects.set(f"{population}.not_refractory", True)

    def _noise(self, given: Mapping[str, Mapping[str, np.ndarray]], first: int) -> dict[str, dict[str, np.ndarray]]:
        numbers = np.arange(first, first + self.trials, dtype=np.uint32)
        noise = {}
        for phase in self.phases:
            drawn = given.get(phase.name)
            if drawn is None:
                drawn = draw_noise(self.circuit, phase, self.keys, numbers, "float32")
            noise[phase.name] = {name: np.asarray(a, dtype=self.setting.dtype) for name, a in drawn.items()}
        return noise

    def _results(self) -> tuple[State, Outputs]:
        learned = self.learning.learned() if not self.learned else {}
        if self.own_weights:
            each = self.learned or [learned] * self.trials
            learned = {name: np.stack([one[name] for one in each]) for name in each[0]}
        state = {**self.state, **learned}
        if self.circuit.carry:
            for name in self.carried:
                places = [left[name] for left in self.left] if self.places > 1 else [self._in_trial(name)]
                state[name] = np.stack(places)
        ends = self.recorder.ends([phase.name for phase in self.phases])
        courses = self.recorder.courses(self.trials, self.setting.dt)
        end = _joined(self.kept) if self.keep else None
        return state, Outputs(
            ends, courses, end, self.watch.broken if self.watch is not None else None, self.broken_batch
        )
