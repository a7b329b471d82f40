"""How well populations of spiking neurons invert a layer: by neurons for each number, and by time to settle.

The model's own loop is the reference without spikes. Beside it runs the same loop, with the same weights and targets,
whose controller and error are carried by leaky integrate-and-fire neurons (`neurosim.probes._spiking_loop`); both are
held against the exact fixed point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from neurosim.neurons._quantities import TimeConstant
from neurosim.probes._findings import Findings, Number, OnStep
from neurosim.units import parse_quantity

if TYPE_CHECKING:
    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task


def _frequency(text: str) -> str:
    parse_quantity(text, "Hz")
    return text


def _even(neurons: int) -> int:
    if neurons % 2:
        raise ValueError(f"got {neurons}, expected an even number, half of which fire for either sign")
    return neurons


#: What figures of its runs show besides curves.
PLANE = "loops"


class Config(BaseModel):
    """Settings of the probe.

    Attributes
    ----------
    neurons
        Numbers of neurons that carry each number of the controller and of the error; one loop for each of these.
    settling
        Times after the target's onset at which the error is read.
    background
        How long neurons fire before, without a target.
    trials
        Trials of the training split, whose output errors are the targets.
    draws
        Draws of weights, trials and neurons.
    tau_m, tau_ref
        Membrane and refractory period of the neurons.
    lowest_rate, highest_rate
        Between which a neuron's rate is drawn at the end of its range.
    headroom
        The range of each number, in standard deviations of its exact fixed point, over other trials than those that are
        measured.
    dt
        Time step of the spiking loop.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    neurons: tuple[Annotated[PositiveInt, AfterValidator(_even)], ...] = Field(default=(20, 50, 100, 200), min_length=1)
    settling: tuple[TimeConstant, ...] = Field(default=("25 ms", "50 ms", "100 ms", "200 ms", "400 ms"), min_length=1)
    background: TimeConstant = "100 ms"
    trials: PositiveInt = 16
    draws: PositiveInt = 3
    tau_m: TimeConstant = "20 ms"
    tau_ref: TimeConstant = "2 ms"
    lowest_rate: Annotated[str, AfterValidator(_frequency)] = "40 Hz"
    highest_rate: Annotated[str, AfterValidator(_frequency)] = "120 Hz"
    headroom: PositiveFloat = 3.0
    dt: TimeConstant = "0.1 ms"


#: What it gives; see `neurosim.probes._findings.Number`.
NUMBERS = (
    Number(
        "error_at_<time>",
        "1",
        "distance of the error from the exact fixed point at this time, over its length; most neurons",
    ),
    Number("rate_error_at_<time>", "1", "the same of the loop without spikes"),
    Number("static_error_<neurons>", "1", "the same if so many neurons for each number would send their rates"),
    Number(
        "error_<neurons>",
        "1",
        "distance of the error from the exact fixed point, over its length, with so many neurons for each number",
    ),
    Number(
        "angle_deg_<neurons>",
        "deg",
        "angle of the error to the exact fixed point, with so many neurons for each number",
    ),
    Number(
        "neurons_slope",
        "1",
        "power by which the error falls with the neurons; -0.5 is as independent noise, -1 as evenly spaced spikes",
    ),
    Number("settling_rate_ratio", "1", "rate at which the error falls over that of the loop without spikes"),
)


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """Let the loops settle, with and without spikes.

    Parameters
    ----------
    config, engine, task, on_step
        See `neurosim.probes._findings.Measure`.
    seed
        Seed of weights, trials and neurons.

    Returns
    -------
    Findings
        With N neurons for each number, at the last of the times: ``error_<N>``, the distance of the error from the
        exact fixed point over its length, mean over trials and draws; ``angle_deg_<N>``, the angle between the two;
        ``static_error_<N>``, that distance where neurons would send their rates (`neurosim.stability.decoded_loop`).
        ``neurons_slope``, of the logarithm of the error against that of N, over all N.

        With the most neurons, at time T (``25ms``): ``error_at_<T>``, and ``rate_error_at_<T>`` of the loop without
        spikes. ``settling_rate_ratio``: the rate at which the error falls over that of the loop without spikes, between
        the first and the last time at which the latter's error is still three times what the spiking loop ends with;
        not a number if there are no two.

        Curves over draw, neurons and settling time: ``error``, ``angle_deg``; ``rate_error``, ``rate_angle_deg`` and
        ``static_error`` over those that matter to them.

    Raises
    ------
    ConfigError
        If the circuit's first loop is not linear or runs around more than one pathway, has no leak, or does not run as
        long as the last of the times.
    """
    # Late, so that checking a model imports nothing that compiles.
    from neurosim.probes import _spiking_inversion

    return _spiking_inversion.measure(config, engine, task, seed=seed, on_step=on_step)
