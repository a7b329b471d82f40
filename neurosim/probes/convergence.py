"""How fast learned feedback finds the forward weights while these stay fixed, against what theory says.

With a clean baseline, the variance of the noise-based estimate at unit k is ``g_k^2 + G^2``, G being the norm of
the gradient at all perturbed units. Least squares over T samples then errs by
``tr(S^-1 E[(n G^2 + |g|^2) e e^T] S^-1)/T`` in squared Frobenius norm, with e the error the feedback carries,
``S = E[e e^T]``, g the gradient at the layer and n its size: an error that falls as the root of the samples.
The limit itself is theorem 1 of Lansdell, Prakash & Kording (2020), ICLR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, PositiveInt

from neurosim.probes._findings import Findings, Number, OnStep
from neurosim.probes._marks import Marked

if TYPE_CHECKING:
    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task


class Config(Marked):
    """Settings of the convergence probe.

    Attributes
    ----------
    marks
        Of presentations; see `neurosim.probes._marks.Marked`, as for ``batch_size``.
    """

    marks: tuple[PositiveInt, ...] = Field(default=(3200, 10_112, 32_000, 101_184, 320_000), min_length=1)


#: What it gives; see `neurosim.probes._findings.Number`.
NUMBERS = (
    Number(
        "<layer>.weight_angle_deg",
        "deg",
        "angle between feedback weights and the transposed forward weights, at the last mark",
    ),
    Number(
        "<layer>.weight_relative_error",
        "1",
        "distance of feedback weights from the transposed forward weights, over the length of these",
    ),
    Number("<layer>.weight_sign_agreement", "%", "share of feedback weights that have the sign of the forward weight"),
    Number("<layer>.weight_norm_ratio", "1", "length of the feedback weights over that of the forward weights"),
    Number(
        "<layer>.local_angle_deg",
        "deg",
        "angle between what feedback delivers and what the right weights would, mean over trials",
    ),
    Number(
        "slope", "1", "power by which the relative error falls with presentations, in the last layer; -0.5 is as a root"
    ),
    Number(
        "worst_ratio",
        "1",
        "largest |observed/predicted - 1| of the relative error over the marks, where theory has one",
    ),
)


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """Let the feedback of an untrained network learn, and compare it with the forward weights on the way.

    Parameters
    ----------
    config, engine, task, on_step
        See `neurosim.probes._findings.Measure`.
    seed
        Seed of initial weights, order and noise.

    Returns
    -------
    Findings
        For the last layer with learned feedback: ``slope`` of the logarithm of the relative error against that of the
        presentations (with two marks or more), and, where the weights are found by exact least squares,
        ``worst_ratio``, the largest ``|observed/predicted - 1|`` over the marks. For every such layer, at the last
        mark, ``<layer>.weight_*`` and ``<layer>.local_angle_deg``. Curves have the dims ``presentations`` and
        ``layer``, and ``predicted_relative_error`` where there is a prediction.

    Raises
    ------
    CircuitError
        If no feedback learns, or the circuit's state carries over.
    """
    # Late, so that checking a model imports nothing that compiles.
    from neurosim.probes import _convergence

    return _convergence.measure(config, engine, task, seed=seed, on_step=on_step)
