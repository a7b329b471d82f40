"""Simulate a neuron or a circuit, and record its variables over time as labelled arrays.

(Over 300 lines: a third of them documents the arguments of one function.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from neurosim import registry
from neurosim.border import COUNT, ENGINE, FLAG, NAMES, PATH, PRECISION, SEED, TARGET, TIME, instance, optional, public
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.composition import compose
from neurosim.engines._engine import Engine
from neurosim.engines.given_state import given_state
from neurosim.engines.setting import Setting
from neurosim.engines.slots import Continuation, neuron_variables
from neurosim.engines.state import State, initial_state
from neurosim.engines.stimuli import Stimulus
from neurosim.errors import ArgumentError, CircuitError, NumericalError
from neurosim.neurons._model import NeuronModel
from neurosim.recording.ends import End, check_end, read_end, store_end, weights_in
from neurosim.recording.exchange import numbered
from neurosim.recording.inputs import apply_inputs
from neurosim.recording.setup import circuit_of, shortened, tell_of_frozen_weights, varying
from neurosim.recording.store import Recorded, RecordingWriter, open_recording
from neurosim.recording.variables import asked_names, recorded
from neurosim.units import parse_quantity

if TYPE_CHECKING:
    import xarray

# Bytes recorded before they are written.
_PIECE = 48 << 20
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
    learn: Literal[False] | None = None,
) -> xarray.Dataset:
    """Simulate without learning.

    Parameters
    ----------
    model
        A neuron, or a circuit.
    duration
        A quantity such as ``"1 second"`` (or seconds). Without it, a circuit runs through its phases; with it, for that
        long with the switches of its first phase.
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
        Variables to return, by default all state variables and spikes.
    seed
        Random seed of initial weights and noise.
    dtype
        Precision.
    state
        Weights, parameters and starts of state variables in place of initial ones, see `neurosim.engines.state`:
        ``{"W1.w": weights, "hidden1.v": "-60 mV"}``, of a bare neuron ``{"v": array}``; of neurons a number, ``(n,)``
        or ``(trial, n)``. Plain numbers are in SI units.
    out
        A new Zarr store for the recordings. They are written during the run, so that a long recording need not fit into
        memory, and the dataset reads them lazily. Phases are recorded as a whole.
    store, restore
        A file for where this simulation ends, and one of where to go on: neurons with spikes on their way and their
        refractoriness, weights, noise. With the same model, seed and inputs, 100 steps, stored and restored
        in another process, and 100 more have the same bits as 200. Inputs over time are those of this call.
    learn
        ``False`` states that weights are meant to stay constant. Rules never act here; without this argument a circuit
        with rules gets a warning (`neurosim.NeurosimWarning`).

    Returns
    -------
    xarray.Dataset
        Variables with dims ``(time, trial, neuron)``, in SI units given by their attribute ``units``; ``time``
        is the start of each step in seconds, which a restored simulation counts on; trials and neurons are numbered by
        coordinates, which a selection keeps. Spikes are a boolean variable.
        In circuits of several populations the last dimension is ``neuron_<population>``.

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
    """
    tell_of_frozen_weights(model, learn)
    if target != "numpy" and not _has_target(engine):
        raise ArgumentError(
            "target", target, f"none with the engine '{engine}': it is of Brian2's code, engine='brian'"
        )
    step = parse_quantity(dt, "second") if isinstance(dt, str) else dt
    whole = duration is None and not isinstance(model, NeuronModel)
    described = circuit_of(model, cast("float | None", duration), n, method)
    steps = sum(phase.steps(step) for phase in described.phases)
    circuit, given = apply_inputs(described, inputs or {}, steps=steps, trials=trials, dt=step)
    # A run's state also holds variables of rules, and of phases that are not simulated.
    whose = None if isinstance(model, NeuronModel) else model
    checked = given_state(described, state or {}, trials=trials, beside=whose)
    own = {name: array.astype(dtype) for name, array in checked.items()}
    circuit = varying(circuit, own, given.state.keys() | given.stimuli.keys())
    names = asked_names(circuit, record)
    spiking = any(neuron.threshold is not None for neuron in compose(circuit).values())
    setting = Setting("spiking" if spiking else "rate", step, dtype)
    if whole and (store is not None or restore is not None):
        raise CircuitError("phases cannot be gone on with: give a duration to store where it ends, or to restore")
    start, values = _start(circuit, seed, setting, trials, restore, own)
    values |= {name: array for name, array in own.items() if name in values} | given.state
    run = _Run(engine, target, circuit, setting, values, given.stimuli, names, seed, trials, start)
    run.keeping = store is not None or (not whole and target != "cpp_standalone")
    variables = recorded(circuit, names, steps=steps, trials=trials, dtype=dtype, bare=isinstance(model, NeuronModel))
    dataset = _recorded(run, variables, steps, None if out is None else Path(out), whole=whole)
    if store is not None:
        assert run.start is not None
        store_end(Path(store), End(run.start, weights_in(circuit, values), step, seed, trials))
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


@dataclass
class _Run:
    """A simulation that runs piece by piece.

    Attributes
    ----------
    names
        What is recorded, qualified.
    start
        Where it stands; none before it has begun.
    keeping
        Whether that is kept. It is even if nobody asks, so that what runs does not depend on how it is cut; standalone
        code cannot.
    """

    engine: str
    target: Any
    circuit: Circuit
    setting: Setting
    values: State
    stimuli: Mapping[str, Stimulus]
    names: Sequence[str]
    seed: int
    trials: int
    start: Continuation | None
    keeping: bool = True

    def pieces(self, steps: int, piece: int) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """Run so many steps, and so many at a time; gives the number of the first, and what is recorded from there."""
        begin, dt = self.start.step if self.start is not None else 0, self.setting.dt
        for first in range(0, steps, piece):
            length = min(piece, steps - first)
            part = self.circuit if length == steps else shortened(self.circuit, length, dt)
            _, outputs = _engine(self.engine, part, self.setting, self.target).run(
                self.values,
                {name: stimulus.in_steps(first, length) for name, stimulus in self.stimuli.items()},
                seed=self.seed,
                record=self.names,
                learn=False,
                trials=self.trials,
                watch=True,
                start=self.start,
                keep=self.keeping,
            )
            self.start = outputs.end
            found = {name: np.asarray(outputs.recordings[name]) for name in self.names}
            for name, array in found.items():
                _check_finite(name, array, dt, begin + first)
            if outputs.broken is not None:
                raise outputs.broken.error(dt)
            yield first, found


def _recorded(
    run: _Run, variables: Mapping[str, Recorded], steps: int, out: Path | None, *, whole: bool
) -> xarray.Dataset:
    """Run to the end, into a Zarr store if there is one, else into memory."""
    sizes = [np.dtype(v.dtype).itemsize * v.shape[1] * v.shape[2] for v in variables.values()]
    piece = steps if out is None or whole else max(1, min(steps, _PIECE // max(1, sum(sizes))))
    begin, dt = run.start.step if run.start is not None else 0, run.setting.dt
    time = dt * np.arange(begin, begin + steps)
    attrs = {"model": run.circuit.name, "dt": dt}
    labelled = ((first, dict(zip(variables, found.values(), strict=True))) for first, found in run.pieces(steps, piece))
    if out is None:
        return _recorded_in_memory(labelled, variables, time, attrs)
    with RecordingWriter(out, variables, time=time, attrs=attrs, piece=piece) as writer:
        for first, found in labelled:
            writer.write(first, found)
    return open_recording(out)


def _has_target(engine: str) -> bool:
    return "target" in registry.load("engines", engine).Config.model_fields


def _engine(kind: str, circuit: Circuit, setting: Setting, target: str) -> Engine:
    module = registry.load("engines", kind)
    own = {"target": target} if _has_target(kind) else {}
    # The shortest text that is this number.
    dt = f"{float(setting.dt)!r} second"
    return module.build(module.Config(kind=kind, level=setting.level, dt=dt, dtype=setting.dtype, **own), circuit)


def _recorded_in_memory(
    pieces: Iterable[tuple[int, dict[str, np.ndarray]]],
    variables: Mapping[str, Recorded],
    time: np.ndarray,
    attrs: Mapping[str, Any],
) -> xarray.Dataset:
    import xarray

    ((_, found),) = pieces
    arrays = {n: xarray.Variable(v.dims, found[n], {"units": v.unit}) for n, v in variables.items()}
    coords = {"time": xarray.Variable("time", time, {"units": "second"})}
    return numbered(xarray.Dataset(arrays, coords=coords, attrs=attrs))


def _check_finite(name: str, array: np.ndarray, dt: float, begin: int) -> None:
    if array.dtype != bool and not (finite := np.isfinite(array)).all():
        step, trial, neuron = np.argwhere(~finite)[0]
        raise NumericalError(
            f"'{name}' stopped being finite at {(begin + step) * dt * 1e3:g} ms (trial {trial}, neuron {neuron}); "
            "is the time step too long for the method?"
        )
