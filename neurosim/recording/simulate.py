"""Run a neuron or a circuit and get its variables over time as labelled arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neurosim.circuit.composition import compose
from neurosim.circuit.description import Circuit, Phase, Population
from neurosim.circuit.plan import plan
from neurosim.engines.setting import Setting
from neurosim.engines.state import initial_state
from neurosim.errors import CircuitError, NumericalError
from neurosim.neurons._model import NeuronModel
from neurosim.recording.inputs import apply_inputs
from neurosim.units import parse_quantity

if TYPE_CHECKING:
    import xarray

#: The name of the only population when a bare neuron is simulated.
ALONE = "neuron"


def simulate(
    model: NeuronModel | Circuit,
    duration: str | float | None = None,
    *,
    n: int = 1,
    trials: int = 1,
    inputs: Mapping[str, Any] | None = None,
    engine: Literal["brian", "batched"] = "batched",
    dt: str | float = "0.1 ms",
    method: str | None = None,
    record: Sequence[str] | None = None,
    seed: int = 0,
    dtype: Literal["float32", "float64"] = "float64",
    state: Mapping[str, Any] | None = None,
    target: Literal["numpy", "cython", "cpp_standalone"] = "numpy",
) -> xarray.Dataset:
    """Simulate without learning.

    Parameters
    ----------
    model
        A neuron, or a circuit.
    duration
        A quantity such as ``"1 second"`` (or seconds). A circuit with phases runs through them if it is left
        out; given one, it runs that long with the switches of its first phase.
    n
        Number of neurons, for a bare neuron.
    trials
        Number of independent trials, all run in this call.
    inputs
        Parameters to set: constants with units (``{"i_ext": "1.2 nA"}``), arrays over neurons ``(n,)``, trials
        ``(trial, n)`` or time ``(step,)``, ``(step, n)``, ``(step, trial, n)`` in SI units or as Brian2
        quantities. In a circuit, names are qualified: ``"hidden1.i_ext"``. The numbers of white noise ``xi``
        can be given in the same way.
    engine, target
        ``batched`` (all trials at once) or ``brian`` (one after the other, with Brian2's code generation target).
    dt
        Time step.
    method
        Integration method of a bare neuron, instead of its own.
    record
        Variables to return, by default all state variables and spikes.
    seed
        Of initial weights and noise.
    state
        Weights and parameters to use instead of initial ones, see `neurosim.engines.state`.

    Returns
    -------
    xarray.Dataset
        Variables with dims ``(time, trial, neuron)``, in SI units given by their attribute ``units``; ``time``
        is the start of each step in seconds. Spikes are a boolean variable. In circuits of several populations
        the last dimension is ``neuron_<population>``.

    Raises
    ------
    CircuitError, UnitError, EquationError
        What does not fit.
    NumericalError
        If a variable stops being finite, naming it and the time.

    Examples
    --------
    >>> neuron = NeuronModel("dv/dt = (i_ext - v)/tau : 1", parameters={"tau": "10 ms", "i_ext": 1})
    >>> round(float(simulate(neuron, "10 ms").v[-1, 0, 0]), 3)
    0.628
    """
    seconds_per_step = parse_quantity(dt, "second") if isinstance(dt, str) else float(dt)
    circuit = _circuit(model, duration, n, method)
    steps = sum(phase.steps(seconds_per_step) for phase in circuit.phases)
    circuit, given = apply_inputs(circuit, inputs or {}, steps=steps, trials=trials, dt=seconds_per_step)
    names = _recorded(circuit, record)
    spiking = any(neuron.threshold is not None for neuron in compose(circuit).values())
    setting = Setting("spiking" if spiking else "rate", seconds_per_step, dtype)
    values = initial_state(circuit, seed, dtype=dtype) | dict(state or {}) | given.state
    settings: dict[str, Any] = {"seed": seed, "record": names, "learn": False, "trials": trials}
    if engine == "batched":
        from neurosim.engines.batched.engine import BatchedEngine

        _, outputs = BatchedEngine(circuit, setting).run(values, given.stimuli, **settings)
    elif engine == "brian":
        from neurosim.engines.brian.engine import BrianEngine

        _, outputs = BrianEngine(circuit, setting, target).run(values, given.stimuli, **settings)
    else:
        raise CircuitError(f"unknown engine '{engine}'; expected 'batched' or 'brian'")
    recordings = {name: outputs.recordings[name] for name in names}
    return _dataset(circuit, recordings, seconds_per_step, bare=isinstance(model, NeuronModel))


def _circuit(model: NeuronModel | Circuit, duration: str | float | None, n: int, method: str | None) -> Circuit:
    if isinstance(duration, (int, float)):
        duration = f"{float(duration)!r} second"
    if isinstance(model, NeuronModel):
        if duration is None:
            raise CircuitError("a bare neuron needs a duration, e.g. simulate(neuron, '1 second')")
        neuron = replace(model, method=method) if method else model
        return Circuit(model.name, (Population(ALONE, n, neuron),), phases=(Phase("run", duration),))
    if duration is not None:
        first = model.phases[0] if model.phases else Phase("run", duration)
        return replace(model, phases=(replace(first, duration=duration, learn=()),))
    if not model.phases:
        raise CircuitError(f"the circuit '{model.name}' has no phases; give a duration")
    return model


def _recorded(circuit: Circuit, record: Sequence[str] | None) -> tuple[str, ...]:
    known: list[str] = []
    default: list[str] = []
    for population, neuron in compose(circuit).items():
        spikes = [f"{population}.spikes"] if neuron.threshold is not None else []
        default += [f"{population}.{variable}" for variable in neuron.state_variables] + spikes
        known += [f"{population}.{name}" for name in neuron.equation_set.by_name] + spikes
    if record is None:
        return tuple(default or [name for name in known if name in plan(circuit).nodes])
    names = []
    for name in record:
        alone = circuit.populations[0].name if len(circuit.populations) == 1 else None
        qualified = f"{alone}.{name}" if alone and "." not in name else name
        if qualified not in known:
            raise CircuitError(
                f"cannot record '{name}'; known: {', '.join(k.split('.')[1] if alone else k for k in known)}"
            )
        names.append(qualified)
    return tuple(names)


def _dataset(circuit: Circuit, recordings: Mapping[str, np.ndarray], dt: float, *, bare: bool) -> xarray.Dataset:
    import xarray

    variables = {}
    alone = len(circuit.populations) == 1
    for name, array in recordings.items():
        population, variable = name.split(".")
        array = np.asarray(array)
        if array.dtype != bool:
            _check_finite(name, array, dt)
        unit = "1" if variable == "spikes" else compose(circuit)[population].equation_set.by_name[variable].unit
        dims = ("time", "trial", "neuron" if alone else f"neuron_{population}")
        variables[variable if bare else name] = xarray.Variable(dims, array, {"units": unit})
    steps = next(iter(recordings.values())).shape[0]
    time = xarray.Variable("time", dt * np.arange(steps), {"units": "second"})
    return xarray.Dataset(variables, coords={"time": time}, attrs={"model": circuit.name, "dt": dt})


def _check_finite(name: str, array: np.ndarray, dt: float) -> None:
    finite = np.isfinite(array)
    if not finite.all():
        step, trial, neuron = np.argwhere(~finite)[0]
        raise NumericalError(
            f"'{name}' stopped being finite at {step * dt * 1e3:g} ms (trial {trial}, neuron {neuron}); "
            "is the time step too long for the method?"
        )
