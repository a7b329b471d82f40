"""One presentation of a batch of trials: all phases in order, what they hold, what they learn."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.delays import delay_of
from neurosim.circuit.description import Phase
from neurosim.circuit.moments import INTEGRAL, PHASE_END, STEP, acting, at_end
from neurosim.circuit.plan import Plan, delays_name, plan
from neurosim.engines._engine import Call, limits_met, refuse
from neurosim.engines.batched.batch import Arrays, Batch, Outcome, Request
from neurosim.engines.batched.before_phases import changes_at_beginning
from neurosim.engines.batched.holding import after_holds, held_at
from neurosim.engines.batched.learning import increments
from neurosim.engines.batched.limits import LIMITS
from neurosim.engines.batched.live_variables import asked_at_end, lives
from neurosim.engines.batched.loss_gradients import loss_gradients
from neurosim.engines.batched.matrices import as_matrices
from neurosim.engines.batched.sampling import joined
from neurosim.engines.batched.snapshot import Snapshot, time_of
from neurosim.engines.batched.spiking import last_spikes
from neurosim.engines.batched.step_draws import DRAWS, PresentationDraws
from neurosim.engines.batched.stepping import BROKEN, moment_of, run_steps, split_sums
from neurosim.engines.batched.stretch import Fixed, Stretch
from neurosim.engines.batched.weights import Weights, noise_on_weights
from neurosim.engines.noise import draw_noise
from neurosim.engines.setting import Setting
from neurosim.engines.slots import slots

#: Advances by all steps of a stretch that begins so many steps after the batch's first.
Run = Callable[[Stretch, Batch, Fixed, int], "Reached"]


def present(request: Request, batch: Batch, run: Run | None = None) -> Outcome:
    """Present one batch of trials; pure, to be compiled by the caller.

    Parameters
    ----------
    run
        Advances by all steps of a stretch; by default in a loop that XLA compiles.
    """
    if run is None:
        return as_matrices(functools.partial(_present, run=_in_time), request, batch)
    return _present(request, batch, run)


def _present(request: Request, batch: Batch, run: Run) -> Outcome:
    """See `present`."""
    circuit, setting, dtype = request.circuit, request.setting, jnp.dtype(request.setting.dtype)
    graph = plan(circuit, steady=setting.steady)
    texts, trials = tuple(one.text for one in request.record), batch.trials
    pieces = request.unfinished or request.resumed
    call = Call(request.phases, request.learn, trials, trials, texts, tuple(batch.courses), pieces=pieces)
    refuse(limits_met(LIMITS, circuit, setting, call))
    outcome, live = Outcome(), live_in(request)
    leaves = {**batch.values, "dt": jnp.asarray(setting.dt, dtype)}
    beginning = False if request.resumed else request.learn
    outcome.changes |= changes_at_beginning(graph, leaves, batch.left, request.run, beginning)
    values = {**batch.values, **{name: batch.values[name] + change for name, change in outcome.changes.items()}}
    current: Arrays = {**{name: a for name, a in values.items() if name not in graph.nodes}, **batch.stimuli}
    current |= {f"{pathway.name}.noise": jnp.zeros((), dtype) for pathway in circuit.perturbed}
    current[DRAWS] = PresentationDraws(batch.keys, batch.presentations, setting.dt)
    current |= _delays(circuit, setting)
    derived, step = circuit.derived_weights(jnp, lambda name: values[f"{name}.w"]), 0
    for phase in request.run:
        # At the steady level every phase is at its fixed points, whatever came before.
        if phase.restart and not setting.steady:
            current = _at_rest(graph, current, values, setting.dt)
        current |= _noise_of(circuit, phase, batch, dtype)
        fixed = Fixed(
            {**current, **_switches(circuit, phase, dtype)},
            batch.keys,
            batch.presentations,
            Weights(derived, noise_on_weights(circuit, phase, current)),
            batch.perturbations,
        )
        if setting.steady:
            reached = Reached(dict(fixed.values), {}, {}, 0)
        else:
            reached = run(stretch_of(graph, request, batch, phase, live[phase.name]), batch, fixed, step)
            outcome.add(reached.summed)
            outcome.steps[phase.name] = reached.made
            _note_what_broke(request, live[phase.name], reached, outcome)
            for name, course in reached.recorded.items():
                outcome.recordings.setdefault(name, []).append(course)
            step += phase.steps(setting.dt)
        end = Snapshot(
            graph,
            {**reached.values, "dt": jnp.asarray(setting.dt, dtype)},
            weights=fixed.weights,
            perturbations=batch.perturbations,
            probes=batch.probes.between,
            switches=_numbers(circuit, phase),
        )
        outcome.ends[phase.name] = {name: _full(circuit, name, end[name], batch.trials) for name in request.report}
        held = held_at(circuit, phase, end)
        current |= reached.after | held
        if not request.unfinished:
            end.values |= loss_gradients(request, replace(batch, values=values), phase, present)
            _learn(request, phase, end, held, batch.trials, outcome)
        outcome.stepped |= {name: reached.after[name] for name in _learned_in_steps(request, phase, reached)}
    for name, weights in outcome.stepped.items():
        outcome.add({name: weights - values[name]})
    outcome.recordings = joined(request.record, outcome.recordings)
    outcome.final = _final(circuit, current, batch.trials, dtype, setting.dt)
    return outcome


@dataclass(frozen=True)
class Reached:
    """Where a phase ends.

    Attributes
    ----------
    values
        All that is known then.
    after
        What its steps changed.
    recorded
        What is recorded, ``(sample, trial, place)``.
    made
        How many steps it made.
    summed
        Increments that wait for the end of the batch.
    """

    values: Arrays
    after: Arrays
    recorded: Arrays
    made: Any
    summed: Arrays = field(default_factory=dict)


def stretch_of(graph: Plan, request: Request, batch: Batch, phase: Phase, live: tuple[str, ...]) -> Stretch:
    """The loop over a phase's steps."""
    setting, stepping = request.setting, acting(request.circuit, phase, STEP, request.learn)
    integrated = acting(request.circuit, phase, INTEGRAL, request.learn)
    learning = acting(request.circuit, phase, learn=request.learn)
    return Stretch(
        plan=graph,
        live=live,
        learn=tuple(pathway.name for pathway in stepping),
        integrated=tuple(pathway.name for pathway in integrated),
        struck=tuple(p.name for p in learning if p.synapse.learns_at_spikes),
        record=request.record,
        steps=phase.steps(setting.dt),
        dt=setting.dt,
        trials=batch.trials,
        dtype=jnp.dtype(setting.dtype),
        surrogate_width=setting.surrogate_width,
        surrogate_reset=setting.surrogate_reset,
        until=phase.until,
        sparse=tuple(name for name in request.sparse if name in batch.courses),
        watch=request.watch == "steps",
        differentiated=request.differentiated,
    )


def _in_time(stretch: Stretch, batch: Batch, fixed: Fixed, step: int) -> Reached:
    """Run a stretch that begins so many steps after the batch's first."""
    window = {name: course[step : step + stretch.steps] for name, course in batch.courses.items()}
    since = batch.begin + step
    probes = batch.probes.window(step, stretch.steps)
    after, recorded, made = run_steps(stretch, fixed, window, since, row=batch.row, probes=probes)
    after, summed = split_sums(after)
    last = {name: moment_of(stretch, name, course[-1], batch.row) for name, course in window.items()}
    return replace(
        reached(stretch, fixed, {**last, **after}, since + made - 1),
        after=after,
        recorded=recorded,
        made=made,
        summed=summed,
    )


def reached(stretch: Stretch, fixed: Fixed, after: Arrays, number: Any) -> Reached:
    """Where a stretch ends whose last step has this number, and `after` that step are these values."""
    # The time is that of the last step, whose state is read.
    times = last_spikes(stretch.plan, after, stretch.dt) | {"t": time_of(number, stretch.dt)}
    return Reached({**fixed.values, **after, **times}, after, {}, stretch.steps)


def _learned_in_steps(request: Request, phase: Phase, reached: Reached) -> list[str]:
    """The learned variables that a phase's steps have changed."""
    learning = acting(request.circuit, phase, learn=request.learn)
    names = [f"{pathway.name}.{variable}" for pathway in learning for variable in pathway.synapse.learned]
    return [name for name in names if name in reached.after]


def _note_what_broke(request: Request, live: Sequence[str], reached: Reached, outcome: Outcome) -> None:
    """Note the variables that are not finite, as far as they are watched."""
    if request.watch == "ends":
        for name in (name for name in live if not name.endswith(".spikes")):
            outcome.broken[name] = outcome.broken.get(name, False) | ~jnp.all(jnp.isfinite(reached.after[name]))
    elif request.watch == "steps":
        outcome.broken |= {n.removesuffix(BROKEN): a for n, a in reached.after.items() if n.endswith(BROKEN)}


def _learn(request: Request, phase: Phase, end: Snapshot, held: Arrays, trials: int, outcome: Outcome) -> None:
    """Add the increments of the rules that act when a phase is over and what it holds is held."""
    if ending := at_end(request.circuit, phase, request.learn):
        now = after_holds(end.plan, end, held)
        for pathway in ending:
            outcome.add(increments(now, pathway.name, trials, PHASE_END))


def _delays(circuit: Circuit, setting: Setting) -> Arrays:
    """The delays of synapses that have their own, in steps."""
    if setting.steady:
        return {}
    delays = {pathway.name: delay_of(circuit, pathway.name, setting.dt).each for pathway in circuit.pathways}
    return {delays_name(name): each.astype(np.int32) for name, each in delays.items() if each is not None}


def _noise_of(circuit: Circuit, phase: Phase, batch: Batch, dtype: Any) -> Arrays:
    """The held noise of a phase, as given or drawn."""
    given = batch.noise.get(phase.name)
    return dict(given) if given is not None else draw_noise(circuit, phase, batch.keys, batch.presentations, dtype)


def _final(circuit: Circuit, current: Arrays, trials: int, dtype: Any, dt: float) -> Arrays:
    """The slots at the end, each trial's own."""
    return {
        # A constant that a phase holds may be a whole number.
        name: jnp.broadcast_to(current[name], (trials, *slot.shape)).astype(slot.dtype or dtype)
        for name, slot in slots(circuit, dt).items()
        if name in current and slot.per_trial
    }


def _at_rest(graph: Plan, current: Arrays, values: Mapping[str, Any], dt: float) -> Arrays:
    """Everything but the neurons' state, which is what it was at the presentation's start."""
    resting = {name: slot for name, slot in slots(graph.circuit, dt).items() if slot.at_rest}
    kept = {name: array for name, array in current.items() if name not in resting}
    return kept | {name: values[name] for name, slot in resting.items() if slot.start is None and name in values}


def _switches(circuit: Circuit, phase: Phase, dtype: Any) -> Arrays:
    return {name: jnp.asarray(value, dtype) for name, value in _numbers(circuit, phase).items()}


def _numbers(circuit: Circuit, phase: Phase) -> dict[str, float]:
    """The switches that a phase sets, qualified."""
    numbers = {}
    for population, model in plan(circuit).models.items():
        for name, value in phase.switches.items():
            equation = model.equation_set.by_name.get(name)
            if equation is not None and "shared" in equation.flags:
                numbers[f"{population}.{name}"] = float(value)
    return numbers


@functools.lru_cache(maxsize=64)
def live_in(request: Request) -> Mapping[str, tuple[str, ...]]:
    """The variables that each phase advances."""
    circuit = request.circuit
    if request.setting.steady:
        return {}
    graph = plan(circuit)
    asked = [
        asked_at_end(circuit, graph, phase) | request.wanted if phase in request.run else set()
        for phase in circuit.phases
    ]
    restarts, switches = [p.restart for p in circuit.phases], [_numbers(circuit, p) for p in circuit.phases]
    live_variables = lives(graph, asked, restarts=restarts, switches=switches, all_at_end=circuit.carry)
    return {phase.name: live for phase, live in zip(circuit.phases, live_variables, strict=True)}


def _full(circuit: Circuit, name: str, value: Any, trials: int) -> Any:
    population = circuit.population.get(name.rpartition(".")[0])
    return jnp.broadcast_to(value, (trials, population.size if population else 1))
