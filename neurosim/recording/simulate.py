"""Simulate a neuron or a circuit, and record its variables over time as labelled arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from neurosim.border import (
    COUNT,
    ENGINE,
    FLAG,
    NAMES,
    PATH,
    PRECISION,
    SEED,
    TARGET,
    TIME,
    instance,
    one_of,
    optional,
    public,
)
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.circuit.delays import refuse_beyond
from neurosim.engines.given_state import given_state
from neurosim.engines.own_weights import refuse_too_many, with_trials
from neurosim.engines.setting import Setting
from neurosim.engines.slots import Continuation, neuron_variables
from neurosim.engines.state import State, initial_state
from neurosim.errors import ArgumentError, CircuitError
from neurosim.neurons._model import NeuronModel
from neurosim.recording.collecting import InMemory, OnDisk, Results
from neurosim.recording.ends import End, check_end, read_end, store_end, weights_in
from neurosim.recording.inputs import apply_inputs
from neurosim.recording.layout import Layout, Span, layout
from neurosim.recording.progress import SimulationProgress, parts_of
from neurosim.recording.running import SimulationRun, has_target
from neurosim.recording.setup import circuit_of, learning_pathways, refuse_parts, varying
from neurosim.recording.variables import asked
from neurosim.units import parse_quantity

if TYPE_CHECKING:
    import xarray

# Bytes recorded before they are written.
PIECE = 48 << 20
_MODEL = instance(
    NeuronModel, Circuit, expected="a NeuronModel or a Circuit; that of a model file is neurosim.load(name).circuit"
)
_GIVEN = optional(instance(Mapping, expected="names and values, such as {'i_ext': '1 nA'}"))


@public(
    model=_MODEL,
    duration=optional(TIME),
    n=COUNT,
    trials=COUNT,
    inputs=_GIVEN,
    engine=ENGINE,
    dt=TIME,
    method=optional(instance(str, expected="the name of an integration method, such as 'euler'")),
    record=optional(NAMES),
    seed=SEED,
    dtype=PRECISION,
    state=_GIVEN,
    target=TARGET,
    out=optional(PATH),
    store=optional(PATH),
    restore=optional(PATH),
    learn=optional(FLAG),
    every=optional(instance(Mapping, expected="what is recorded and times, such as {'EE.w': '100 ms'}")),
    spikes=one_of("array", "events"),
    progress=optional(FLAG),
)
def simulate(
    model: NeuronModel | Circuit,
    duration: str | float | None = None,
    *,
    n: int = 1,
    trials: int = 1,
    inputs: Mapping[str, Any] | None = None,
    engine: str = "batched",
    dt: str | float = "0.1 ms",
    method: str | None = None,
    record: Sequence[str] | None = None,
    seed: int = 0,
    dtype: Literal["float32", "float64"] = "float64",
    state: Mapping[str, Any] | None = None,
    target: Literal["numpy", "cython", "cpp_standalone"] = "numpy",
    out: str | Path | None = None,
    store: str | Path | None = None,
    restore: str | Path | None = None,
    learn: bool | None = None,
    every: Mapping[str, Any] | None = None,
    spikes: Literal["array", "events"] = "array",
    progress: bool | None = None,
) -> xarray.Dataset:
    """Simulate, with learning where phases name pathways in ``learn``.

    Each trial is a network of its own: its rules change its own weights, as in a simulation of one trial.

    Parameters
    ----------
    model
        A neuron, or a circuit.
    duration
        A quantity such as ``"1 second"`` (or seconds). Without it, a circuit runs through its phases; with it, its
        first phase lasts that long, and its others do not run. In a circuit without phases all rules act.
    n
        Number of neurons, for a bare neuron.
    trials
        Number of independent trials, all run in this call.
    inputs
        Parameters to set: constants with units (``{"i_ext": "1.2 nA"}``), arrays over neurons ``(n,)`` or trials
        ``(trial, n)``, in SI units or as Brian2 quantities, or what changes in time:
        ``neurosim.over_time(array)`` of shape ``(time,)``, ``(time, n)`` or ``(time, trial, n)``. An
        `xarray.DataArray` has its axes by name. In a circuit, names are qualified: ``"hidden1.i_ext"``; what its
        readout wants is ``"output.target"``, zero unless given. Numbers for white noise ``xi`` are given likewise.
        Neurons that fire when told take ``{"P.spikes": (times, indices)}``, or a list with such a pair for each trial.
    engine, target
        ``batched`` (all trials at once) or ``brian`` (one after the other, with Brian2's code generation target).
    dt
        Time step.
    method
        Integration method of a bare neuron, instead of its own.
    record
        What to return, by default all state variables and spikes. Of a variable (``"E.v"``, a weight ``"EE.w"``,
        another variable of a synapse ``"EE.x"``) some neurons or synapses (``"E.v[:10]"``, ``"EE.w[::100]"``), or the
        ``mean`` or ``sum`` over them (``"mean(E.spikes)"``). Synapses are numbered as the array of weights lies in
        memory. Nothing else is kept during the run.
    every
        What is recorded -> the time between two samples: ``{"EE.w": "100 ms"}``, for all texts of that variable, or
        for one text. Such a variable has a time of its own, ``time_EE.w``.
    spikes
        ``"array"``: a truth value for each neuron and step. ``"events"``: the times, trials and neurons of spikes,
        ``E.spike_time``, ``E.spike_trial`` and ``E.spike_neuron`` along ``spike_E``; memory grows with the number of
        spikes only.
    seed
        Random seed of initial weights and noise.
    dtype
        Precision.
    state
        Weights, parameters and starts of state variables in place of initial ones, see `neurosim.engines.state`:
        ``{"W1.w": weights, "hidden1.v": "-60 mV"}``, of a bare neuron ``{"v": array}``; of neurons a number, ``(n,)``
        or ``(trial, n)``, of synapses also with an axis of trials in front. Plain numbers are in SI units.
    out
        A new Zarr store for the recordings. They are written during the run, so that a long recording need not fit into
        memory, and the dataset reads them lazily. Phases are recorded as a whole.
    store, restore
        A file for where this simulation ends, and one of where to go on: neurons with spikes on their way and their
        refractoriness, traces, weights as they were learned, noise. With the same model, seed and inputs, 100 steps,
        stored and restored in another process, and 100 more have the same bits as 200. Inputs over time are those of
        this call.
    learn
        Whether rules act: by default those that the phases that run name in ``learn``. A rule at the end of a phase
        acts once, when the simulation is over. ``False``: weights stay as they are. Without this argument there is a
        warning (`neurosim.NeurosimWarning`) if the circuit has rules and none acts.
    progress
        Whether to show how far it is once it takes more than two seconds: by default on a terminal (on standard error)
        and in a notebook; ``True`` also where neither is, as a line every ten seconds. Results are the same.

    Returns
    -------
    xarray.Dataset
        Variables with dims ``(time, trial, neuron)``, in SI units given by their attribute ``units``; ``time``
        is the start of each step in seconds, which a restored simulation counts on; trials and neurons are numbered by
        coordinates, which a selection keeps. Spikes are a boolean variable.
        In circuits of several populations the last dimension is ``neuron_<population>``. Variables are called like the
        texts in `record`; a selection has a dimension of its own, ``neuron_E[:10]``, whose coordinate has the numbers.
        What was learned is there as it is at the end, ``EE.w`` with dims ``(trial, post, pre)`` or ``(trial, synapse)``
        (with the pathway's name, ``post_EE``, where there are several); it is called ``end(EE.w)`` if ``"EE.w"`` is
        recorded, too.

    Raises
    ------
    ArgumentError, CircuitError, UnitError, EquationError
        Arguments that do not fit.
    ConfigError, DataError
        An existing store, a missing or damaged file, a full disk.
    NumericalError
        If a variable stops being finite, naming it and the time.

    Examples
    --------
    >>> neuron = NeuronModel("dv/dt = (i_ext - v)/tau : 1", parameters={"tau": "10 ms", "i_ext": 1})
    >>> round(float(simulate(neuron, "10 ms").v[-1, 0, 0]), 3)
    0.628
    >>> means = simulate(neuron, "10 ms", n=5, record=["mean(v)", "v[:2]"], every={"mean(v)": "5 ms"})
    >>> means["mean(v)"].dims, means["v[:2]"].dims, means["time_mean(v)"].values.tolist()
    (('time_mean(v)', 'trial'), ('time', 'trial', 'neuron[:2]'), [0.0, 0.005])
    """
    if target != "numpy" and not has_target(engine):
        raise ArgumentError(
            "target", target, f"none with the engine '{engine}': it is of Brian2's code, engine='brian'"
        )
    step = parse_quantity(dt, "second") if isinstance(dt, str) else dt
    whole = duration is None and not isinstance(model, NeuronModel)
    if whole and (store is not None or restore is not None):
        raise CircuitError("phases cannot be gone on with: give a duration to store where it ends, or to restore")
    described = circuit_of(model, cast("float | None", duration), n, method, learn=learn)
    learning = learning_pathways(model, described, learn)
    if store is not None or restore is not None:
        refuse_parts(learning)
    steps = sum(phase.steps(step) for phase in described.phases)
    if store is None and restore is None:
        refuse_beyond(described, steps, step)
    circuit, given = apply_inputs(described, inputs or {}, steps=steps, trials=trials, dt=step)
    if learning:
        refuse_too_many(circuit, trials, dtype)
    # A run's state also holds variables of rules, and of phases that are not simulated.
    whose = None if isinstance(model, NeuronModel) else model
    checked = given_state(described, state or {}, trials=trials, beside=whose, own_weights=True)
    own = {name: array.astype(dtype) for name, array in checked.items()}
    circuit = varying(circuit, own, given.state.keys() | given.stimuli.keys())
    records = asked(circuit, record, every, dt=step)
    spiking = any(neuron.threshold is not None for neuron in compose(circuit).values())
    setting = Setting("spiking" if spiking else "rate", step, dtype)
    start, values = _start(circuit, seed, setting, trials, restore, own)
    values |= {name: array for name, array in own.items() if name in values} | given.state
    run = SimulationRun(engine, target, circuit, setting, values, given.stimuli, records, seed, trials, start)
    run.learning = bool(learning)
    run.own_weights = run.learning or bool(with_trials(circuit, values))
    run.keeping = store is not None or (not whole and target != "cpp_standalone")
    span = Span(start.step if start is not None else 0, steps, step)
    bare, events = isinstance(model, NeuronModel), spikes == "events"
    settings: dict[str, Any] = {"trials": trials, "dtype": dtype, "bare": bare, "events": events}
    plan = layout(circuit, records, learning, span, held=out is None, **settings)
    with SimulationProgress(progress, f"simulating {circuit.name}") as shown:
        dataset = _recorded(run, plan, span, None if out is None else Path(out), shown, whole=whole)
    if store is not None:
        assert run.start is not None
        store_end(Path(store), End(run.start, weights_in(circuit, run.values), step, seed, trials))
    return dataset


def _start(
    circuit: Circuit,
    seed: int,
    setting: Setting,
    trials: int,
    restore: str | Path | None,
    own: Mapping[str, Any],
) -> tuple[Continuation | None, State]:
    """Where a simulation begins, and with which state; `own` is the state that the user gives."""
    values = initial_state(circuit, seed, dtype=setting.dtype)
    if restore is None:
        return None, values
    end = read_end(Path(restore))
    check_end(end, circuit, dt=setting.dt, seed=seed, trials=trials, path=Path(restore))
    if twice := [name for name in neuron_variables(circuit) if name in own]:
        raise CircuitError(f"state: '{twice[0]}' is given, and restore= sets it, too; leave one of them out")
    return end.continuation, values | end.weights


def _recorded(
    run: SimulationRun, plan: Layout, span: Span, out: Path | None, shown: SimulationProgress, *, whole: bool
) -> xarray.Dataset:
    """Run to the end, into a Zarr store if there is one, else into memory."""
    cut = not whole and run.keeping
    pieces = cut and (out is not None or bool(plan.events))
    piece = max(1, min(span.steps, int(PIECE // max(1, plan.bytes_a_step)))) if pieces else span.steps
    if cut and shown.shown and out is None and run.can_be_cut:
        piece = min(piece, -(-span.steps // parts_of(run.circuit, span.steps, run.trials)))
    attrs = {"model": run.circuit.name, "dt": span.dt}
    if out is None:
        results: Results = InMemory(plan, span, attrs)
    else:
        results = OnDisk(plan, span, attrs, out, piece)
    with results:
        for first, arrays in run.pieces(span.steps, piece, shown):
            results.add(first, arrays)
        results.end(run.values)
    return results.dataset()
