"""The reference engine: Brian2 itself, one trial after the other, everything inspectable.

What runs between the ends of phases is a plain Brian2 network: the rule *is* the Synapses model. All
presentations of a call run in one ``Network.run``, because every such call costs a tenth of a second.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import brian2
import numpy as np
from brian2.groups.group import CodeRunner

from neurosim.circuit.composition import BATCH_LOSS, broadcast, compose
from neurosim.circuit.description import Circuit, Pathway
from neurosim.circuit.plasticity import rule_names
from neurosim.circuit.validation import reciprocal_of
from neurosim.engines.brian.objects import LEARNING, MONITOR, build_objects, rule_code
from neurosim.engines.noise import draw_noise, noise_keys
from neurosim.engines.outputs import Outputs
from neurosim.engines.setting import Setting
from neurosim.engines.state import State, learned_names
from neurosim.errors import EngineError
from neurosim.rules._rule import OracleRule

Target = Literal["numpy", "cython", "cpp_standalone"]
_counter = itertools.count()


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
    """

    circuit: Circuit
    setting: Setting
    target: Target = "numpy"

    def __post_init__(self) -> None:
        if self.setting.steady:
            raise EngineError("the engine 'brian' simulates time; for the level 'steady' use the engine 'batched'")

    def run(
        self,
        state: Mapping[str, np.ndarray],
        stimuli: Mapping[str, np.ndarray],
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
    ) -> tuple[State, Outputs]:
        """Present trials one after the other; see `BatchedEngine.run` for parameters and results.

        `batch` is the number of trials after which the weights take their increments (all by default).
        """
        presentation = _Presentations(self, state, stimuli, seed, first, batch, noise, learn, phases, trials)
        with self._device():
            return presentation.run(tuple(report), tuple(record))

    def train(
        self, state: Mapping[str, np.ndarray], stimuli: Mapping[str, np.ndarray], order: np.ndarray, *, seed: int, first: int
    ) -> tuple[State, Outputs]:
        """Learn from trials in the given order, shape (step, batch); see `BatchedEngine.train`."""
        flat = {name: np.asarray(array)[np.ravel(order)] for name, array in stimuli.items()}
        output = [f"{self.circuit.output_population}.y", "loss"]
        return self.run(state, flat, seed=seed, first=first, batch=order.shape[1], report=output)

    @contextlib.contextmanager
    def _device(self) -> Iterator[None]:
        """Brian2's global settings for the length of a run, put back afterwards."""
        codegen, dtype = brian2.prefs.codegen.target, brian2.prefs.core.default_float_dtype
        standalone = self.target == "cpp_standalone"
        if standalone:
            brian2.set_device("cpp_standalone", build_on_run=False)
            brian2.prefs.devices.cpp_standalone.extra_make_args_unix = ["-j"]
        else:
            brian2.prefs.codegen.target = self.target
        brian2.prefs.core.default_float_dtype = np.dtype(self.setting.dtype).type
        try:
            yield
        finally:
            if standalone:
                brian2.get_device().reinit()
                brian2.set_device("runtime")
            brian2.prefs.codegen.target, brian2.prefs.core.default_float_dtype = codegen, dtype


class _PhaseEnds(brian2.BrianObject):  # type: ignore[misc]
    """Calls back at the last step of each phase, when the step is over."""

    add_to_magic_network = False

    def __init__(self, clock: Any, ends: Mapping[int, Any]) -> None:
        super().__init__(clock=clock, when="end", order=10_000, name="neurosim_phase_ends*")
        self.ends = ends

    def run(self) -> None:
        call = self.ends.get(int(self._clock.variables["timestep"].get_value()[0]))
        if call is not None:
            call()


class _Presentations:
    """One call's presentations: their schedule, and what happens at the ends of phases."""

    def __init__(
        self,
        engine: BrianEngine,
        state: Mapping[str, np.ndarray],
        stimuli: Mapping[str, np.ndarray],
        seed: int,
        first: int,
        batch: int | None,
        noise: Mapping[str, Mapping[str, np.ndarray]] | None,
        learn: bool,
        phases: Sequence[str] | None,
        trials: int | None,
    ) -> None:
        self.circuit, self.setting, self.engine = engine.circuit, engine.setting, engine
        self.state = {name: np.asarray(array) for name, array in state.items()}
        self.phases = [phase for phase in self.circuit.phases if phases is None or phase.name in phases]
        self.steps = [phase.steps(self.setting.dt) for phase in self.phases]
        fixed = {n: np.asarray(a) for n, a in stimuli.items() if np.ndim(a) < 3}
        self.trials = trials or next((a.shape[-2] for a in map(np.asarray, stimuli.values()) if a.ndim >= 2), 1)
        self.stimuli = {n: np.broadcast_to(a, (self.trials, self._size(n))) for n, a in fixed.items()}
        # Courses of all trials, one after the other.
        moving = {n: np.asarray(a)[: sum(self.steps)] for n, a in stimuli.items() if np.ndim(a) == 3}
        self.courses = {n: np.concatenate(np.moveaxis(a, 1, 0)) for n, a in moving.items()}
        self.batch, self.learn, self.seed, self.first = batch or self.trials, learn, seed, first
        keys = noise_keys(self.circuit, seed)
        numbers = np.arange(first, first + self.trials, dtype=np.uint32)
        self.noise = {
            phase.name: {
                name: np.asarray(array, dtype=self.setting.dtype)
                for name, array in (
                    (noise or {}).get(phase.name)
                    or draw_noise(self.circuit, phase, keys, numbers, "float32")
                ).items()
            }
            for phase in self.phases
        }
        #: Arrays of oracle rules, and what each trial of the batch has given them.
        self.oracle: dict[str, Any] = {}
        self.collected: dict[str, list[dict[str, np.ndarray]]] = {}
        self._refuse()

    def run(self, report: tuple[str, ...], record: tuple[str, ...]) -> tuple[State, Outputs]:
        brian2.seed(int(np.random.SeedSequence([self.seed, self.first]).generate_state(1)[0]))
        self.objects = build_objects(self.circuit, self.setting, self.courses)
        standalone = self.engine.target == "cpp_standalone"
        self._set_state()
        self.runners = self._make_runners()
        self.monitors = {name: self._monitor(name) for name in record}
        self.reports = {name: self._report_monitor(name) for name in report}
        network = brian2.Network(*self.objects.everything(), *self.monitors.values(), *self._step_rules())
        self._prepared = False
        if standalone:
            self._run_standalone(network)
        else:
            self._run_at_once(network)
        return self._new_state(), self._outputs()

    def _run_at_once(self, network: Any) -> None:
        ends, step = {}, 0
        schedule = list(itertools.product(range(self.trials), range(len(self.steps))))
        for position, (trial, number) in enumerate(schedule):
            step += self.steps[number]
            following = schedule[position + 1] if position + 1 < len(schedule) else None
            ends[step - 1] = lambda t=trial, n=number, f=following: (self._end(t, n), f and self._begin(*f))
        network.add(_PhaseEnds(self.objects.clock, ends))
        self._begin(0, 0)
        network.run(step * self.setting.dt * brian2.second, namespace={})

    def _run_standalone(self, network: Any) -> None:
        for trial in range(self.trials):
            for number in range(len(self.steps)):
                self._begin(trial, number)
                network.run(self.steps[number] * self.setting.dt * brian2.second, namespace={})
                self._end(trial, number)
        with tempfile.TemporaryDirectory(prefix="neurosim_") as folder:
            brian2.get_device().build(directory=folder, compile=True, run=True, with_output=False)
            self._kept = (self._new_state(), self._outputs())

    def _begin(self, trial: int, number: int) -> None:
        """Set switches, noise and, at a presentation's start, stimuli and initial values."""
        phase = self.phases[number]
        if number == 0:
            for name, array in self.stimuli.items():
                self._set(name, array[trial])
            if not self.circuit.carry or trial == 0:
                self._reset()
        for name, array in self.noise[phase.name].items():
            self._set(name, array[trial])
        for name in self._learning():
            if self.circuit.pathway[name].rule.timing == "step":
                self.objects.synapses[name].variables[LEARNING].set_value(float(self.learn and name in phase.learn))
        for population, model in compose(self.circuit).items():
            for equation in model.equation_set.of("parameter"):
                name = f"{population}.{equation.name}"
                if any(equation.name in p.switches for p in self.circuit.phases) and "shared" in equation.flags:
                    self._set(name, phase.switches.get(equation.name, self.state[name]))

    def _end(self, trial: int, number: int) -> None:
        """Recompute all sums at this instant, hold, collect increments; apply them when a batch is over."""
        phase = self.phases[number]
        self._prepare()
        for updater in self.objects.sums:
            updater.run()
        for monitor in self.reports.values():
            monitor.run()
        for runner in self.runners[f"hold {phase.name}"]:
            runner.run()
        if self.learn:
            for name in phase.learn:
                self._copy_reciprocal(self.circuit.pathway[name])
            for name in phase.learn:
                self._collect(name)
            if number == len(self.steps) - 1 and ((trial + 1) % self.batch == 0 or trial == self.trials - 1):
                for name in self._learning():
                    self._apply(name)

    def _collect(self, name: str) -> None:
        rule = self.circuit.pathway[name].rule
        if isinstance(rule, OracleRule):
            seen = {a: n for a, (_, n) in rule_names(self.circuit, name).items()}
            self.collected.setdefault(name, []).append({a: self._get(n) for a, n in seen.items()})
        elif rule.timing == "phase_end":
            self.runners[name][0].run()

    def _apply(self, name: str) -> None:
        rule = self.circuit.pathway[name].rule
        if isinstance(rule, OracleRule):
            trials = self.collected.pop(name)
            inputs = {argument: np.stack([trial[argument] for trial in trials]) for argument in rule.uses}
            values = {variable: self.oracle.get(f"{name}.{variable}") for variable in rule.changed}
            parameters = {p: self.state[f"{name}.{p}"] for p in rule.parameters}
            after = rule.step(np, values, inputs, parameters)
            self.oracle |= {f"{name}.{variable}": after[variable] for variable in rule.changed}
            self.objects.synapses[name].variables["w"].set_value(self._flat(np.asarray(after["w"])))
        elif rule.timing == "phase_end":
            self.runners[f"apply {name}"][0].run()

    def _get(self, name: str) -> np.ndarray:
        population, _, variable = name.rpartition(".")
        return np.array(self._group(population).variables[variable].get_value(), copy=True)

    def _prepare(self) -> None:
        """Compile what runs at the ends of phases, once."""
        if not self._prepared:
            self._prepared = True
            for runner in [*itertools.chain(*self.runners.values()), *self.reports.values()]:
                runner.before_run({})

    def _make_runners(self) -> dict[str, list[Any]]:
        runners: dict[str, list[Any]] = {}
        for phase in self.circuit.phases:
            # What one population holds in a row is one piece of code: each piece is compiled.
            runners[f"hold {phase.name}"] = [
                self._runner(self._group(population), "\n".join(str(h.statement) for h in held))
                for population, held in itertools.groupby(phase.hold, key=lambda h: h.population)
            ]
        for name in self._learning():
            pathway, synapses = self.circuit.pathway[name], self.objects.synapses[name]
            if isinstance(pathway.rule, OracleRule) or pathway.rule.timing == "step":
                continue
            runners[name] = [self._runner(synapses, rule_code(self.circuit, pathway))]
            divisor = self.batch if pathway.reduction == "mean" else 1
            lines = [f"{v} = {v} + change_{v}/{divisor}\nchange_{v} = 0" for v in pathway.rule.changed]
            runners[f"apply {name}"] = [self._runner(synapses, "\n".join(lines))]
        return runners

    def _step_rules(self) -> list[Any]:
        """Rules that act at every step are part of the network; each phase switches them on or off."""
        found = []
        for name in self._learning() if self.learn else []:
            pathway = self.circuit.pathway[name]
            if pathway.rule.timing == "step":
                found.append(self._runner(self.objects.synapses[name], rule_code(self.circuit, pathway)))
        return found

    def _runner(self, group: Any, code: str) -> Any:
        name = f"neurosim_runner_{next(_counter)}*"
        return CodeRunner(
            group, "stateupdate", code=code, check_units=False, clock=self.objects.clock, when="end", name=name
        )

    def _group(self, population: str | None) -> Any:
        return self.objects.groups[population] if population else self.objects.scalars

    def _learning(self) -> list[str]:
        return list(dict.fromkeys(name for phase in self.circuit.phases for name in phase.learn))

    def _monitor(self, name: str) -> Any:
        population, variable = name.split(".")
        group = self.objects.groups[population]
        if variable == "spikes":
            return brian2.SpikeMonitor(group, name=f"neurosim_spikes_{next(_counter)}*")
        return brian2.StateMonitor(
            group,
            variable,
            record=True,
            clock=self.objects.clock,
            when="groups",
            order=MONITOR,
            name=f"neurosim_monitor_{next(_counter)}*",
        )

    def _report_monitor(self, name: str) -> Any:
        population, _, variable = name.rpartition(".")
        return brian2.StateMonitor(
            self._group(population), variable, record=True, clock=self.objects.clock, name=f"neurosim_report_{next(_counter)}*"
        )

    def _set(self, name: str, value: Any) -> None:
        population, _, variable = name.rpartition(".")
        array = self._group(population).variables[variable]
        array.set_value(np.asarray(value, dtype=array.dtype))

    def _set_state(self) -> None:
        for population, model in compose(self.circuit).items():
            for equation in model.equation_set.of("parameter"):
                name = f"{population}.{equation.name}"
                if name in self.state and name not in self.stimuli and name not in self.courses:
                    if equation.name not in broadcast(self.circuit):
                        self._set(name, self.state[name])
        for pathway in self.circuit.pathways:
            if isinstance(pathway.rule, OracleRule):
                self.oracle |= {f"{pathway.name}.{v}": self.state[f"{pathway.name}.{v}"] for v in pathway.rule.changed}
                weights = self._flat(self.state[f"{pathway.name}.w"])
                self.objects.synapses[pathway.name].variables["w"].set_value(weights)
            elif pathway.tie is None:
                synapses = self.objects.synapses[pathway.name]
                for variable in pathway.rule.synaptic_variables:
                    synapses.variables[variable].set_value(self._flat(self.state[f"{pathway.name}.{variable}"]))
                for variable in pathway.rule.parameters:
                    synapses.variables[variable].set_value(self.state[f"{pathway.name}.{variable}"])

    def _flat(self, array: np.ndarray) -> np.ndarray:
        # Brian2 counts dense synapses by presynaptic neuron first.
        return np.ascontiguousarray(array.T).ravel().astype(self.setting.dtype)

    def _reset(self) -> None:
        for population, model in compose(self.circuit).items():
            for variable in model.state_variables:
                self._set(f"{population}.{variable}", self.state[f"{population}.{variable}"])
            if model.refractory is not None:
                self._set(f"{population}.lastspike", -1e4)
                self._set(f"{population}.not_refractory", True)
        for phase in self.circuit.phases:
            for held in phase.hold:
                self._set(held.target, self.state[held.target])

    def _copy_reciprocal(self, pathway: Pathway) -> None:
        if "reciprocal" in pathway.rule.reads:
            other = reciprocal_of(self.circuit, pathway)
            weights = self._matrix(str(other), "w")
            self.objects.synapses[pathway.name].variables["w_reciprocal"].set_value(self._flat(weights.T))

    def _matrix(self, pathway: str, variable: str) -> np.ndarray:
        n_post, n_pre = self.circuit.shape(pathway)
        values = np.array(self.objects.synapses[pathway].variables[variable].get_value(), copy=True)
        return values if self.circuit.pathway[pathway].connectivity == "one_to_one" else values.reshape(n_pre, n_post).T

    def _new_state(self) -> State:
        if hasattr(self, "_kept"):
            return self._kept[0]
        state = dict(self.state)
        for name in learned_names(self.circuit):
            state[name] = self.oracle[name] if name in self.oracle else self._matrix(*name.split("."))
        if self.circuit.carry:
            for population, model in compose(self.circuit).items():
                for v in model.state_variables:
                    state[f"{population}.{v}"] = np.array(self.objects.groups[population].variables[v].get_value())[None]
        return state

    def _outputs(self) -> Outputs:
        if hasattr(self, "_kept"):
            return self._kept[1]
        phases = len(self.steps)
        ends: dict[str, dict[str, np.ndarray]] = {}
        for number, phase in enumerate(self.phases):
            ends[phase.name] = {n: self._values(m)[number::phases] for n, m in self.reports.items()}
        recordings = {name: self._course(name, monitor) for name, monitor in self.monitors.items()}
        return Outputs(ends=ends, recordings=recordings)

    @staticmethod
    def _values(monitor: Any) -> np.ndarray:
        variable = monitor.record_variables[0]
        return np.array(monitor.variables[variable].get_value())

    def _course(self, name: str, monitor: Any) -> np.ndarray:
        """A recording as (step, trial, neuron)."""
        total, size = sum(self.steps), self._size(name)
        if name.endswith(".spikes"):
            raster = np.zeros((total * self.trials, size), dtype=bool)
            when = np.round(np.asarray(monitor.t / brian2.second) / self.setting.dt).astype(int)
            raster[when, np.asarray(monitor.i)] = True
        else:
            raster = np.broadcast_to(self._values(monitor).reshape(total * self.trials, -1), (total * self.trials, size))
        return np.moveaxis(raster.reshape(self.trials, total, size), 0, 1)

    def _size(self, name: str) -> int:
        return self.circuit.population[name.split(".")[0]].size

    def _refuse(self) -> None:
        """What this engine cannot do, said before anything runs."""
        steps = [name for name in self._learning() if self.circuit.pathway[name].rule.timing == "step"]
        if steps and self.batch > 1 and self.learn:
            raise EngineError(
                f"the rule of pathway '{steps[0]}' acts at every step; the engine 'brian' presents trials one after "
                "the other and cannot average it over a batch: use batch = 1"
            )
        if BATCH_LOSS in broadcast(self.circuit) and self.trials > 1:
            raise EngineError(f"'{BATCH_LOSS}' is a sum over trials that run at once; use the engine 'batched'")
        reciprocal = [p.name for p in self.circuit.pathways if p.rule.reads]
        reciprocal = [name for name in reciprocal if name in self._learning()]
        if reciprocal and self.engine.target == "cpp_standalone" and self.learn:
            raise EngineError(
                f"pathway '{reciprocal[0]}' reads more than its synapses see, which standalone code cannot; use the "
                "target 'numpy' or 'cython'"
            )
        timed = [
            f"{population}.{equation.name}"
            for population, model in compose(self.circuit).items()
            for equation in model.equation_set.equations
            if "t" in equation.names
        ]
        if timed and self.trials > 1 and not self.circuit.carry:
            raise EngineError(
                f"'{timed[0]}' depends on the time t, and the engine 'brian' cannot set the time back between "
                "trials; present one trial at a time"
            )


