"""Axes of inputs: neurons, trials or time. The user names them; they are never guessed from a length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.border import public
from neurosim.errors import ArgumentError, CircuitError, NeurosimError, UnitError
from neurosim.units import array_in_si, parse_quantity


@dataclass(frozen=True, eq=False)
class OverTime:
    """An input over time, made by `over_time`: the first axis of its values is time."""

    values: Any

    def __repr__(self) -> str:
        return f"over_time(array of shape {np.shape(self.values)})"


@dataclass(frozen=True, eq=False)
class OverNeurons:
    """An input over neurons, made by `over_neurons`: the last axis of its values is neurons."""

    values: Any

    def __repr__(self) -> str:
        return f"over_neurons(array of shape {np.shape(self.values)})"


@dataclass(frozen=True)
class InputSize:
    """The size that an input has to have.

    Attributes
    ----------
    steps, trials, size, dt
        Time steps (``None`` where there is no time), trials, neurons of the population; the time step in seconds.
    """

    steps: int | None
    trials: int
    size: int
    dt: float


def _several(name: str, value: Any) -> Any:
    """Check for an array with an axis that can be time."""
    if isinstance(value, OverTime):
        return value.values
    if isinstance(value, str | dict | set) or np.ndim(value) == 0:
        raise ArgumentError(name, value, "an array whose first axis is time, such as np.linspace(0, 1, steps)")
    return value


@public(values=_several)
def over_time(values: Any) -> OverTime:
    """Declare that an input changes in time.

    Plain arrays are numbers of neurons ``(n,)`` or of trials and neurons ``(trial, n)``; where their first axis could
    as well be time, they are refused until `over_neurons` or this says which.

    Parameters
    ----------
    values
        One number a time step: ``(time,)`` for all neurons alike, ``(time, n)`` for each neuron, or
        ``(time, trial, n)``, where a length of one means all alike; in SI units, or as a Brian2 quantity. An
        `xarray.DataArray` has its axes by name, ``time``, ``trial`` and ``neuron``, in any order.

    Returns
    -------
    OverTime
        An entry for the ``inputs`` of `neurosim.simulate`.

    Raises
    ------
    ArgumentError
        It is no array.

    Examples
    --------
    >>> import numpy as np
    >>> from neurosim import NeuronModel, simulate
    >>> leak = NeuronModel("dv/dt = (i_ext - v)/(10*ms) : 1\\ni_ext : 1")
    >>> ramp = over_time(np.linspace(0, 1, 10))
    >>> simulate(leak, "1 ms", n=2, inputs={"i_ext": ramp}, record=["i_ext"]).i_ext.values[-1, 0].tolist()
    [1.0, 1.0]
    """
    return OverTime(values)


def _over_neurons(name: str, value: Any) -> Any:
    """Check for an array with an axis that can be neurons."""
    if isinstance(value, OverNeurons):
        return value.values
    if isinstance(value, str | dict | set | OverTime) or np.ndim(value) == 0:
        raise ArgumentError(name, value, "an array whose last axis is neurons, such as np.linspace(0, 1, n)")
    return value


@public(values=_over_neurons)
def over_neurons(values: Any) -> OverNeurons:
    """Declare that an input differs between neurons, and stays as it is in time.

    Needed where a population has as many neurons as the simulation has time steps; elsewhere a plain array says it.

    Parameters
    ----------
    values
        ``(n,)``, or ``(trial, n)``; in SI units, or as a Brian2 quantity.

    Returns
    -------
    OverNeurons
        An entry for the ``inputs`` of `neurosim.simulate`.

    Raises
    ------
    ArgumentError
        It is no array.

    Examples
    --------
    >>> import numpy as np
    >>> from neurosim import NeuronModel, simulate
    >>> leak = NeuronModel("dv/dt = (i_ext - v)/(10*ms) : 1\\ni_ext : 1")
    >>> given = {"i_ext": over_neurons(np.linspace(0, 1, 10))}
    >>> simulate(leak, "1 ms", n=10, inputs=given, record=["i_ext"]).i_ext.values[-1, 0, -1].item()
    1.0
    """
    return OverNeurons(values)


def placed(name: str, value: Any, unit: str, extent: InputSize) -> np.ndarray:
    """An input in SI units, as a scalar, ``(n,)``, ``(trial, n)`` or ``(step, trial, n)``.

    Parameters
    ----------
    name
        Name of the input, for messages.
    value
        The value from the user.
    unit
        The expected unit.
    extent
        The size that it has to have.

    Raises
    ------
    CircuitError
        With the shape, if it does not fit, and those that do.
    UnitError
        Another unit, or numbers that are not finite.
    """
    inner = value.values if isinstance(value, OverTime | OverNeurons) else value
    if _is_labelled(inner):
        return _by_names(name, inner, unit, extent, timed=isinstance(value, OverTime))
    array = numbers_in(name, inner, unit)
    if isinstance(value, OverTime):
        return _course(name, array, extent)
    trials, size = extent.trials, extent.size
    if not isinstance(value, OverNeurons):
        _refuse_ambiguous(name, array, extent)
    if array.ndim == 0 or array.shape == (size,) or array.shape == (trials, size):
        return array
    if array.shape in ((trials, 1), (1, size)):
        return np.broadcast_to(array, (trials, size))
    raise CircuitError(
        f"the input '{name}' has shape {array.shape}; expected a number, ({size},) for each neuron, or "
        f"({trials}, {size}) for each trial{_how_over_time(extent)}"
    )


def _refuse_ambiguous(name: str, array: np.ndarray, extent: InputSize) -> None:
    """Refuse an array whose first axis fits neurons or trials, and time as well."""
    fits = array.shape in ((extent.size,), (extent.trials, extent.size), (extent.trials, 1))
    if not fits or array.shape[0] != extent.steps or extent.steps == 1:
        return
    one = f"the {extent.size} neurons" if array.ndim == 1 else f"the {extent.trials} trials"
    raise CircuitError(
        f"the input '{name}' has shape {array.shape}: its first axis could be {one} or the {extent.steps} time steps; "
        "say which: neurosim.over_neurons(array) for what stays, neurosim.over_time(array) for what changes in time"
    )


def _course(name: str, array: np.ndarray, extent: InputSize) -> np.ndarray:
    steps, trials, size = extent.steps, extent.trials, extent.size
    if steps is None:
        raise CircuitError(f"the input '{name}' changes in time, but there is no time here; expected a number or array")
    full = array[:, None, None] if array.ndim == 1 else array[:, None, :] if array.ndim == 2 else array
    fits = full.ndim == 3 and full.shape[0] == steps and full.shape[1] in (1, trials) and full.shape[2] in (1, size)
    if not fits:
        raise CircuitError(
            f"the input '{name}' has shape {array.shape} over time; expected {steps} time steps first: ({steps},), "
            f"({steps}, {size}) for each neuron or ({steps}, {trials}, {size}) for each trial"
            f"{_which_axis(array, extent)}"
        )
    return np.broadcast_to(full, (steps, trials, size))


def _how_over_time(extent: InputSize) -> str:
    if extent.steps is None:
        return ""
    return f"; what changes in time says so: neurosim.over_time(array) with {extent.steps} time steps first"


def _which_axis(array: np.ndarray, extent: InputSize) -> str:
    if extent.steps in array.shape[1:]:
        return "; time is the first axis, use np.moveaxis"
    if array.shape == (extent.steps, extent.trials):
        return f"; of trials alone give ({extent.steps}, {extent.trials}, 1)"
    return ""


def _is_labelled(value: Any) -> bool:
    # Tested without importing xarray, which most users do not need.
    return hasattr(value, "dims") and hasattr(value, "coords") and hasattr(value, "transpose")


def _by_names(name: str, value: Any, unit: str, extent: InputSize, *, timed: bool) -> np.ndarray:
    """An array whose axes have names."""
    if not hasattr(value, "to_dataset"):
        raise CircuitError(f"the input '{name}' is a whole dataset; choose one of its variables, such as recording.v")
    short = {str(dim): "neuron" if str(dim).startswith("neuron_") else str(dim) for dim in value.dims}
    lengths = {"time": extent.steps, "trial": extent.trials, "neuron": extent.size}
    if len(set(short.values())) < len(short) or not set(short.values()) <= lengths.keys():
        raise CircuitError(f"the input '{name}' has the dimensions {value.dims}; expected some of time, trial, neuron")
    if timed and "time" not in short.values():
        raise CircuitError(f"the input '{name}' has the dimensions {value.dims}; over_time expects one called time")
    _check_steps(name, value, extent.dt)
    scale = _scale(name, value, unit)
    order = [dim for wanted in lengths for dim, dimension in short.items() if dimension == wanted]
    array = scale * numbers_in(name, np.asarray(value.transpose(*order).values), unit)
    there = tuple(short[dim] for dim in order)
    for dim, length in zip(there, array.shape, strict=True):
        if lengths[dim] is None or length not in (1, lengths[dim]) or (dim == "time" and length != lengths[dim]):
            expected = "none, there is no time here" if lengths[dim] is None else lengths[dim]
            raise CircuitError(f"the input '{name}' has {length} along '{dim}'; expected {expected}")
    if not there:
        return array
    shaped = array.reshape([n for n in (array.shape[there.index(d)] if d in there else 1 for d in lengths)])
    if "time" in there:
        return np.broadcast_to(shaped, (extent.steps or 0, extent.trials, extent.size))
    if "trial" in there:
        return np.broadcast_to(shaped[0], (extent.trials, extent.size))
    return np.broadcast_to(shaped[0, 0], (extent.size,))


def _check_steps(name: str, value: Any, dt: float) -> None:
    """Refuse samples with another time step than the simulation's, even if their number fits."""
    if "time" not in value.dims or "time" not in value.coords or len(value["time"]) < 2:
        return
    time = np.asarray(value["time"].values)
    apart = np.diff(time) if time.dtype.kind in "fiu" else np.zeros(1)
    if not np.allclose(apart, dt, rtol=1e-3, atol=0):
        raise CircuitError(
            f"the input '{name}' has time steps of {1e3 * float(np.median(apart)):g} ms by its coordinate 'time', and "
            f"the simulation of {1e3 * dt:g} ms; interpolate it, or drop the coordinate"
        )


def _scale(name: str, value: Any, unit: str) -> float:
    """The factor from a labelled array's own unit to the SI unit."""
    given = value.attrs.get("units")
    if given is None:
        return 1.0
    try:
        return parse_quantity("1" if str(given) == "1" else f"1 {given}", unit)
    except UnitError as error:
        raise UnitError(f"the input '{name}': {error}") from error


def numbers_in(name: str, value: Any, unit: str) -> np.ndarray:
    """An input as an array of numbers in SI units.

    Raises
    ------
    CircuitError, UnitError
        It is none, or has another unit.
    """
    if type(value).__name__ == "TimedArray":
        raise CircuitError(f"the input '{name}' is a TimedArray of Brian2; give neurosim.over_time(timed.values)")
    try:
        array = array_in_si(value, unit)
    except UnitError as error:
        raise UnitError(f"the input '{name}': {error}") from None
    except NeurosimError:
        raise
    except (TypeError, ValueError) as error:
        # Lists of unequal lengths, text within arrays, objects.
        raise CircuitError(
            f"the input '{name}' is no array of numbers but a {type(value).__name__} ({error}); expected a number, a "
            "quantity such as '1.2 nA', or an array of numbers in SI units"
        ) from error
    return array
