"""Where feedback weights go beside their forward weights, and how fast, against closed forms.

Only the phases in which feedback learns are run, and in them the forward weights stay as they were drawn, or learn by
the same primitives (the symmetrised flow). The closed forms are those of `neurosim.stability`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, PositiveInt

from neurosim.circuit.update_noise import UpdateNoise
from neurosim.probes._findings import Findings, Number, OnStep
from neurosim.probes._marks import Marked

if TYPE_CHECKING:
    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task


#: What figures of its runs show besides curves.
PLANE = "flow"


class Config(Marked):
    """Settings of the mirror probe.

    Attributes
    ----------
    marks
        Numbers of presentations at which the weights are looked at, rising multiples of `batch_size`; they are looked
        at before the first as well.
    batch_size
        Trials between two updates: drawn from the training split with replacement, or all of them in order where there
        are just as many.
    noise
        ``drawn`` as ever, or ``whitened``: one draw, the same in every batch, whose mean over the batch is zero and
        whose covariance is the identity, over all layers with noise together (before a law makes it uniform). Then a
        batch is an expectation, and weights go to their limit without fluctuating about it.
    forward
        Whether forward weights are ``fixed`` or ``learned``, in the phases in which feedback learns, by whatever rule
        the circuit has for that.
    weight_noise
        Noise that every update leaves on weights, none by default: ``{ sd = 0.1, pathways = "feedback" }``.
    repetitions
        With other initial weights and noise; numbers and curves are averaged.
    """

    marks: tuple[PositiveInt, ...] = Field(default=(3200, 32_000), min_length=1)
    noise: Literal["drawn", "whitened"] = "drawn"
    forward: Literal["fixed", "learned"] = "fixed"
    weight_noise: UpdateNoise | None = None
    repetitions: PositiveInt = 1


#: What it gives; see `neurosim.probes._findings.Number`.
NUMBERS = (
    Number("<layer>.angle_deg", "deg", "angle between feedback weights and the transposed forward weights"),
    Number("<layer>.gain", "1", "factor of the transposed forward weights in the feedback weights"),
    Number("<layer>.norm_ratio", "1", "length of the feedback weights over that of the forward weights"),
    Number("<layer>.forward_norm", "1", "length of the forward weights; far above 1 they grow without bound"),
    Number(
        "<layer>.asymmetry",
        "1",
        "distance of forward weights from the transposed feedback weights, over the length of the former",
    ),
    Number(
        "<layer>.from_mean",
        "1",
        "how far both have gone from the mean of the two at the start, over the length of that mean",
    ),
    Number(
        "<layer>.growth_rate", "1", "growth of the sum of both for each update and unit of the feedback's learning rate"
    ),
    Number("<layer>.residual", "1", "root mean square of the feedback weights less their limit"),
    Number(
        "<layer>.predicted_angle_deg", "deg", "angle of the limit that theory gives to the transposed forward weights"
    ),
    Number("<layer>.predicted_gain", "1", "factor of the transposed forward weights in that limit"),
    Number("<layer>.distance", "1", "distance of the feedback weights from that limit, over its length"),
    Number("<layer>.efold_updates", "updates", "updates in which that distance fell by e, between the last two looks"),
    Number("<layer>.column_error", "1", "largest |own gain/predicted - 1| of an upper neuron"),
    Number(
        "<layer>.sizes_error",
        "1",
        "largest difference of a singular value from the stable point's, over the largest of these",
    ),
)


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """Let feedback weights learn, and compare them with the forward weights and with where they should go.

    Parameters
    ----------
    config, engine, task, on_step
        See `neurosim.probes._findings.Measure`.
    seed
        Seed of initial weights, order and noise.

    Returns
    -------
    Findings
        For each layer whose feedback learns, at the last mark. For the feedback weights B and the forward weights W:
        ``<layer>.angle_deg`` between B and W^T; ``gain``, the factor of W^T in B; ``norm_ratio``, |B|/|W|;
        ``forward_norm``, |W|; ``asymmetry``, |W - B^T|/|W|; ``from_mean``, the distance of both from the mean of W^T
        and B at the start, over their norm; ``growth_rate`` of |W^T + B| between the last two looks, per update and
        unit of the feedback's learning rate; ``residual``, the root mean square of B less its limit.

        The limit is where B stands still beside the W of the end, for sums of primitives; for other rules it is W^T.
        Where it is known: ``predicted_angle_deg`` and ``predicted_gain``; ``distance``, of B from it, over its norm;
        ``efold_updates``, the updates in which that fell by e between the last two looks. For the weight mirror and
        activation alignment ``column_error``: the largest relative difference between an upper neuron's own gain and
        its mean slope times the gain of linear units. If W learns by amp, null and decay, too, ``sizes_error``: the
        largest difference between its singular values and those of the stable point, over the largest of these.

        Curves of what needs only one look have the dims ``presentations`` and ``layer``, with
        ``sampling_angle_deg``, the law of the mean of so many products.

    Raises
    ------
    CircuitError
        If no feedback learns.
    ConfigError
        A batch too small to be white, or no noise to be so.
    NumericalError
        If weights grow beyond all bounds.
    """
    # Late, so that checking a model imports nothing that compiles.
    from neurosim.probes import _mirror

    return _mirror.measure(config, engine, task, seed=seed, on_step=on_step)
