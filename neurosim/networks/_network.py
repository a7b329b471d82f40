"""Shared by all kinds of networks: settings that name neurons, and layers that learn."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any, Protocol, cast

from pydantic import BaseModel, ConfigDict

from neurosim import registry
from neurosim.circuit.synapses import Image
from neurosim.errors import ConfigError
from neurosim.neurons._model import NeuronModel
from neurosim.rules._rule import Rule

#: The kind of a network that names none.
DEFAULT = "layered"


class Sized(Protocol):
    """The sizes of a task, which are all that a scheme knows of it."""

    @property
    def n_inputs(self) -> int: ...
    @property
    def n_outputs(self) -> int: ...


def image_of(task: Sized) -> Image | None:
    """Height, width and channels of a task's inputs, if it says that they are images."""
    return getattr(task, "image", None)


@dataclass(frozen=True)
class SizedInTime:
    """The sizes of a task over time, and the time step of the engine that will run the circuit.

    Attributes
    ----------
    n_inputs, n_outputs
        Inputs and outputs.
    steps, dt
        Of what is presented at once on the task's grid: a trial, or a window of a stream; `dt` in seconds.
    events
        Whether inputs are spikes.
    engine_dt
        The time step of the engine, in seconds.
    stream
        Whether presentations are windows of endless sequences.
    """

    n_inputs: int
    n_outputs: int
    steps: int
    dt: float
    engine_dt: float
    events: bool = False
    stream: bool = False


def is_stream(task: Sized) -> bool:
    """Whether a task's trials are endless sequences, of which windows are presented."""
    return bool(getattr(task, "stream", False))


def with_engine(task: Sized, engine_dt: float, window: int | None = None) -> Sized:
    """A task over time together with the time step of the engine, in seconds; any other task as it is.

    Parameters
    ----------
    window
        How many grid steps of a stream are presented at once.

    Raises
    ------
    ConfigError
        If the time step does not divide the grid step of the task.
    """
    steps, dt = getattr(task, "steps", None), getattr(task, "dt", None)
    if steps is None or dt is None:
        return task
    held = round(dt / engine_dt)
    if held < 1 or abs(held * engine_dt - dt) > 1e-6 * engine_dt:
        grid, step = (f"{1e3 * time:.9g} ms" for time in (dt, engine_dt))
        raise ConfigError.at(
            "engine.dt", f"got {step}, expected {grid}, the grid step of the task (task.dt), or a whole part of it"
        )
    events, stream = bool(getattr(task, "events", False)), is_stream(task)
    shown = window if stream and window is not None else steps
    return SizedInTime(task.n_inputs, task.n_outputs, shown, dt, engine_dt, events, stream)


class Part(BaseModel):
    """A component by its ``kind``, with the component's own settings beside it."""

    model_config = ConfigDict(frozen=True, extra="allow")
    kind: str

    @property
    def settings(self) -> dict[str, Any]:
        """All but the kind."""
        return dict(self.model_extra or {})


class Network(BaseModel):
    """Settings of a network, whatever its kind: the base of the ``Config`` in each file of this folder.

    A setting whose default is a `Part` names a neuron; model files give it all of that neuron's defaults.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the populations that errors reach, from the input on; the output is the last."""
        raise NotImplementedError

    @property
    def neurons(self) -> dict[str, Part]:
        """The neurons that the settings name, by key: ``output_neuron``, and ``neuron.0`` where there is a list."""
        parts: dict[str, Part] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Part):
                parts[name] = value
            elif isinstance(value, tuple):
                listed = cast(tuple[Any, ...], value)
                parts |= {f"{name}.{n}": each for n, each in enumerate(listed) if isinstance(each, Part)}
        return parts


def neuron_of(part: Part) -> NeuronModel:
    """Build the neuron model that a part of the settings names."""
    # The module is part of the key: a file of one's own that is registered again is another module.
    return _neuron(registry.load("neurons", part.kind), json.dumps(part.settings, sort_keys=True))


@functools.lru_cache(maxsize=128)
def _neuron(module: Any, settings: str) -> NeuronModel:
    return module.build(module.Config(**json.loads(settings)))


def rule_of(name: str) -> Rule:
    """A learning rule by name."""
    return registry.load("rules", name).RULE
