"""The phase of a presentation, as long as the task's time grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neurosim.circuit.description import Phase
from neurosim.errors import ConfigError
from neurosim.networks._network import Sized, is_stream


def presentation(
    task: Sized,
    learn: Sequence[str] = (),
    *,
    duration: str = "",
    name: str = "presentation",
    switches: Mapping[str, float] | None = None,
) -> Phase:
    """One presentation: all steps of the task's grid, and one step of the engine; of a stream, the steps of a window.

    Inputs of a step act on the state of the next one. The last step is there for the error after the last input; in a
    stream that is the first step of the next window.

    Parameters
    ----------
    task
        One with a time grid: ``steps`` of ``dt`` seconds; ``engine_dt``, the step of the engine, is that of the grid
        where it is not known.
    learn
        The pathways that learn.
    duration
        In place of that of the grid.

    Raises
    ------
    ConfigError
        A task without a grid, and no `duration`.
    """
    lasting = duration or _duration_of(task)
    return Phase(name, lasting, dict(switches or {}), learn=tuple(learn))


def _duration_of(task: Sized) -> str:
    steps, dt = getattr(task, "steps", None), getattr(task, "dt", None)
    if steps is None or dt is None:
        raise ConfigError.at(
            "scheme.duration",
            "got none, and the task has no time of its own; expected the duration of a presentation, such as '50 ms'",
        )
    further = 0.0 if is_stream(task) else getattr(task, "engine_dt", None) or dt
    # In full: a duration has to be a whole number of the engine's steps.
    return f"{(steps * dt + further) * 1e3:.12g} ms"
