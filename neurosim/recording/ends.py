"""Files with the end of a simulation, from which another process continues. Safetensors: arrays, no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.atomic import write_file
from neurosim.circuit.circuit import Circuit
from neurosim.engines.slots import Continuation, last_step, neuron_variables, slots
from neurosim.errors import CircuitError, DataError
from neurosim.gate.seals import digest_of
from neurosim.gate.tensors import arrays_digest, packed, read_tensors
from neurosim.gate.texts import parsed_json

_FORMAT, _SEAL = "neurosim simulation 2", "about_sha256"
_SLOTS, _WEIGHTS, _RANDOM = "slots", "weights", "random"
#: The format before, which had a table for each kind of slot, and how it named what is now a slot.
_BEFORE = "neurosim simulation 1"
_OLD_NAMES = {"neurons": str, "since_spike": last_step, "not_refractory": "{}.not_refractory".format}


@dataclass(frozen=True)
class End:
    """The end of a simulation.

    Attributes
    ----------
    continuation
        Where it stands.
    weights
        Synaptic variables, ``W1.w``.
    dt, seed, trials
        How it was run.
    """

    continuation: Continuation
    weights: dict[str, np.ndarray]
    dt: float
    seed: int
    trials: int


def store_end(path: Path, end: End) -> None:
    """Write a file of an end, completely or not at all.

    Raises
    ------
    DataError
        It cannot be written.
    """
    going = end.continuation
    arrays = {f"{_WEIGHTS}/{name}": array for name, array in end.weights.items()}
    arrays |= {f"{_SLOTS}/{name}": array for name, array in going.values.items()}
    for trial, state in enumerate(going.random):
        arrays |= {f"{_RANDOM}/{trial}/{name}": array for name, array in state.items()}
    about = {"step": going.step, "dt": end.dt, "seed": end.seed, "trials": end.trials, "sha256": arrays_digest(arrays)}
    about |= {_SEAL: digest_of(json.dumps(about).encode())}
    write_file(path, packed(arrays, {"format": _FORMAT, "about": json.dumps(about)}), parents=True)


def read_end(path: Path) -> End:
    """Read a file of an end.

    Raises
    ------
    DataError
        It is missing, damaged, or no such file.
    """
    try:
        file = read_tensors(path)
    except DataError as error:
        said = str(error).removeprefix(f"{path}: ")
        raise DataError(f"{path}: cannot be read as the end of a simulation ({said})") from error
    if file.metadata.get("format") not in (_FORMAT, _BEFORE):
        raise DataError(f"{path}: got the format {str(file.metadata.get('format'))[:60]!r}, expected '{_FORMAT}'")
    arrays = file.arrays
    try:
        about = parsed_json(file.metadata["about"], str(path))
        if arrays_digest(arrays) != about["sha256"]:
            raise DataError(f"{path}: damaged, its checksum is not that of its numbers")
        # Older files have none.
        said = about.pop(_SEAL, None)
        if said is not None and said != digest_of(json.dumps(about).encode()):
            raise DataError(f"{path}: damaged, its checksum is not that of what it says of itself")
        weights: dict[str, np.ndarray] = {}
        values: dict[str, np.ndarray] = {}
        random: dict[int, dict[str, np.ndarray]] = {}
        for name, array in arrays.items():
            kind, _, rest = name.partition("/")
            if kind == _RANDOM:
                trial, _, variable = rest.partition("/")
                random.setdefault(int(trial), {})[variable] = array
            elif kind == _WEIGHTS:
                weights[rest] = array
            else:
                values[rest if kind == _SLOTS else _OLD_NAMES[kind](rest)] = array
        going = Continuation(int(about["step"]), values, [random[trial] for trial in sorted(random)])
        return End(going, weights, float(about["dt"]), int(about["seed"]), int(about["trials"]))
    except DataError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{path}: cannot be read as the end of a simulation ({error})") from error


def check_end(end: End, circuit: Circuit, *, dt: float, seed: int, trials: int, path: Path) -> None:
    """Refuse to continue with another circuit, time step, seed or number of trials.

    Raises
    ------
    CircuitError
        With the difference.
    """
    for name, got, stored in (("dt", dt, end.dt), ("seed", seed, end.seed), ("trials", trials, end.trials)):
        if got != stored:
            raise CircuitError(f"{name}: got {got}, but {path} was stored with {stored}, and goes on with that only")
    shapes = {name: (trials, circuit.population[name.split(".")[0]].size) for name in neuron_variables(circuit)}
    kept = slots(circuit, dt)
    # Files that were stored before synapses had traces have none.
    there = end.continuation.values.keys()
    shapes |= {
        name: (trials, *slot.shape)
        for name, slot in kept.items()
        if slot.kind == "flight" or (slot.kind == "trace" and name in there)
    }
    spikes = {name for name in end.continuation.values if name in kept and kept[name].kind == "refractory"}
    stored = {name: array.shape for name, array in end.continuation.values.items() if name not in spikes}
    for name in sorted({*shapes, *stored}):
        if shapes.get(name) != stored.get(name):
            raise CircuitError(
                f"{path} is the end of another circuit: '{name}' has there {_shape(stored, name)}, here "
                f"{_shape(shapes, name)}"
            )
    own = {f"{p.name}.w": circuit.weights_shape(p.name) for p in circuit.owners}
    had = {name: array.shape for name, array in end.weights.items() if name.endswith(".w")}
    # Trials that learned have weights of their own.
    had = {name: shape[1:] if shape == (trials, *own.get(name, ())) else shape for name, shape in had.items()}
    for name in sorted({*own, *had}):
        if own.get(name) != had.get(name):
            raise CircuitError(
                f"{path} is the end of another circuit: '{name}' has there {_shape(had, name)}, here "
                f"{_shape(own, name)}"
            )


def _shape(shapes: Mapping[str, tuple[int, ...]], name: str) -> str:
    return f"shape {shapes[name]}" if name in shapes else "no place"


def weights_in(circuit: Circuit, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The synaptic variables of a state, as they are."""
    own = {pathway.name for pathway in circuit.owners}
    variables = {f"{name}.{v}" for name in own for v in circuit.pathway[name].synapse.synaptic_variables}
    return {name: np.asarray(values[name]) for name in sorted(variables) if name in values}
