"""One presentation of a batch of trials: all phases in order, what they hold, what they learn.

(Over 300 lines: like `stepping`, the order of operations stands in one file.)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import jax.numpy as jnp

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.description import PERTURB, Phase
from neurosim.circuit.moments import PHASE_END, STEP, Learn, acting
from neurosim.circuit.plan import Plan, plan, resolve
from neurosim.circuit.plasticity import UPDATE_NOISE
from neurosim.engines._engine import Call, limits_met, refuse
from neurosim.engines.batched.before_phases import LEFT, changes_at_beginning
from neurosim.engines.batched.learning import increments
from neurosim.engines.batched.limits import LIMITS
from neurosim.engines.batched.live_variables import asked_at_end, lives
from neurosim.engines.batched.snapshot import Arrays, Snapshot, derived_weights, time_of
from neurosim.engines.batched.stepping import BROKEN, Stretch, last_spikes, rows, run_steps
from neurosim.engines.noise import draw_noise, draw_update_noise
from neurosim.engines.setting import Setting
from neurosim.engines.slots import slots
from neurosim.equations.array_code import expression_function

Watch = Literal["", "ends", "steps"]


@dataclass
class Outcome:
    """What a presentation gives.

    Attributes
    ----------
    ends
        ``phase -> variable -> array`` for the variables asked for at the phases' ends.
    changes
        Increments of learned variables, to be added to the state.
    final
        The slots of all trials at the end, ``(trial, n)``, for traces of synapses ``(trial, n_post, n_pre)``.
    recordings
        Variables at every step, ``(step, trial, neuron)``.
    steps
        How many each phase made, where there is time.
    broken
        Of live variables, whether they were not finite when a phase ended, or at which step first, if that was watched:
        what is not finite stays so until the neurons begin anew.
    """

    ends: dict[str, Arrays] = field(default_factory=dict)
    changes: Arrays = field(default_factory=dict)
    final: Arrays = field(default_factory=dict)
    recordings: Arrays = field(default_factory=dict)
    steps: dict[str, Any] = field(default_factory=dict)
    broken: Arrays = field(default_factory=dict)


def present(
    circuit: Circuit,
    setting: Setting,
    values: Mapping[str, Any],
    stimuli: Mapping[str, Any],
    keys: Mapping[str, Any],
    presentations: Any,
    *,
    noise: Mapping[str, Mapping[str, Any]] | None = None,
    report: Sequence[str] = (),
    record: Sequence[str] = (),
    learn: Learn = True,
    perturbations: Mapping[str, Any] | None = None,
    phases: Sequence[str] | None = None,
    begin: Any = 0,
    sparse: Collection[str] = (),
    row: Any = None,
    watch: Watch = "",
) -> Outcome:
    """Present one batch of trials; pure, to be compiled by the caller.

    Parameters
    ----------
    values
        The state, see `neurosim.engines.state`.
    stimuli
        ``population.variable -> (trial, n)``, or ``(step, trial, n)`` for a course over the presentation.
    keys
        Of `noise_keys`.
    presentations
        Running numbers of the trials' presentations, shape (trial,).
    noise
        Held noise to use instead of drawing it: ``phase -> population.variable -> (trial, n)``, and
        ``pathway.noise -> (trial, n_post, n_pre)``.
    report
        Variables wanted at the end of each phase.
    record
        Variables wanted at every step.
    learn
        Whether rules act, or the pathways whose rules do.
    perturbations
        Arrays added to named variables throughout.
    phases
        Names of the phases to run instead of all.
    begin
        The number of the first step, if an earlier part of the presentation was another call.
    sparse
        Stimuli that change in time and are mostly zero.
    row
        The first trial of courses over the presentation that have more trials than are presented.
    watch
        What to note of variables that are not finite: whether they were at the ``ends`` of phases, or the first of all
        ``steps``.
    """
    graph = plan(circuit, steady=setting.steady)
    run = [phase for phase in circuit.phases if phases is None or phase.name in phases]
    trials = jnp.shape(presentations)[0]
    dtype = jnp.dtype(setting.dtype)
    courses = {name: a for name, a in stimuli.items() if jnp.ndim(a) == 3}
    call = Call(phases, learn, record=record, courses=tuple(courses))
    refuse(limits_met(LIMITS, circuit, setting, call))
    outcome = Outcome()
    live = _live(circuit, graph, report, record, phases, setting)
    outcome.changes |= changes_at_beginning(graph, {**values, "dt": jnp.asarray(setting.dt, dtype)}, run, learn)
    values = {**values, **{name: values[name] + change for name, change in outcome.changes.items()}}
    leaves = {name: a for name, a in values.items() if name not in graph.nodes}
    current: Arrays = {**leaves, **{name: a for name, a in stimuli.items() if jnp.ndim(a) < 3}}
    current |= {f"{pathway.name}.noise": jnp.zeros((), dtype) for pathway in circuit.perturbed}
    current |= derived_weights(circuit, values)
    step = 0
    for phase in run:
        # At the steady level every phase is at its fixed points, whatever came before.
        if phase.restart and not setting.steady:
            current = _at_rest(graph, current, values)
        given = (noise or {}).get(phase.name)
        current |= dict(given) if given is not None else draw_noise(circuit, phase, keys, presentations, dtype)
        switched = {**current, **_switches(circuit, phase, dtype), **_on_weights(circuit, phase, current)}
        stepping = acting(circuit, phase, STEP, learn)
        if setting.steady:
            watch, after = "", {}
            since, made = begin, 0
        else:
            stretch = Stretch(
                graph,
                live[phase.name],
                tuple(pathway.name for pathway in stepping),
                tuple(record),
                phase.steps(setting.dt),
                setting.dt,
                trials,
                dtype,
                setting.surrogate_width,
                setting.surrogate_reset,
                phase.until,
                tuple(name for name in sparse if name in courses),
                watch == "steps",
            )
            window = {name: course[step : step + stretch.steps] for name, course in courses.items()}
            since = begin + step
            after, recorded, made = run_steps(stretch, switched, window, keys, presentations, since, perturbations, row)
            outcome.steps[phase.name] = made
            for name, course in recorded.items():
                outcome.recordings.setdefault(name, []).append(course)
            step += stretch.steps
            switched |= {name: rows(course[-1], row, trials) for name, course in window.items()}
        # The time is that of the last step, whose state is read.
        times = {} if setting.steady else last_spikes(graph, after, setting.dt)
        times |= {} if setting.steady else {"t": time_of(since + made - 1, setting.dt)}
        end = Snapshot(
            graph,
            {**switched, **after, **times, "dt": jnp.asarray(setting.dt, dtype)},
            perturbations=perturbations,
            switches=_numbers(circuit, phase),
        )
        if watch == "ends":
            for name in (name for name in stretch.live if not name.endswith(".spikes")):
                outcome.broken[name] = outcome.broken.get(name, False) | ~jnp.all(jnp.isfinite(after[name]))
        elif watch == "steps":
            outcome.broken |= {n.removesuffix(BROKEN): a for n, a in after.items() if n.endswith(BROKEN)}
        outcome.ends[phase.name] = {name: _full(circuit, name, end[name], trials) for name in report}
        held = _hold(circuit, phase, end)
        current |= after | held
        if ending := acting(circuit, phase, PHASE_END, learn):
            now = _after_holds(graph, end, held)
            for pathway in ending:
                for name, change in increments(now, pathway.name, trials).items():
                    outcome.changes[name] = outcome.changes.get(name, 0.0) + change
        for name in (f"{pathway.name}.{variable}" for pathway in stepping for variable in pathway.rule.learned):
            outcome.changes[name] = after[name] - values[name]
    outcome.recordings = {name: jnp.concatenate(parts) for name, parts in outcome.recordings.items()}
    for name, slot in slots(circuit).items():
        if name in current and slot.per_trial:
            # A constant that a phase holds may be a whole number.
            full = jnp.broadcast_to(current[name], (trials, *slot.shape)).astype(slot.dtype or dtype)
            outcome.final[name] = full
    return outcome


def update_noise(
    circuit: Circuit,
    acting: Collection[str],
    keys: Mapping[str, Any],
    batch: Any,
    values: Mapping[str, Any],
    dtype: Any,
) -> tuple[Arrays, Arrays]:
    """Normal numbers for a batch's updates: what rules read, and what updates leave on the weights.

    Parameters
    ----------
    acting
        Pathways that learn in this batch.
    batch
        Running number of the batch, shape (1,).

    Returns
    -------
    tuple
        What a presentation reads, ``pathway.update_noise`` and what rules leave that act at its beginning; and of the
        other pathways with noise of their updates ``pathway.w``: times its standard deviation and the learning rate.
    """
    pathways = [circuit.pathway[name] for name in sorted(acting) if f"update:{name}" in keys]
    drawn = {pathway.name: draw_update_noise(circuit, pathway.name, keys, batch, dtype) for pathway in pathways}
    read, left = {f"{name}.{UPDATE_NOISE}": array for name, array in drawn.items()}, {}
    for pathway in pathways:
        if pathway.update_noise is not None:
            array = values[f"{pathway.name}.learning_rate"] * pathway.update_noise * drawn[pathway.name]
            if not pathway.rule.moment.sees_activity:
                read[f"{pathway.name}.{LEFT}"] = array
            else:
                left[f"{pathway.name}.w"] = array
    return read, left


def _at_rest(graph: Plan, current: Arrays, values: Mapping[str, Any]) -> Arrays:
    """Everything but the neurons' state, which is what it was at the presentation's start."""
    resting = {name: slot for name, slot in slots(graph.circuit).items() if slot.at_rest}
    kept = {name: array for name, array in current.items() if name not in resting}
    return kept | {name: values[name] for name, slot in resting.items() if slot.start is None and name in values}


def _switches(circuit: Circuit, phase: Phase, dtype: Any) -> Arrays:
    return {name: jnp.asarray(value, dtype) for name, value in _numbers(circuit, phase).items()}


def _numbers(circuit: Circuit, phase: Phase) -> dict[str, float]:
    """The switches that a phase sets, qualified."""
    found = {}
    for population, model in plan(circuit).models.items():
        for name, value in phase.switches.items():
            equation = model.equation_set.by_name.get(name)
            if equation is not None and "shared" in equation.flags:
                found[f"{population}.{name}"] = float(value)
    return found


def _on_weights(circuit: Circuit, phase: Phase, values: Mapping[str, Any]) -> Arrays:
    """What held noise adds to the weights, with a trial axis, if the phase switches it on and any was drawn."""
    on = phase.switches.get(PERTURB, 0.0)
    noise = {pathway.name: values[f"{pathway.name}.noise"] for pathway in circuit.perturbed if on}
    return {
        f"{name}.perturbation": on * values[f"{name}.sigma"] * drawn for name, drawn in noise.items() if jnp.ndim(drawn)
    }


def _hold(circuit: Circuit, phase: Phase, end: Snapshot) -> Arrays:
    """Assign what the phase holds, in order, each seeing the earlier ones."""
    held: Arrays = {}
    for item in phase.hold:
        now = _after_holds(end.plan, end, held) if held else end
        function = expression_function("held", item.statement.expression)
        arguments = {a: now[resolve(circuit, item.population, a)] for a in function.arguments}
        held[item.target] = now.call(function, arguments)
    return held


def _after_holds(graph: Plan, end: Snapshot, held: Arrays) -> Snapshot:
    """The snapshot with held variables replaced; inputs stay, expressions of held variables are computed anew."""
    affected = {name for name in graph.nodes if graph.leaves_of([name]) & held.keys()}
    kept = {n: a for n, a in end.values.items() if n not in affected or graph.nodes[n].kind != "expression"}
    return Snapshot(graph, {**kept, **held}, inputs=end, perturbations=end.perturbations, switches=end.switches)


def _live(
    circuit: Circuit,
    graph: Plan,
    report: Sequence[str],
    record: Sequence[str],
    phases: Sequence[str] | None,
    setting: Setting,
) -> dict[str, tuple[str, ...]]:
    if setting.steady:
        return {}
    asked = []
    for phase in circuit.phases:
        chosen = phases is None or phase.name in phases
        asked.append(asked_at_end(circuit, graph, phase) | {*report, *record} if chosen else set())
    restarts, switches = [p.restart for p in circuit.phases], [_numbers(circuit, p) for p in circuit.phases]
    found = lives(graph, asked, restarts=restarts, switches=switches, all_at_end=circuit.carry)
    return {phase.name: live for phase, live in zip(circuit.phases, found, strict=True)}


def _full(circuit: Circuit, name: str, value: Any, trials: int) -> Any:
    population = circuit.population.get(name.rpartition(".")[0])
    return jnp.broadcast_to(value, (trials, population.size if population else 1))
