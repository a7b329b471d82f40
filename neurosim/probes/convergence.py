"""How fast learned feedback finds the forward weights while these stay fixed, against what theory says.

With a clean baseline, the variance of the noise-based estimate at unit k is ``g_k^2 + G^2``, G being the norm of
the gradient at all perturbed units. Least squares over T samples then errs by
``tr(S^-1 E[(n G^2 + |g|^2) e e^T] S^-1)/T`` in squared Frobenius norm, with e the error the feedback carries,
``S = E[e e^T]``, g the gradient at the layer and n its size: an error that falls as the root of the samples.
The limit itself is theorem 1 of Lansdell, Prakash & Kording (2020), ICLR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from neurosim.probes._findings import Findings, OnStep

if TYPE_CHECKING:
    from neurosim.engines.batched.engine import BatchedEngine
    from neurosim.tasks._task import Task


class Config(BaseModel):
    """Settings of the convergence probe.

    Attributes
    ----------
    marks
        Numbers of presentations at which the feedback weights are looked at, rising multiples of `batch_size`.
    batch_size
        Trials between two updates, drawn from the training split with replacement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    marks: tuple[PositiveInt, ...] = Field(default=(3200, 10_112, 32_000, 101_184, 320_000), min_length=1)
    batch_size: int = Field(default=32, gt=0, le=10**6)

    @model_validator(mode="after")
    def _whole_batches(self) -> Config:
        wrong = [mark for mark in self.marks if mark % self.batch_size]
        if wrong:
            raise ValueError(f"got marks {wrong}, expected multiples of the batch size {self.batch_size}")
        if list(self.marks) != sorted(set(self.marks)):
            raise ValueError(f"got marks {list(self.marks)}, expected them to rise")
        return self


def measure(config: Config, engine: BatchedEngine, task: Task, *, seed: int, on_step: OnStep | None = None) -> Findings:
    """Let the feedback of an untrained network learn, and compare it with the forward weights on the way.

    Parameters
    ----------
    config, engine, task
        The settings, what runs the circuit, and where its trials come from.
    seed
        Of initial weights, order and noise.
    on_step
        Told about progress.

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
